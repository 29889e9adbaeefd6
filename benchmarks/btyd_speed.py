"""Buy-till-you-die fits: a million simulated users; CDNOW beside lifetimes and beside the published parameters.

Run: python benchmarks/btyd_speed.py [--peers-python PYTHON]

``PYTHON`` is the interpreter of an environment with ``benchmarks/peers/lifetimes.in``. Simulating does not
count. The million are fitted in a process of their own each, which reads the statistics and loads the kept kernels
too; of the fits to CDNOW the median is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.users.btyd import BUY_TILL_YOU_DIE
from foretide.users.btyd_simulation import simulate
from foretide.users.btyd_summaries import condensed, summaries
from measuring import cost_of, tell

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data")) / "cdnow" / "events.parquet"
END = datetime(1997, 10, 1, tzinfo=UTC)
#: As published for the sample of 2,357 customers, in weeks.
PUBLISHED = {
    "BG/NBD": (0.2426, 4.4136, 0.7929, 2.4259),
    "MBG/NBD": (0.525, 6.183, 0.891, 1.614),
    "Pareto/NBD": (0.553, 10.578, 0.606, 11.669),
}
RUNS = 5


def simulated(n_users: int, rng: int = 0) -> pl.DataFrame:
    """Users of two years, in days: as published, but twice as busy; times of whole days, as active days are."""
    model = BUY_TILL_YOU_DIE["BG/NBD"]()
    r, alpha, a, b = PUBLISHED["BG/NBD"]
    model.theta_ = np.array([2 * r, 7 * alpha, a, b])
    ages = np.random.default_rng(rng).integers(0, 730, n_users)
    return simulate(model, ages, rng).with_columns(pl.col("recency").ceil())


def fit_saved(name: str, path: str) -> str:
    table = pl.read_parquet(path)
    model = BUY_TILL_YOU_DIE[name]().fit(table)
    return f"{model.n_users_:,} users, {condensed(table).height:,} distinct; {told(model.theta_)}"


def told(theta: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in theta)


def timed(name: str, table: pl.DataFrame) -> tuple[np.ndarray, float, float]:
    """Return parameters, and the median wall and CPU seconds of a fit."""
    costs = []
    for _ in range(RUNS + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        theta = BUY_TILL_YOU_DIE[name]().fit(table).theta_
        costs.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall_s, cpu_s = np.median(costs[1:], axis=0)
    return theta, wall_s, cpu_s


def cdnow() -> pl.DataFrame:
    rows = pl.read_parquet(DATA).select(pl.col("user_id").cast(pl.String), "event_type", "value", ts="timestamp")
    return summaries(FrameBuckets(rows, "UTC"), END).with_columns(pl.col("recency", "age") / 7)


def peers(python: str, table: pl.DataFrame) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        summary, out = Path(folder) / "summary.parquet", Path(folder) / "out.json"
        table.write_parquet(summary)
        script = Path(__file__).parent / "peers" / "btyd_peers.py"
        subprocess.run([python, str(script), str(summary), str(out)], check=True)
        return json.loads(out.read_text(encoding="utf-8"))


def beside_lifetimes(python: str) -> None:
    table = cdnow()
    found = peers(python, table)
    sample = pl.DataFrame(found["columns"]).cast({"frequency": pl.Int32})
    for title, which, users in (("sample", "sample", sample), ("all customers", "all", table)):
        print(f"\nCDNOW, {title}: {users.height:,}")
        for name in BUY_TILL_YOU_DIE:
            theta, wall_s, cpu_s = timed(name, users)
            peer = found[which][name]
            print(f"{name:10} foretide  {told(theta)}  {wall_s * 1e3:7.1f} ms {cpu_s * 1e3:7.1f} CPU-ms")
            print(f"{'':10} lifetimes {told(peer['theta'])}  {peer['wall_s'] * 1e3:7.1f} ms", end="")
            print(f" {peer['cpu_s'] * 1e3:7.1f} CPU-ms: {peer['cpu_s'] / cpu_s:.0f} times the CPU time")
            if which == "sample":
                print(f"{'':10} published {told(np.array(PUBLISHED[name]))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--peers-python")
    parser.add_argument("--job")
    parser.add_argument("--path")
    args = parser.parse_args()
    if args.job:
        tell(lambda: fit_saved(args.job, args.path))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "summary.parquet")
        simulated(args.users).write_parquet(path)
        for name in BUY_TILL_YOU_DIE:
            print(f"{name:10} {cost_of(__file__, name, '--path', path)}")
    if args.peers_python:
        beside_lifetimes(args.peers_python)


if __name__ == "__main__":
    main()
