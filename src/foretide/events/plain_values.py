"""Ids, numbers and texts in one form, whatever the format they come from.

The same row in CSV, JSON Lines and Parquet must become the same event, or who it is would depend on the
format of the file.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
import polars.selectors as cs

from foretide.events.decimals import read_marked

#: How programs write that there is nothing; in ids pandas' ``nan`` too.
NOTHING = frozenset({"", "null", "none", "\\n"})
NO_ID = NOTHING | {"nan"}
MAX_WHOLE_FLOAT = 2**53
#: Numbers beyond this are slips or fillers: one of them would outweigh all others in every sum.
MAX_SIZE = 1e15


def write_simple(fields: pl.DataFrame, typed: Collection[str], ids: Collection[str]) -> pl.DataFrame:
    """Write numbers and booleans as text, all columns at once.

    Parameters
    ----------
    fields
        Columns of a source.
    typed
        Columns that stay as they are.
    ids
        Columns of ids, of which floats stay: they are looked at more closely.
    """
    simple = cs.boolean() | cs.integer() | (cs.float() - cs.by_name(*ids, require_all=False))
    return fields.with_columns((simple - cs.by_name(*typed, require_all=False)).cast(pl.String))


def as_text(column: pl.Series) -> pl.Series:
    """Write a column as text; an empty text is null."""
    text = written(column)
    return text.to_frame("text").select(pl.when(pl.col("text") != "").then("text")).to_series()


def written(column: pl.Series) -> pl.Series:
    """Write typed values as text: times in ISO 8601, nested values as JSON."""
    if column.dtype == pl.String:
        return column
    if column.dtype == pl.Binary:
        return decoded(column)
    if column.dtype.is_temporal():
        return column.dt.to_string("iso")
    if column.dtype.is_nested():
        wrapped = column.to_frame("v").select(pl.struct("v").struct.json_encode()).to_series()
        return (
            wrapped.str.slice(5)
            .str.strip_suffix("}")
            .zip_with(column.is_not_null(), pl.Series([None], dtype=pl.String))
        )
    if column.dtype == pl.Object:
        return pl.Series([None if value is None else str(value) for value in column], dtype=pl.String)
    return column.cast(pl.String)


def decoded(column: pl.Series) -> pl.Series:
    """Read binary as UTF-8: some programs write texts to Parquet without saying so."""
    try:
        return column.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series([None if b is None else b.decode("utf-8", "replace") for b in column], dtype=pl.String)


def as_id(column: pl.Series) -> pl.Series:
    """Write ids: without spaces around, ``17850`` for 17850.0, null for what means nothing.

    Leading zeros stay: ``007`` and ``7`` are two ids.
    """
    text = as_text(whole_numbers(column)).str.strip_chars()
    if text.str.ends_with(".0").any():
        text = text.str.replace(r"^(-?\d+)\.0$", "$1")
    short = text.str.len_bytes() <= max(map(len, NO_ID))
    if short.any():
        nothing = short & text.str.to_lowercase().is_in(sorted(NO_ID))
        text = text.set(nothing.fill_null(False), None)
    return text


def whole_numbers(column: pl.Series) -> pl.Series:
    """Turn a column of floats into integers if it holds nothing else: ids that had gaps."""
    if not column.dtype.is_float():
        return column
    given = column.drop_nulls().drop_nans()
    if ((given == given.floor()) & (given.abs() <= MAX_WHOLE_FLOAT)).all():
        return column.fill_nan(None).cast(pl.Int64)
    return column


def as_number(column: pl.Series, decimal: str | None = None) -> tuple[pl.Series, pl.Series]:
    """Read numbers.

    Parameters
    ----------
    column
        Numbers or texts.
    decimal
        The decimal mark of texts, ``,`` or ``.``, beside which the other one sets thousands apart; None for
        numbers as programs write them.

    Returns
    -------
    tuple
        The numbers, null where there is none, and which rows hold something that is no number, not finite or
        larger than ``MAX_SIZE``.
    """
    if not column.dtype.is_numeric():
        return text_numbers(as_text(column), decimal)
    if column.dtype == pl.Float32:
        return text_numbers(as_text(column))
    number = column.cast(pl.Float64)
    bad = number.is_not_null() & ~in_size(number)
    return number.set(bad.fill_null(False), None), bad.fill_null(False)


def text_numbers(text: pl.Series, decimal: str | None = None) -> tuple[pl.Series, pl.Series]:
    """Read numbers from text."""
    number = read_text(text, decimal)
    if number.null_count() > text.null_count():
        text = text.str.strip_chars()
        number = read_text(text, decimal)
        text = text.set(text.str.to_lowercase().is_in(sorted(NOTHING)).fill_null(False), None)
    bad = text.is_not_null() & ~in_size(number).fill_null(False)
    return number.set(bad, None), bad


def in_size(number: pl.Series) -> pl.Series:
    """Tell which numbers are finite and of a size that a value can have."""
    return number.is_finite() & (number.abs() <= MAX_SIZE)


def read_text(text: pl.Series, decimal: str | None) -> pl.Series:
    """Read numbers of one decimal mark; null where a text is none."""
    return text.cast(pl.Float64, strict=False) if decimal is None else read_marked(text, decimal)
