"""Writes a simulated world as the files that a team would bring, broken rows included if asked for.

How many rows of each kind are broken is known, so that an import can be checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foretide.errors import UsageError

if TYPE_CHECKING:
    from foretide.events.sources.simulator import Simulation

#: Kinds of broken row: what happens to which column of a row that was whole.
DIRT: dict[str, tuple[str, pl.Expr]] = {
    "no_user": ("user_id", pl.lit(None, pl.String)),
    "no_ts": ("ts", pl.lit(None, pl.String)),
    "bad_ts": ("ts", pl.lit("31st of never")),
    "no_zone": ("ts", pl.col("ts").str.head(23)),  # the offset is cut off
    "bad_value": ("value", pl.lit("plenty")),
    "infinite_value": ("value", pl.lit("inf")),
}
#: Two kinds more, at the end of the file: a whole row once more (a duplicate), and a line that breaks off.
REPEATED, TORN = "repeated", "torn"


@dataclass(frozen=True)
class Written:
    """Files of a simulated world.

    Parameters
    ----------
    csv, jsonl
        The events as text, with the broken rows.
    parquet
        The events as they are.
    items, users
        The item table and the user table.
    n_rows
        Rows of ``csv`` and ``jsonl``.
    dirt
        Broken rows by kind: the keys of ``DIRT``, ``repeated`` and ``torn``.
    """

    csv: Path
    jsonl: Path
    parquet: Path
    items: Path
    users: Path
    n_rows: int
    dirt: dict[str, int]


def write_files(simulation: Simulation, folder: Path, dirt: float = 0.0) -> Written:
    """Write a simulated world into a folder.

    In the text files times are local with their offset, and ``tz_offset_min`` is left out.

    Parameters
    ----------
    simulation
        What to write.
    folder
        It is made if it is missing.
    dirt
        Share of broken rows, in equal parts of each kind; at most a half.

    Raises
    ------
    UsageError
        If ``dirt`` is out of range.
    """
    if not 0 <= dirt <= 0.5:
        raise UsageError(f"dirt must lie between 0 and 0.5, not {dirt}")
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.csv" for name in ("items", "users")}
    simulation.items.write_csv(files["items"])
    simulation.users.write_csv(files["users"])
    parquet, csv, jsonl = (folder / f"events.{suffix}" for suffix in ("parquet", "csv", "jsonl"))
    simulation.events.write_parquet(parquet)

    n_each = round(dirt * simulation.events.height / (len(DIRT) + 2))
    rows, kind = soil(as_text(simulation.events), n_each, simulation.scenario.seed)
    repeated = rows.filter(kind == 0).head(n_each)
    write_csv(pl.concat([rows, repeated]), csv, n_each)
    write_jsonl(rows.filter(kind == 0), pl.concat([rows.filter(kind > 0), repeated]), jsonl, n_each)
    counts = dict.fromkeys([*DIRT, REPEATED, TORN], n_each)
    return Written(csv, jsonl, parquet, files["items"], files["users"], rows.height + 2 * n_each, counts)


def as_text(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events as text, each time on the user's own clock."""
    offset = pl.col("tz_offset_min").cast(pl.Int32)
    local = (pl.col("ts") + pl.duration(minutes=offset)).dt.strftime("%Y-%m-%dT%H:%M:%S%.3f")
    sign = pl.when(offset < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    hours, minutes = (part.cast(pl.String).str.zfill(2) for part in (offset.abs() // 60, offset.abs() % 60))
    return events.with_columns(
        pl.concat_str(local, sign, hours, pl.lit(":"), minutes).alias("ts"),
        pl.col("value").cast(pl.String),
    ).drop("tz_offset_min")


def soil(rows: pl.DataFrame, n_each: int, seed: int) -> tuple[pl.DataFrame, pl.Series]:
    """Break ``n_each`` rows of each kind; return all rows, and the number of each one's kind, 0 for whole."""
    kind = np.zeros(rows.height, dtype=np.int64)
    chosen = np.random.default_rng(seed).choice(rows.height, n_each * len(DIRT), replace=False)
    kind[chosen] = 1 + np.arange(len(chosen)) % len(DIRT)
    kinds = pl.Series("kind", kind)
    rows = rows.with_columns(kinds)
    for number, (column, broken) in enumerate(DIRT.values(), start=1):
        where = pl.col("kind") == number
        rows = rows.with_columns(pl.when(where).then(broken).otherwise(column).alias(column))
    return rows.drop("kind"), kinds


def write_csv(rows: pl.DataFrame, path: Path, n_torn: int) -> None:
    """Write rows as CSV, and after them lines that break off."""
    with path.open("wb") as file:
        rows.write_csv(file)
        file.write(b"torn,row\n" * n_torn)


def write_jsonl(whole: pl.DataFrame, others: pl.DataFrame, path: Path, n_torn: int) -> None:
    """Write rows as JSON Lines, whole ones with numbers for values, and after them lines that break off."""
    with path.open("wb") as file:
        whole.with_columns(pl.col("value").cast(pl.Float64)).write_ndjson(file)
        others.write_ndjson(file)
        file.write(b'{"event_id": "torn\n' * n_torn)
