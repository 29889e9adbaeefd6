"""Numbers with a decimal comma (``1.234,50``) and with thousands set apart (``1,234.50``).

``12,50`` has a decimal comma and ``1,234.50`` a decimal point. ``1,234`` may be either; which one it is is known
from the other numbers of the file or asked for, never guessed. ``1.234`` is read as programs write it, unless the
file has decimal commas.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from foretide.errors import MappingError

POINT, COMMA = ".", ","
DECIMALS = (COMMA, POINT)
#: Between thousands, beside the other mark: spaces, also narrow ones and those that do not break.
SPACES = " \u00a0\u202f"
EXPONENT = r"(?:[eE][+-]?\d+)?"
#: Numbers as they are written with each decimal mark.
WRITTEN = {
    mark: rf"^[+-]?(?:\d{{1,3}}(?:[{other}{SPACES}]\d{{3}})+|\d+)?(?:\{mark}\d*)?{EXPONENT}$"
    for mark, other in ((COMMA, "."), (POINT, ","))
}
#: Numbers that show their decimal mark: both marks are there, or what follows the one is no group of three digits.
SHOWN = {
    mark: rf"^[+-]?(?:\d{{1,3}}(?:[{other}{SPACES}]\d{{3}})+{mark_}\d+"
    rf"|\d*{mark_}(?:\d{{1,2}}|\d{{4,}})|(?:0*|\d{{4,}}){mark_}\d+){EXPONENT}$"
    for mark, mark_, other in ((COMMA, ",", "."), (POINT, r"\.", ","))
}
#: Numbers with a comma, whatever it means.
WITH_COMMA = r"^[+-]?[\d.\u00a0\u202f ]*,\d+$|^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
#: Least share of a column that are numbers with commas for it to be one of numbers.
LEAST_SHARE = 0.5
#: The same where the name does not say that it is one.
NEARLY_ALL = 0.95
#: Rows that are looked at.
SAMPLE_ROWS = 20_000


def read_marked(text: pl.Series, decimal: str) -> pl.Series:
    """Read numbers with this decimal mark; null where a text is none."""
    fits = text.str.contains(WRITTEN[decimal]) & text.str.contains(r"\d")
    bare = text.str.replace_all(f"[{POINT if decimal == COMMA else COMMA}{SPACES}]", "")
    return bare.str.replace(COMMA, POINT, literal=True).set(~fits.fill_null(True), None).cast(pl.Float64, strict=False)


def decimal_shown(sample: pl.DataFrame, likely: Collection[str], separator: str | None = None) -> str | None:
    """Return the decimal mark that the numbers with commas show; None if there are none or they do not show it.

    Parameters
    ----------
    sample
        Rows of the source.
    likely
        Columns that are numbers by their names: if they show a mark, the others are not asked. Those are asked
        of files with another separator only: ``1,2`` in quotes may be a list.
    separator
        Of a delimited file: where it is a semicolon, a comma in numbers is the decimal mark.
    """
    named = [column for column in sample.columns if column in likely and has_commas(sample[column])]
    others = [column for column in sample.columns if column not in likely and has_commas(sample[column], NEARLY_ALL)]
    for asked in (named, others if separator in {";", "\t", "|"} else []):
        seen = [shown_by(sample[column]) for column in asked]
        comma, point = sum(n for n, _ in seen), sum(n for _, n in seen)
        if comma or point:
            return None if comma == point else COMMA if comma > point else POINT
    return COMMA if named and separator == ";" else None


def has_commas(column: pl.Series, least_share: float = LEAST_SHARE) -> bool:
    """Tell whether a column is of numbers, some of which have a comma."""
    if column.dtype != pl.String:
        return False
    text = column.head(SAMPLE_ROWS).drop_nulls().str.strip_chars()
    text = text.filter(text != "")
    marked = text.str.contains(WITH_COMMA)
    if not marked.any():
        return False
    numbers = marked | text.cast(pl.Float64, strict=False).is_not_null()
    return numbers.sum() >= least_share * text.len()


def shown_by(column: pl.Series) -> tuple[int, int]:
    """Return how many numbers of a column show a decimal comma, and how many a decimal point."""
    text = column.head(SAMPLE_ROWS).drop_nulls().str.strip_chars()
    return int(text.str.contains(SHOWN[COMMA]).sum()), int(text.str.contains(SHOWN[POINT]).sum())


def with_points(sample: pl.DataFrame, decimal: str | None) -> pl.DataFrame:
    """Write the numbers with commas as programs do, so that a column of them is seen to be one of numbers."""
    if decimal is None:
        return sample
    columns = [column for column in sample.columns if has_commas(sample[column])]
    return sample.with_columns(
        pl.coalesce(read_marked(sample[column].str.strip_chars(), decimal).cast(pl.String), column).alias(column)
        for column in columns
    )


def check_commas(source: str, column: pl.Series, decimal: str | None) -> None:
    """Raise a MappingError if a column is of numbers with commas that can be read in two ways."""
    if decimal is None and has_commas(column):
        text = column.drop_nulls().str.strip_chars()
        example = text.filter(text.str.contains(WITH_COMMA))[0]
        raise MappingError(
            f"{source}: numbers such as {example!r} in column {column.name!r} do not show whether the comma is their "
            "decimal mark; say it with --decimal , (or --decimal . if it sets thousands apart)"
        )
