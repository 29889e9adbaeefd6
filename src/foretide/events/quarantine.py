"""The quarantine: rows that could not be stored, each kept once with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import write_deltalake
from numpy.typing import NDArray

from foretide.events.tables import files_of
from foretide.schema import QUARANTINE

#: What makes a rejected row the same as another: all but the moment of the import.
SAME = ("source", "line", "reason", "raw")

Prints = NDArray[np.uint64]  # (n, 2)


def keep(folder: Path, pieces: Iterable[pl.DataFrame]) -> None:
    """Keep rejected rows, a piece at a time; those that were there before are not kept twice."""
    known: Prints | None = None
    for rejected in pieces:
        known = _known(folder) if known is None else known
        new = rejected.filter(~_among(_prints(rejected.lazy()), known))
        if new.height:
            write_deltalake(folder / "quarantine", new.select(QUARANTINE.names()), mode="append")


def _prints(rows: pl.LazyFrame) -> Prints:
    """Return two hashes of each row: 128 bits stand for a row of any length."""
    row = pl.struct(SAME)
    return rows.select(row.hash(1).alias("one"), row.hash(2).alias("two")).collect().to_numpy()


def _known(folder: Path) -> Prints:
    """Return the hashes of all rows that are kept, sorted by the first."""
    parts = [_prints(pl.scan_parquet(file)) for file in files_of(folder, "quarantine")]
    prints = np.concatenate([np.empty((0, 2), np.uint64), *parts])
    return prints[prints[:, 0].argsort()]


def _among(prints: Prints, known: Prints) -> pl.Series:
    if not known.size:
        return pl.repeat(value=False, n=len(prints), eager=True)
    at = np.minimum(np.searchsorted(known[:, 0], prints[:, 0]), len(known) - 1)
    return pl.Series((known[at] == prints).all(axis=1))


def by_reason(folder: Path) -> pl.DataFrame:
    """Return ``reason, count`` and the first row (``source, line, raw``) of each reason, most frequent first."""
    parts = [_counted(pl.read_parquet(file)) for file in files_of(folder, "quarantine")]
    if not parts:
        return pl.DataFrame(schema={"reason": pl.String, "count": pl.Int64})
    first = pl.col("imported_at", "source", "line", "raw").first()
    counts = pl.concat(parts).sort("imported_at", "source", "line").group_by("reason", maintain_order=True)
    return counts.agg(pl.col("count").sum(), first).sort("count", "reason", descending=[True, False])


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("imported_at", "source", "line", "raw").first()
    ordered = rows.sort("imported_at", "source", "line")
    return ordered.group_by("reason", maintain_order=True).agg(pl.len().cast(pl.Int64).alias("count"), first)
