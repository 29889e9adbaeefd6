"""One job in a process of its own: wall time, CPU time of it and its children, peak memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a job took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    said: str

    def __str__(self) -> str:
        return f"{self.wall_s:8.2f} s wall {self.cpu_s:8.2f} CPU-s {self.peak_mb:8,.0f} MB  {self.said}"


def cost_of(script: str, job: str, *arguments: str, runs: int = 1) -> Cost:
    """Run ``script --job NAME ...`` in processes of their own; return the run with the median wall time."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"}
    costs = []
    for _ in range(runs):
        command = [sys.executable, script, "--job", job, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            return Cost(float("nan"), float("nan"), float("nan"), "failed: " + done.stderr.strip()[-300:])
        costs.append(Cost(**json.loads(done.stdout.splitlines()[-1])))
    return sorted(costs, key=lambda cost: cost.wall_s)[len(costs) // 2]


def tell(job: Callable[[], object]) -> None:
    """Run a job in this process and print its cost for ``cost_of``; what was loaded before is not counted."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    said = str(job() or "")
    cost = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu, "peak_mb": peak_mb(), "said": said}
    print(json.dumps(cost))


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mb() -> float:
    """Of this process since it began; ``ru_maxrss`` would count its parent too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
