"""Compaction: one sorted file a bucket, and as many buckets as the number of events asks for.

Every import adds a file to each bucket it touches, and whoever reads a bucket of several files has to sort it.
Compaction sorts once. Replaced files stay for a day, for readers that have not seen the new version.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from foretide.events import delta
from foretide.events.identity import buckets_of

ORDER = ("user_id", "ts", "event_id")
#: A bucket with more events is split: its events should fit in memory several times over.
MOST_EVENTS = 1_000_000
KEEP_REPLACED_S = 86_400.0


@dataclass(frozen=True)
class Layout:
    """What ``store.json`` says: how many buckets there are, in which folder, and which folders were replaced."""

    n_buckets: int
    table: str = "events"
    replaced: tuple[str, ...] = ()

    @classmethod
    def read(cls, store: Path) -> Layout:
        """Read the layout of a store."""
        said = json.loads((store / "store.json").read_text())
        return cls(said["n_buckets"], said.get("table", "events"), tuple(said.get("replaced", ())))

    def write(self, store: Path) -> None:
        """Write the layout; readers see the old or the new one."""
        unfinished = store / "store.json.unfinished"
        with unfinished.open("w") as file:
            json.dump(vars(self), file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(store / "store.json")


@dataclass(frozen=True)
class Compacted:
    """What a compaction did."""

    n_events: int
    n_buckets: int
    files_before: int
    files: int


def buckets_for(n_events: int, n_buckets: int) -> int:
    """Return the number of buckets that many events ask for: the present one, doubled as often as needed."""
    while n_events > n_buckets * MOST_EVENTS:
        n_buckets *= 2
    return n_buckets


def merge(table: Path, bucket: int, rows: pl.LazyFrame, workplace: Path) -> None:
    """Replace the files of a bucket by one."""
    delta.replace(table, delta.write_bucket(workplace, bucket, rows.sort(ORDER).collect()), bucket)


def split(store: Path, layout: Layout, n_buckets: int, scan: Callable[[int], pl.LazyFrame], workplace: Path) -> Layout:
    """Write all events into more buckets, in a table of its own, and return the layout to use from now on."""
    name = f"events-{n_buckets}"
    shutil.rmtree(store / name, ignore_errors=True)  # of a compaction that was cut off
    (store / name).mkdir()
    delta.create(store / name, scan(0).collect_schema())
    files = []
    for i in delta.snapshot(store / layout.table).files:
        rows = scan(i).collect()
        target = buckets_of(rows["user_id"], n_buckets).alias("_bucket")
        for (bucket,), part in rows.with_columns(target).partition_by("_bucket", as_dict=True).items():
            files.append(delta.write_bucket(workplace, int(bucket), part.drop("_bucket").sort(ORDER)))
    delta.commit(store / name, files)
    return Layout(n_buckets, name, (*layout.replaced, layout.table))


def sweep(store: Path, layout: Layout) -> None:
    """Delete what was replaced more than a day ago."""
    for name in layout.replaced:
        folder = store / name
        if folder.exists() and time.time() - (store / "store.json").stat().st_mtime > KEEP_REPLACED_S:
            shutil.rmtree(folder, ignore_errors=True)
    delta.vacuum(store / layout.table, KEEP_REPLACED_S / 3600)


def in_order(file: pl.LazyFrame, *added: pl.LazyFrame, order: Sequence[str] = ORDER) -> pl.LazyFrame:
    """Return the events of a sorted file and those that were added later in order; only users of the latter are sorted.

    For a day after a year, half the time of sorting all.
    """
    if not added:
        return file
    later = pl.concat(added)
    touched = later.select("user_id").unique()
    theirs = pl.concat([file.join(touched, on="user_id", how="semi"), later]).sort(order, maintain_order=True)
    return file.join(touched, on="user_id", how="anti", maintain_order="left").merge_sorted(theirs, key="user_id")
