"""What the times of a source show by themselves: the order of day and month, a zone, several rows a day.

What they do not show is asked for.
"""

from __future__ import annotations

import polars as pl

from foretide.errors import MappingError
from foretide.events.timestamps import read_clock
from foretide.events.wall_clock import orders_seen


def order_shown(source: str, column: pl.Series, *, zoned: bool = True) -> str | None:
    """Return the order of day and month that dates show; None if there are no such dates.

    What else has to be asked is asked in the same message: unless ``zoned``, the zone of times without one.
    """
    orders = orders_seen(column.cast(pl.String).str.strip_chars()) if not column.dtype.is_temporal() else {}
    if len(orders) > 1 or "?" in orders:
        what = "do not show" if "?" in orders else "contradict each other on"
        examples = " and ".join(map(repr, orders.values()))
        raise MappingError(
            f"{source}: dates such as {examples} in column {column.name!r} {what} which part is the "
            "day; say it with --date-order dmy (or mdy, ymd)"
            + (", and their zone with --timezone" if not zoned and lacks_zone(column, "dmy") else "")
        )
    return next(iter(orders), None)


def check_zone(source: str, column: pl.Series, order: str | None) -> None:
    """Raise a MappingError if no time of a column tells its zone."""
    if lacks_zone(column, order):
        raise MappingError(
            f"{source}: times such as {example(column)!r} in column {column.name!r} have no offset from UTC; "
            "give their zone, such as --timezone Europe/Berlin (or UTC)"
        )


def lacks_zone(column: pl.Series, order: str | None) -> bool:
    """Tell whether a column has times, none of which has an offset."""
    clock = read_clock(column, order).filter(pl.col("wall").is_not_null())
    return clock.height > 0 and clock["offset_min"].null_count() == clock.height


def example(column: pl.Series) -> str:
    """Return the first value of a column as text."""
    return str(column.drop_nulls().first())


def repeats_days(column: pl.Series, order: str | None, unique_id: pl.Series | None) -> bool:
    """Tell whether a series has several rows on one day."""
    days = read_clock(column, order).select(pl.col("wall").dt.date())
    keys = days if unique_id is None else days.with_columns(unique_id)
    return bool(keys.drop_nulls("wall").is_duplicated().any())
