"""Small Delta tables with a key: items, users, ready-made series; and the events' view of the first two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from foretide.errors import UnknownIdError
from foretide.schema import ITEMS, QUARANTINE, SERIES, USERS

KEYS = {"items": ["item_id"], "users": ["user_id"], "series": ["unique_id", "ds"]}
SCHEMAS = {"items": ITEMS, "users": USERS, "series": SERIES, "quarantine": QUARANTINE}


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Return a whole table; with its least columns and no rows if nothing was ever put into it."""
    files = files_of(folder, name)
    return pl.read_parquet(files) if files else pl.DataFrame(schema=SCHEMAS[name])


def files_of(folder: Path, name: str) -> list[str]:
    """Return the files of a table; none if nothing was ever put into it."""
    path = folder / name
    return DeltaTable(path).file_uris() if DeltaTable.is_deltatable(str(path)) else []


def put_rows(folder: Path, name: str, frame: pl.DataFrame) -> tuple[int, int]:
    """Insert rows or replace those with the same key; return how many were new or changed, and how many not.

    Where a key stands twice in ``frame`` the last row counts; numbers of one series on one day are added up.
    """
    key = KEYS[name]
    old = read_table(folder, name)
    if name == "series":
        last = frame.group_by(key).agg(pl.col("y").sum())
    else:
        last = frame.unique(key, keep="last", maintain_order=True)
    known, last = _aligned(old, last)
    merged = pl.concat([known.join(last, on=key, how="anti"), last]).sort(key)
    unchanged = last.join(known, on=last.columns, how="semi", nulls_equal=True).height
    fresh = last.height - unchanged
    if fresh:
        write_deltalake(folder / name, merged, mode="overwrite", schema_mode="overwrite")
    return fresh, frame.height - fresh


def _aligned(left: pl.DataFrame, right: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give both frames the columns of either."""
    columns = [*left.columns, *(name for name in right.columns if name not in left.columns)]
    types = {**right.schema, **left.schema}

    def aligned(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(types[name]).alias(name) for name in columns
        )

    return aligned(left), aligned(right)


def own_columns(columns: Sequence[str], own: Sequence[str], users: pl.DataFrame, items: pl.DataFrame) -> set[str]:
    """Return those of the events' own columns that have to be read for what is wanted of events, users and items.

    Raises
    ------
    UnknownIdError
        If neither has such a column.
    """
    known = {*own, *users.columns, *items.columns}
    for name in columns:
        if name not in known:
            raise UnknownIdError(f"there is no column {name!r}; the columns are {', '.join(sorted(known))}")
    of_items = set(columns) - set(own) - set(users.columns)
    if of_items or ("category" in columns and not items.is_empty()):
        return {*columns, "user_id"} & set(own) | {"item_id"}
    return {*columns, "user_id"} & set(own)


def with_reference(
    rows: pl.DataFrame, columns: Sequence[str], users: pl.DataFrame, items: pl.DataFrame
) -> pl.DataFrame:
    """Add to events the columns that users and items have, and the categories that only items know."""
    of_users = [name for name in columns if name in users.columns and name not in rows.columns]
    if of_users:
        rows = rows.join(users.select("user_id", *of_users), on="user_id", how="left", maintain_order="left")
    of_items = [name for name in columns if name in items.columns and name not in rows.columns]
    if "category" in columns and not items.is_empty():
        of_items.append("category")
    if of_items:
        renamed = items.select("item_id", pl.col(of_items).name.prefix("item."))
        rows = rows.join(renamed, on="item_id", how="left", maintain_order="left")
        rows = rows.with_columns(
            pl.coalesce(*({name} & set(rows.columns)), f"item.{name}").alias(name) for name in of_items
        )
    return rows
