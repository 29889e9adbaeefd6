"""How fast every user feature is from a store on disk, with another cut-off, and after a day's increment.

    python benchmarks/fold_speed.py [--events 10000000] [--folder DIR] [--runs 3]

Synthetic: ten events a user over a year, 60 categories, in a compacted store (made once in the folder). All themes:
activity, habits, interests. The table is written to Parquet bucket by bucket, as ``foretide features -o`` does, in
a process of its own, so the peak memory is that of the whole job; kernels were compiled before. The increment is
one day with 1 % of the events: imported, then all features again. ``stages`` counts every day of the year.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from foretide.cli.output import write_parquet
from foretide.events.records import FrameBuckets
from foretide.events.sources.frames import frame_chunks
from foretide.events.store import EventStore
from foretide.features.fold import feature_parts, feature_table
from foretide.features.population import stage_counts
from foretide.features.state import THEMES
from measuring import cost_of, tell
from synthetic import BEGIN, N_DAYS, events, store_of

END = BEGIN + timedelta(days=N_DAYS)
JOBS = ("one cut-off", "two cut-offs", "four cut-offs", "increment", "stages")


def write_features(store: EventStore, cutoffs: list[datetime]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        rows = write_parquet(feature_parts(store, cutoffs, themes=tuple(THEMES)), Path(folder) / "features.parquet")
    return f"{rows:,} rows"


def increment(store: EventStore, n_events: int) -> str:
    """Import one more day, and make all features again."""
    n = n_events // 100
    rng = np.random.default_rng(1)
    day = events(rng, 0, n // 10).with_columns(
        ts=pl.lit(END) + pl.duration(microseconds=rng.integers(0, 86_400_000_000, n))
    )
    counts = store.ingest(frame_chunks(day, source="day"), "day", END + timedelta(days=2))
    return f"{counts.stored:,} stored; {write_features(store, [END + timedelta(days=1)])}"


def run_job(name: str, folder: Path, n_events: int) -> None:
    warm = FrameBuckets(events(np.random.default_rng(0), 0, 10).with_columns(tz_offset_min=pl.lit(None, pl.Int16)))
    feature_table(warm, [END], themes=tuple(THEMES))
    stage_counts(warm, END)
    store = EventStore.open(folder / f"store-{n_events}")
    quarters = [END - timedelta(days=days) for days in (270, 180, 90, 0)]
    jobs = {
        "one cut-off": lambda: write_features(store, quarters[-1:]),
        "two cut-offs": lambda: write_features(store, quarters[-2:]),
        "four cut-offs": lambda: write_features(store, quarters),
        "stages": lambda: f"{stage_counts(store, END).height:,} rows",
    }
    if name != "increment":
        tell(jobs[name])
        return
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / "store"
        shutil.copytree(store.path, copy)
        grown = EventStore.open(copy)
        tell(lambda: increment(grown, n_events))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "foretide-benchmark")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--job")
    asked = parser.parse_args()
    asked.folder.mkdir(exist_ok=True)
    if asked.job:
        run_job(asked.job, asked.folder, asked.events)
        return
    store = store_of(asked.folder, asked.events)
    print(f"{store.n_events:,} events in {store.n_buckets} buckets")
    for job in JOBS:
        cost = cost_of(__file__, job, "--events", str(asked.events), "--folder", str(asked.folder), runs=asked.runs)
        print(f"  {job:14} {cost}", flush=True)


if __name__ == "__main__":
    main()
