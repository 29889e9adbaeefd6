"""How fast the feature fold is, and the stages and the account of every day of a year.

    python benchmarks/fold_speed.py [--events 10000000]

Complete Journey: 1.47 million purchases of 2,469 households. Synthetic: 10 million events of 1 million users in
16 buckets. Buckets lie in memory, sorted, as a store keeps them: reading is not part of the figures. Each figure
is the fastest of three runs after the kernels were compiled; the first calls are printed before. The peak memory
includes the events.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from foretide.events.records import Buckets, FrameBuckets
from foretide.events.sources import public
from foretide.features.fold import feature_table
from foretide.features.population import accounting, stage_counts

N_BUCKETS = 16
EVENTS_PER_USER = 10
N_DAYS = 365
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
RUNS = 3


@dataclass(frozen=True)
class SortedBuckets:
    """Buckets in memory that are sorted already."""

    frames: Sequence[pl.DataFrame]
    timezone: str = "UTC"

    @property
    def ids(self) -> Sequence[int]:
        """Return the numbers of the buckets."""
        return range(len(self.frames))

    def bucket(self, i: int, columns: Sequence[str] | None = None, until: datetime | None = None) -> pl.DataFrame:
        """Return a bucket's events, as ``Buckets.bucket``."""
        rows = self.frames[i] if until is None else self.frames[i].filter(pl.col("ts") < until)
        return rows if columns is None else rows.select(columns)


def complete_journey() -> SortedBuckets:
    source = public.complete_journey()
    raw = pl.read_parquet(source.events, columns=["household_id", "transaction_timestamp", "sales_value"])
    events = raw.select(
        user_id=pl.col("household_id").cast(pl.String),
        ts=pl.col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
        event_type=pl.lit("purchase"),
        value="sales_value",
    )
    return SortedBuckets([events.sort("user_id", "ts")], source.local_timezone)


def synthetic(n_events: int) -> SortedBuckets:
    """Users who come at random moments of a year, some for a short while and some throughout."""
    rng = np.random.default_rng(0)
    n_users = n_events // EVENTS_PER_USER // N_BUCKETS
    return SortedBuckets([one_bucket(rng, i, n_users) for i in range(N_BUCKETS)])


def one_bucket(rng: np.random.Generator, i: int, n_users: int) -> pl.DataFrame:
    user = np.repeat(np.arange(n_users), EVENTS_PER_USER)
    first, stay = rng.uniform(0, N_DAYS, n_users), rng.exponential(90, n_users)
    day = first[user] + rng.random(user.size) * np.minimum(stay, N_DAYS - first)[user]
    frame = pl.DataFrame({"user": user, "us": (day * 86.4e9).astype(np.int64), "value": rng.gamma(2, 5, user.size)})
    named = frame.select(
        pl.format("b{}u{}", pl.lit(i), pl.col("user")).alias("user_id"),
        (pl.lit(BEGIN) + pl.duration(microseconds="us")).alias("ts"),
        pl.lit("view").alias("event_type"),
        "value",
    )
    return named.sort("user_id", "ts")


def compiling() -> None:
    """Print the first call of each kernel on a log of one event."""
    frame = pl.DataFrame({"user_id": ["u"], "ts": [BEGIN], "event_type": ["view"], "value": [1.0]})
    log = FrameBuckets(frame.cast({"ts": pl.Datetime("us", "UTC")}))
    soon = BEGIN + timedelta(days=2)
    for name, kernel in (("fold", lambda: feature_table(log, [soon])), ("population", lambda: stage_counts(log, soon))):
        began = time.process_time()
        kernel()
        print(f"{name}: first call {time.process_time() - began:.2f} CPU-s (compiled, or loaded from the cache)")


def measure(name: str, log: Buckets, end: datetime) -> None:
    n_events = sum(log.bucket(i, ["ts"]).height for i in log.ids)
    middle = end - timedelta(days=180)
    jobs: dict[str, Callable[[], pl.DataFrame]] = {
        "feature_table, 1 cut-off": lambda: feature_table(log, [end]),
        "feature_table, 2 cut-offs": lambda: feature_table(log, [middle, end]),
        "stage_counts, every day": lambda: stage_counts(log, end),
        "accounting, every day": lambda: accounting(log, end),
    }
    print(f"\n{name}: {n_events:,} events")
    for job, call in jobs.items():
        wall, cpu = min(timed(call) for _ in range(RUNS))
        print(f"  {job:26} {wall:6.2f} s wall {cpu:6.2f} CPU-s {n_events / wall:14,.0f} rows/s")
    print(f"  peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def timed(call: Callable[[], pl.DataFrame]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--events", type=int, default=10_000_000, help="number of synthetic events")
    n_events = parser.parse_args().events
    compiling()
    measure("Complete Journey", complete_journey(), datetime(2018, 1, 1, 5, tzinfo=UTC))
    measure("Synthetic", synthetic(n_events), BEGIN + timedelta(days=N_DAYS))


if __name__ == "__main__":
    main()
