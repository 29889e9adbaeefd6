"""From the rows of a source to canonical rows, and the rows that cannot become one with the reason.

Every row goes one way or the other. What makes a row unusable: no user, no moment, a value that is no finite
number or beyond any size; for tables beside the events no id; for series no day or no number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from foretide.events.mapping import ColumnMapping
from foretide.events.plain_values import as_id, as_number, as_text, write_simple
from foretide.events.records import Chunk
from foretide.events.sources.rows import Rows
from foretide.events.timestamps import parse_times, read_clock
from foretide.schema import EVENTS, ITEMS, SERIES, USERS

IDS = ("event_id", "user_id", "item_id", "session_id")
TABLES = {"items": ITEMS, "users": USERS}


def to_chunk(rows: Rows, mapping: ColumnMapping) -> Chunk:
    """Make events of rows.

    Parameters
    ----------
    rows
        A piece of a source.
    mapping
        What its columns mean.

    Returns
    -------
    Chunk
        Events with the columns of ``schema.EVENTS`` and a text column for each property, and the rows
        rejected as ``no_user``, ``no_ts``, ``bad_ts``, ``no_zone``, ``ambiguous_date`` or ``bad_value``.
    """
    came, rows = rows, in_plain_text(rows, mapping, typed=("ts", "value"))
    user_id = text_of(rows, mapping, "user_id", as_id)
    times = parse_times(column_of(rows, mapping, "ts"), mapping.timezone, mapping.date_order)
    value, bad_value = as_number(column_of(rows, mapping, "value"), mapping.decimal)
    reason = first_reason(
        (user_id.is_null(), "no_user"),
        (times["reason"].is_not_null(), times["reason"]),
        (bad_value, "bad_value"),
    )
    event_type = text_of(rows, mapping, "event_type", as_text).str.strip_chars()
    properties = properties_of(rows, mapping)
    known = {
        **{name: text_of(rows, mapping, name, as_id) for name in IDS if name != "user_id"},
        "user_id": user_id,
        "event_type": event_type.fill_null(mapping.constants["event_type"]),
        "ts": times["ts"],
        "tz_offset_min": offset_told(properties, times["tz_offset_min"]),
        "value": value,
        "category": text_of(rows, mapping, "category", as_text),
    }
    frame = pl.DataFrame({name: known[name] for name in EVENTS} | properties)
    return Chunk(*parted(came, frame, reason))


def offset_told(properties: dict[str, pl.Series], parsed: pl.Series) -> pl.Series:
    """Take the clock's offset out of the properties where the source has it in a column of its own."""
    told = properties.pop("source_tz_offset_min", None)
    return parsed if told is None else parsed.fill_null(told.cast(pl.Int16, strict=False))


def to_table(rows: Rows, mapping: ColumnMapping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make rows of the item or user table; those without an id are rejected as ``no_item`` or ``no_user``."""
    schema = TABLES[mapping.kind]
    key = next(iter(schema))
    columns = {name: text_of(rows, mapping, name, as_id if name == key else as_text) for name in schema}
    missing = columns[key].is_null(), f"no_{key.removesuffix('_id')}"
    return parted(rows, pl.DataFrame(columns | properties_of(rows, mapping)), first_reason(missing))


def to_series(rows: Rows, mapping: ColumnMapping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make steps of daily series; a source that names none has one, called as its column of numbers."""
    clock = read_clock(column_of(rows, mapping, "ds"), mapping.date_order)
    y, bad_value = as_number(column_of(rows, mapping, "y"), mapping.decimal)
    unique_id = text_of(rows, mapping, "unique_id", as_id).fill_null(mapping.columns["y"])
    frame = clock.select(ds=local_day(mapping.timezone)).with_columns(unique_id=unique_id, y=y).select(*SERIES)
    reason = first_reason(
        (clock["missing"], "no_ts"),
        (clock["ordered"], "ambiguous_date"),
        (frame["ds"].is_null(), "bad_ts"),
        (bad_value | y.is_null(), "bad_value"),
    )
    return parted(rows, frame, reason)


def local_day(timezone: str | None) -> pl.Expr:
    """Return the day on the clock where the time was noted; of a time with an offset the day in the zone."""
    utc = (pl.col("wall") - pl.duration(minutes=pl.col("offset_min"))).dt.replace_time_zone("UTC")
    there = utc.dt.convert_time_zone(timezone or "UTC").dt.date()
    return pl.when(pl.col("offset_min").is_null()).then(pl.col("wall").dt.date()).otherwise(there)


def in_plain_text(rows: Rows, mapping: ColumnMapping, typed: Sequence[str]) -> Rows:
    """Write numbers as text, except for those of the targets that are read as what they are."""
    keep = [mapping.columns[target] for target in typed if target in mapping.columns]
    ids = [mapping.columns[target] for target in IDS if target in mapping.columns]
    return replace(rows, fields=write_simple(rows.fields, keep, ids))


def column_of(rows: Rows, mapping: ColumnMapping, target: str) -> pl.Series:
    """Return the column of a target, nulls if the rows have none."""
    column = mapping.columns.get(target)
    if column is None or column not in rows.fields.columns:
        return pl.repeat(None, rows.line.len(), dtype=pl.String, eager=True)
    return rows.fields[column]


def text_of(rows: Rows, mapping: ColumnMapping, target: str, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Return the column of a target as text or id."""
    return read(column_of(rows, mapping, target))


def properties_of(rows: Rows, mapping: ColumnMapping) -> dict[str, pl.Series]:
    """Return the other columns as text."""
    columns = mapping.property_columns(rows.fields.columns)
    here = {name: column for name, column in columns.items() if column in rows.fields.columns}
    return {name: as_text(rows.fields[column]) for name, column in here.items()}


def first_reason(*tests: tuple[pl.Series, pl.Series | str]) -> pl.Series:
    """Return the first reason that holds for each row, null where none does."""
    reasons = [pl.when(pl.lit(holds)).then(pl.lit(reason)).otherwise(None) for holds, reason in tests if holds.any()]
    length = tests[0][0].len()
    none = pl.repeat(None, length, dtype=pl.String)
    return pl.select(pl.coalesce(*reasons, none)).to_series()


def parted(rows: Rows, frame: pl.DataFrame, reason: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows that are well formed from all that were rejected."""
    if reason.null_count() == reason.len():
        return frame, rows.rejected
    return frame.filter(reason.is_null()), pl.concat([rows.rejected, rows.reject(reason)])
