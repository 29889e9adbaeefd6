"""How fast files become stored events, and in how much memory: parse, check, store, end to end.

    python benchmarks/import_speed.py [--rows 10000000] [--runs 3]

The 1.47 million purchases of Complete Journey as CSV and as Parquet, then ``--rows`` rows of a simulated CSV.
Each run is a process of its own; wall and CPU seconds are medians, the peak is the largest.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from foretide.events.sources.public import complete_journey


def one_import(path: Path, corrections: dict[str, str]) -> None:
    """Import one file into a fresh workspace and print what it took."""
    from foretide.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        place = Workspace.create(Path(folder) / "place")
        wall, cpu = time.perf_counter(), time.process_time()
        counts = place.import_file(path, corrections=corrections, timezone="UTC", event_type="purchase")
        told = {
            "rows": counts.read,
            "stored": counts.stored,
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    print(json.dumps(told))


def measured(path: Path, corrections: dict[str, str], runs: int) -> str:
    """Return a row of the table: medians over processes of their own."""
    command = [sys.executable, __file__, "--one", str(path), "--map", json.dumps(corrections)]
    told = [json.loads(subprocess.check_output(command, text=True)) for _ in range(runs)]
    assert all(one["stored"] == one["rows"] for one in told)
    wall, cpu = (statistics.median(one[key] for one in told) for key in ("wall_s", "cpu_s"))
    peak = max(one["peak_mib"] for one in told)
    rows = told[0]["rows"]
    return f"{path.suffix[1:]:8} {rows:>12,} {wall:8.1f} {cpu:8.1f} {rows / wall:>12,.0f} {peak:10,.0f}"


def simulated(path: Path, n: int) -> None:
    """Write a CSV of ``n`` random views of a million users."""
    rng = np.random.default_rng(0)
    begin = np.datetime64("2025-01-01T00:00:00", "s").astype("int64")
    with path.open("wb") as file:
        for start in range(0, n, 1_000_000):
            size = min(1_000_000, n - start)
            frame = pl.DataFrame(
                {
                    "user_id": rng.integers(0, 1_000_000, size),
                    "item_id": rng.integers(0, 50_000, size),
                    "event_type": rng.choice(["view", "cart", "purchase"], size),
                    "ts": begin + rng.integers(0, 180 * 86_400, size),
                    "value": rng.gamma(2.0, 10.0, size).round(2),
                    "country": rng.choice(["DE", "CN", "US", "FR"], size),
                }
            )
            frame.write_csv(file, include_header=start == 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=Path)
    parser.add_argument("--map", type=json.loads, default={})
    chosen = parser.parse_args()
    if chosen.one:
        one_import(chosen.one, chosen.map)
        return
    found = complete_journey()
    print(f"{'file':8} {'rows':>12} {'wall s':>8} {'CPU s':>8} {'rows/s':>12} {'peak MiB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "purchases.csv"
        pl.read_parquet(found.events).write_csv(csv)
        for path in (csv, found.events):
            print(measured(path, dict(found.events_map), chosen.runs))
        large = Path(folder) / "simulated.csv"
        simulated(large, chosen.rows)
        print(measured(large, {}, 1))


if __name__ == "__main__":
    main()
