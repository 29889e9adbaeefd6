"""The moment of an event, from whatever a source says about it.

A time without an offset is what a clock on a wall showed and needs a zone; without one it is not used. Where
clocks are set back, an hour happens twice and the earlier of the two moments is taken; a time that the
clocks skipped never was and is rejected. A stated offset of zero (``Z``, ``+00:00``) says that a time is UTC
and nothing about the user's clock, so it leaves ``tz_offset_min`` null.
"""

from __future__ import annotations

import polars as pl

from foretide.events.plain_values import as_text
from foretide.events.wall_clock import ORDERED, POSSIBLE, WALL, in_range, read_wall_clock
from foretide.schema import TS

MAX_OFFSET_MIN = 15 * 60
UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Z"})

#: An offset at the end, after a time of day: ``Z``, ``UTC``, ``+02:00``, ``+0200``, ``+02``.
ZONE = r"(?i)(?::\d\d(?:[.,]\d+)?(?: ?[ap]m)?|\dT\d{6}(?:\.\d+)?)\s*(z|utc|gmt|[+-]\d\d(?::?\d\d)?)$"
ZONE_TAIL = r"(?i)\s*(?:z|utc|gmt|[+-]\d\d(?::?\d\d)?)$"


def parse_times(column: pl.Series, timezone: str | None = None, date_order: str | None = None) -> pl.DataFrame:
    """Read a column of times.

    Parameters
    ----------
    column
        Texts, numbers since 1970 (seconds, milli-, micro- or nanoseconds by their size), numbers such as
        ``20260331``, dates or datetimes.
    timezone
        IANA zone of the times that have no offset.
    date_order
        ``dmy``, ``mdy`` or ``ymd``, for dates such as ``3/4/2026``.

    Returns
    -------
    pl.DataFrame
        ``ts`` in UTC, ``tz_offset_min``, and ``reason`` where there is no ``ts``: ``no_ts``, ``no_zone``,
        ``ambiguous_date`` (the order of its day and month is not known or not that of the file), ``bad_ts``.
    """
    clock = read_clock(column, date_order).with_columns(known(pl.col("wall") - minutes("offset_min")))
    if timezone is not None:
        clock = clock.with_columns(settle(timezone)).with_columns(own_offset(timezone))
    return clock.select("ts", pl.col("tz_offset_min").cast(pl.Int16), reason=reason(timezone))


def known(utc: pl.Expr) -> list[pl.Expr]:
    """Return the moment and offset of times whose offset is stated."""
    offset = pl.when(pl.col("offset_min") != 0).then("offset_min")
    return [utc.dt.replace_time_zone("UTC").alias("ts"), offset.alias("tz_offset_min")]


def settle(timezone: str) -> pl.Expr:
    """Give times without an offset the moment at which clocks of a zone showed them."""
    local = pl.col("wall").dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return pl.coalesce("ts", local.dt.convert_time_zone("UTC")).alias("ts")


def own_offset(timezone: str) -> pl.Expr:
    """Return the offset of the zone at those moments; the zone UTC tells nothing about the user's clock."""
    if timezone in UTC_NAMES:
        return pl.col("tz_offset_min")
    ahead = (pl.col("wall") - pl.col("ts").dt.replace_time_zone(None)).dt.total_minutes()
    return pl.when(pl.col("offset_min").is_null()).then(ahead).otherwise("tz_offset_min").alias("tz_offset_min")


def reason(timezone: str | None) -> pl.Expr:
    """Say why a row has no moment."""
    naive = pl.col("wall").is_not_null() & pl.col("offset_min").is_null()
    return (
        pl.when(pl.col("ts").is_not_null())
        .then(pl.lit(None, pl.String))
        .when("missing")
        .then(pl.lit("no_ts"))
        .when(naive & pl.lit(timezone is None))
        .then(pl.lit("no_zone"))
        .when("ordered")
        .then(pl.lit("ambiguous_date"))
        .otherwise(pl.lit("bad_ts"))
    )


def read_clock(column: pl.Series, date_order: str | None = None) -> pl.DataFrame:
    """Return what is said of each time.

    Returns
    -------
    pl.DataFrame
        ``wall``, what the clock showed; ``offset_min``, null where it is not stated; ``missing``;
        ``ordered``, True where a day and month could not be told apart.
    """
    if isinstance(column.dtype, pl.Datetime):
        return read_datetimes(column)
    if column.dtype == pl.Date:
        return read_datetimes(column.cast(WALL))
    return read_texts(as_text(column), date_order)


def read_datetimes(column: pl.Series) -> pl.DataFrame:
    """Take the clock apart from the zone of typed times."""
    column = column.dt.cast_time_unit("us")
    wall = column.dt.replace_time_zone(None)
    offset = pl.repeat(None, column.len(), dtype=pl.Int32, eager=True)
    if column.dtype != WALL:
        offset = (wall - column.cast(TS).dt.replace_time_zone(None)).dt.total_minutes().cast(pl.Int32)
    frame = pl.DataFrame({"wall": wall, "offset_min": offset})
    return frame.select(in_range(pl.col("wall")), "offset_min", missing=pl.col("wall").is_null(), ordered=pl.lit(False))


def read_texts(texts: pl.Series, date_order: str | None) -> pl.DataFrame:
    """Read texts, taking off the offset first where there is one."""
    texts = texts.str.strip_chars()
    zone = texts.str.extract(ZONE, 1)
    zoned = zone.is_not_null()
    bare = texts.str.replace(ZONE_TAIL, "").zip_with(zoned, texts) if zoned.any() else texts
    frame = read_wall_clock(bare, date_order).with_columns(text=texts, zone=zone, offset=offset_minutes(zone))
    possible = pl.col("text").str.contains(ORDERED) & pl.col("text").str.contains(POSSIBLE)
    unread = frame["wall"].null_count() > 0  # the usual file has none, and need not be searched
    return frame.select(
        wall=pl.when(pl.col("offset").abs().fill_null(0) <= MAX_OFFSET_MIN).then("wall"),
        offset_min=pl.when("epoch").then(0).otherwise("offset").cast(pl.Int32),
        missing=pl.col("text").is_null() | (pl.col("text") == ""),
        ordered=pl.col("wall").is_null() & possible.fill_null(False) if unread else pl.lit(value=False),
    )


def offset_minutes(zone: pl.Series) -> pl.Series:
    """Read ``+02:00`` as 120 and ``Z`` as 0."""
    parts = zone.to_frame("zone").select(
        sign=pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1),
        hours=pl.col("zone").str.extract(r"^[+-](\d\d)").cast(pl.Int32).fill_null(0),
        minutes=pl.col("zone").str.extract(r"^[+-]\d\d:?(\d\d)$").cast(pl.Int32).fill_null(0),
        stated=pl.col("zone").is_not_null(),
    )
    total = pl.col("sign") * (pl.col("hours") * 60 + pl.col("minutes"))
    return parts.select(pl.when("stated").then(total)).to_series()


def minutes(column: str) -> pl.Expr:
    """Return a column of minutes as durations."""
    return pl.duration(minutes=pl.col(column))
