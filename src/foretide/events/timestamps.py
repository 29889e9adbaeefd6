"""Reading times as people and programs write them, without ever guessing one.

ISO 8601, epoch numbers and dates with a named month mean one thing only and are always read. ``3/4/2026`` does
not: its order of day and month is known from evidence (a part above 12) or is asked for. A time without
an offset is a wall clock and needs a zone. Where clocks are set back, the earlier of the two moments is
taken; a time that the clocks skipped never was and is rejected. An offset of zero (``Z``, ``+00:00``) says that
a time is UTC and nothing about the user's clock, so it leaves ``tz_offset_min`` null.
"""

from __future__ import annotations

from itertools import product

import polars as pl

from foretide.schema import TS

WALL = pl.Datetime("us")  # a clock on a wall: no zone
ORDERS = ("dmy", "mdy", "ymd")
#: Times outside of these years are slips or fillers (0001-01-01, 9999-12-31), not events.
FIRST_YEAR, LAST_YEAR = 1900, 2199
PEEK_ROWS = 1000

CLOCKS = ("", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %H:%M", "T%H:%M", " %I:%M:%S %p", " %I:%M %p", ", %I:%M:%S %p")
PLAIN_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
NAMED_DATES = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%a, %d %b %Y", "%a %b %d %Y")
WHOLE_FORMATS = ("%d/%b/%Y:%H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y%m%dT%H%M%S", "%Y年%m月%d日%H:%M:%S")
ORDERED_DATES = {
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    "mdy": ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y"),
    "ymd": ("%y/%m/%d", "%y.%m.%d", "%y-%m-%d"),
}

#: An offset at the end, after a time of day: ``Z``, ``UTC``, ``+02:00``, ``+0200``, ``+02``.
ZONE = r"(?i):\d\d(?:[.,]\d+)?(?: ?[ap]m)?\s*(z|utc|gmt|[+-]\d\d(?::?\d\d)?)$"
#: A date whose order of day and month the eye cannot tell.
ORDERED = r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](?:\d{4}|\d\d)(?:\D|$)"


def parse_times(
    column: pl.Series, timezone: str | None = None, date_order: str | None = None
) -> pl.DataFrame:
    """Read a column of times.

    Parameters
    ----------
    column
        Text, numbers since 1970 (seconds, milli-, micro- or nanoseconds by their size; or ``20260331``), dates
        or datetimes.
    timezone
        IANA zone of the times that have no offset.
    date_order
        One of ``ORDERS``, for dates such as ``3/4/2026``.

    Returns
    -------
    pl.DataFrame
        ``ts`` in UTC, ``tz_offset_min``, and ``reason`` (``no_ts``, ``bad_ts``, ``no_zone``, ``ambiguous_date``)
        where there is no ``ts``.
    """
    read = read_clock(column, date_order)
    zoned = read.with_columns(to_utc(timezone)).with_columns(offset_min(timezone))
    given = pl.lit(True) if column.dtype != pl.String else pl.Series(column.str.strip_chars() != "")
    frame = zoned.with_columns(missing=column.is_null() | ~pl.select(given).to_series())
    reasons = (
        pl.when(pl.col("ts").is_not_null())
        .then(None)
        .when("missing")
        .then(pl.lit("no_ts"))
        .when(pl.lit(timezone is None) & pl.col("wall").is_not_null())
        .then(pl.lit("no_zone"))
        .when("ordered")
        .then(pl.lit("ambiguous_date"))
        .otherwise(pl.lit("bad_ts"))
    )
    return frame.select("ts", "tz_offset_min", reason=reasons)
