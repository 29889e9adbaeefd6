"""The same user features in the fold, DuckDB SQL, Polars, pandas and Spark SQL, from the same files in one run.

    python benchmarks/fold_peers.py [--events 20000000] [--cutoffs 4] [--folder DIR] [--runs 1] [--without pandas,...]

Cut-offs a quarter apart, as for a training table; 33 features a user of activity, habits and interests. The fold
does 35 (all it has) and the stage; the two that the others lack, richness and entropy of a draw of 20 events, need sums
over the hypergeometric distribution. Each engine
runs in a process of its own on two threads, reads the store's Parquet files and adds each feature up over the users;
the sums are compared with the fold's. Spark counts from an open session: the fold by ``--engine spark``, Spark SQL.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fold_peers_polars import with_polars
from fold_peers_sql import FEATURES, SQL
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets, FrameBuckets
from foretide.events.store import EventStore
from foretide.features.fold import feature_parts
from foretide.features.state import THEMES
from measuring import cost_of, tell
from synthetic import BEGIN, N_DAYS, events, store_of

END = BEGIN + timedelta(days=N_DAYS)
JOBS = ("fold", "duckdb", "polars", "pandas", "fold on spark", "spark sql")


def summed(table: pl.DataFrame) -> dict[str, float]:
    """Add each feature up over the users; NaN counts as nothing."""
    return table.select(pl.col(FEATURES).cast(pl.Float64).fill_nan(None).sum()).row(0, named=True)


def fold(store: Buckets, ends: Sequence[datetime], engine: Engine) -> str:
    return total(summed(part) for part in feature_parts(store, ends, themes=tuple(THEMES), engine=engine))


def total(sums: Iterable[dict[str, float]]) -> str:
    parts = list(sums)
    return json.dumps({name: sum(part[name] for part in parts) for name in FEATURES})


def query(end: datetime, us: str) -> str:
    return SQL.format(end=int(end.timestamp() * 1e6), us=us)


def duckdb(files: list[str], ends: Sequence[datetime]) -> str:
    import duckdb as engine

    connection = engine.connect(config={"threads": 2})
    connection.sql(f"CREATE VIEW events AS SELECT * FROM read_parquet({files})")
    return total(summed(connection.sql(query(end, "epoch_us(ts)")).pl()) for end in ends)


def pandas(files: list[str], ends: Sequence[datetime]) -> str:
    from fold_peers_pandas import with_pandas

    return total(summed(with_pandas(files, end)) for end in ends)


def spark_sql(files: list[str], ends: Sequence[datetime], session: Any) -> str:
    session.read.parquet(*files).createOrReplaceTempView("events")
    sums = ", ".join(f"sum({name}) AS {name}" for name in FEATURES)
    rows = [session.sql(f"SELECT {sums} FROM ({query(end, 'unix_micros(ts)')})").collect()[0] for end in ends]
    return total({name: float(value) for name, value in row.asDict().items()} for row in rows)


def spark_job(name: str, store: EventStore, files: list[str], ends: Sequence[datetime]) -> Callable[[], str]:
    from foretide.events.spark import SparkEngine
    from foretide.events.spark_session import session as open_session

    engine = SparkEngine("local[2,4]", {"spark.driver.memory": "8g", "spark.sql.shuffle.partitions": "16"})
    began = time.perf_counter()
    session = open_session(engine.master, engine.conf)
    print(f"Spark's start: {time.perf_counter() - began:.1f} s")
    if name == "fold on spark":
        return lambda: fold(store, ends, engine)
    return lambda: spark_sql(files, ends, session)


def tiny() -> FrameBuckets:
    return FrameBuckets(events(np.random.default_rng(0), 0, 10).with_columns(tz_offset_min=pl.lit(None, pl.Int16)))


def run_job(name: str, store: EventStore, n_cutoffs: int) -> None:
    ends = [END - timedelta(days=90 * n) for n in range(n_cutoffs)]
    files = [str(file) for of_bucket in store._snapshot.files.values() for file in of_bucket]  # noqa: SLF001
    if "spark" in name:
        tell(spark_job(name, store, files, ends))
        return
    if name == "fold":  # compiled code is loaded, as the libraries of the others are
        fold(tiny(), ends, LocalEngine())
    jobs: dict[str, Callable[[], str]] = {
        "fold": lambda: fold(store, ends, LocalEngine()),
        "duckdb": lambda: duckdb(files, ends),
        "polars": lambda: total(summed(with_polars(files, end)) for end in ends),
        "pandas": lambda: pandas(files, ends),
    }
    tell(jobs[name])


def difference(said: str, truth: str) -> float:
    """Return the largest relative difference between the sums of two engines."""
    ours, theirs = json.loads(truth), json.loads(said)
    return float(max(abs(theirs[name] - ours[name]) / max(abs(ours[name]), 1e-9) for name in FEATURES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--cutoffs", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "foretide-benchmark")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--without", default="", help="engines to leave out, with commas")
    parser.add_argument("--job")
    asked = parser.parse_args()
    asked.folder.mkdir(exist_ok=True)
    store = store_of(asked.folder, asked.events)
    if asked.job:
        run_job(asked.job, store, asked.cutoffs)
        return
    costs = {}
    for job in (job for job in JOBS if job not in asked.without.split(",")):
        arguments = (f"--events={asked.events}", f"--cutoffs={asked.cutoffs}", f"--folder={asked.folder}")
        costs[job] = cost = cost_of(__file__, job, *arguments, runs=asked.runs)
        if np.isnan(cost.wall_s):
            print(f"{job:14} {cost.said}", flush=True)
            continue
        off = difference(cost.said, costs["fold"].said)
        rival = costs["fold on spark"] if job == "spark sql" else costs["fold"]
        ratios = f"{cost.wall_s / rival.wall_s:5.1f} x wall {cost.cpu_s / rival.cpu_s:5.1f} x CPU"
        took = f"{cost.wall_s:8.1f} s wall {cost.cpu_s:8.1f} CPU-s {cost.peak_mb:8,.0f} MB"
        print(f"{job:14}{took} {ratios}, off by {off:.0e}", flush=True)


if __name__ == "__main__":
    main()
