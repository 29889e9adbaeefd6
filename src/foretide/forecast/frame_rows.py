"""Rows of a frame as they are given: dates in several forms, figures, names of series; what cannot be read is told."""

from __future__ import annotations

from typing import Any

import polars as pl

from foretide.errors import MappingError
from foretide.events.sources.frames import to_polars

#: A series without an id is called so.
ONLY = "y"
#: Dates as text begin with the year: 01/02/2026 may be a day of January or of February.
YEAR_FIRST = r"^\s*\d{4}\D"
#: A time and its offset from UTC.
OFFSET = r"(\d:\d\d\S*?)\s*(?:Z|[+-]\d\d(?::?\d\d)?)$"
#: Figures beyond this are taken for none, as infinite ones are.
MOST = 1e15
NUMBERS = (pl.String, pl.Boolean, pl.Null)


def rows_of(frame: Any) -> pl.DataFrame:
    """Return ``unique_id, ds, y`` of a frame as text, microseconds and numbers.

    Raises
    ------
    MappingError
        If a column is missing or cannot be read.
    """
    return typed(to_polars(with_index(frame), "frame"))


def with_index(frame: Any) -> Any:
    """Return a pandas frame with ``unique_id`` and ``ds`` of its index as columns; any other one as it is."""
    named = getattr(getattr(frame, "index", None), "names", ())
    inside = [name for name in ("unique_id", "ds") if name in named and name not in frame.columns]
    return frame.reset_index(level=inside) if inside else frame


def typed(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``unique_id, ds, y`` as text, microseconds and numbers, row by row."""
    for name in ("ds", "y"):
        if name not in table.columns:
            raise MappingError(
                f"frame: there is no column {name!r}; rename yours, the columns are {', '.join(table.columns)}"
            )
    if "unique_id" not in table.columns:
        table = table.with_columns(unique_id=pl.lit(ONLY))
    ids, ds, y = table["unique_id"], table["ds"], table["y"]
    return pl.DataFrame([names(ids, "frame"), moments(ds, "frame"), numbers(y, "frame")])


def known(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that have a name, a date and a figure within bounds."""
    return rows.filter(pl.col("y").abs() <= MOST, pl.col("ds").is_not_null(), pl.col("unique_id").is_not_null())


def tidied(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``unique_id, ds, y`` as text, microseconds and finite numbers; rows without a figure are left out."""
    return known(typed(table))


def names(given: pl.Series, frame: str) -> pl.Series:
    """Return names as text."""
    if given.dtype.is_nested() or given.dtype == pl.Object:
        raise MappingError(f"{frame}: {given.name} is {given.dtype}; give text or numbers")
    return given.cast(pl.String)


def moments(given: pl.Series, frame: str) -> pl.Series:
    """Return dates as local microseconds; a time zone is left out."""
    if given.null_count() == given.len():  # of an empty frame the type says nothing
        return given.cast(pl.Null).cast(pl.Datetime("us"))
    ds = from_text(given, frame) if given.dtype == pl.String else given
    if not isinstance(ds.dtype, pl.Date | pl.Datetime):
        raise MappingError(f"{frame}: {given.name} must be dates or times, not {given.dtype}; convert it first")
    if isinstance(ds.dtype, pl.Datetime) and ds.dtype.time_zone:
        ds = ds.dt.replace_time_zone(None)
    return ds.cast(pl.Datetime("us"))


def from_text(given: pl.Series, frame: str) -> pl.Series:
    """Return dates that are written in ISO 8601; an offset is left out, as a time zone is."""
    local = given.str.replace(OFFSET, "$1")
    try:
        read = local.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.ComputeError:  # no form is known for the first one
        read = pl.Series(given.name, [None] * given.len(), pl.Datetime("us"))
    refuse(given, read.is_not_null() & given.str.contains(YEAR_FIRST), frame, "dates or times such as 2026-12-24")
    return read


def numbers(given: pl.Series, frame: str) -> pl.Series:
    """Return figures as floating-point numbers."""
    if not given.dtype.is_numeric() and given.dtype not in NUMBERS:
        raise MappingError(f"{frame}: {given.name} must be numbers, not {given.dtype}; convert it first")
    read = given.cast(pl.Float64, strict=False)
    refuse(given, read.is_not_null(), frame, "numbers")
    return read


def refuse(given: pl.Series, fine: pl.Series, frame: str, wanted: str) -> None:
    """Raise a MappingError that names the first cell that is not what is wanted."""
    wrong = (given.is_not_null() & ~fine.fill_null(False)).arg_true()
    if wrong.len():
        raise MappingError(f"{frame}: {given.name} must be {wanted}, not {given[wrong[0]]!r} (row {wrong[0] + 1})")
