"""From events to daily series: how many, how many users, how much value, in total or by a column.

Three kinds of zero are kept apart: nothing happened (0), the series did not exist yet (NaN), and logging was
down (a day without any event in a log that is never quiet on that weekday), which is not taken for zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import DataError, NotEnoughDataError, UsageError
from foretide.events.records import Buckets
from foretide.schema import SERIES, STAGES, Floats, Panel

Measure = Literal["events", "users", "value"]
Days = NDArray[np.datetime64]

#: Names of the series of everything, of the grouped long tail, and of what has no value in the column.
ALL = "all"
OTHER = "(other)"
NONE = "(none)"

MAX_SERIES = 200
#: A day without a single event is an outage, not a quiet day, if its weekday usually has at least this many.
USUAL_EVENTS = 20
WEEK = 7


def panel(
    buckets: Buckets,
    measure: Measure,
    by: str | None = None,
    *,
    as_of: datetime,
    max_series: int = MAX_SERIES,
) -> Panel:
    """Return daily series of a measure over the whole local days before ``as_of``.

    Zero-filled from a series' first event on, NaN before; on the days of ``outages`` the figures of a week
    before stand in.

    Parameters
    ----------
    buckets
        The events.
    measure
        ``events`` counts them, ``users`` counts distinct users, ``value`` adds up values.
    by
        One series for each value of this column, ``NONE`` for null; None for the total, named ``ALL``.
    as_of
        Exclusive; the day that contains it is left out unless it begins with it.
    max_series
        The largest series by events are kept up to this number; the others become one, ``OTHER``
        (``n_grouped`` tells how many they are).

    Raises
    ------
    UsageError
        If the measure is unknown or ``max_series`` is below 1.
    UnknownIdError
        If there is no such column.
    NotEnoughDataError
        If there is no whole day with an event.
    """
    if measure not in get_args(Measure):
        raise UsageError(f"measure {measure!r} is not one of {', '.join(get_args(Measure))}")
    kept = None if by is None else largest(buckets, by, as_of, max_series)
    daily = _add_up(_daily(buckets, i, measure, by, as_of, kept) for i in buckets.ids)
    if daily.is_empty():
        raise NotEnoughDataError(f"there is no whole day with events before {as_of:%Y-%m-%d %H:%M} UTC")
    end = last_day(as_of, buckets.timezone)
    events = daily.group_by("ds").agg(unique_id=pl.lit(ALL), y=pl.col("events").sum().cast(pl.Float64))
    return without_outages(on_grid(daily, end), _silent(on_grid(events, end).y[0]))


def last_day(as_of: datetime, timezone: str) -> date:
    """Return the last whole local day before a moment."""
    return as_of.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)


# The long tail


def largest(buckets: Buckets, by: str, as_of: datetime, max_series: int = MAX_SERIES) -> list[str] | None:
    """Return the values of a column that have a series of their own; None if all have."""
    if max_series < 1:
        raise UsageError(f"max_series is {max_series}, but a panel has at least one series; give 1 or more")
    totals = _sizes(buckets, by, as_of)
    return None if totals.height <= max_series else totals["key"][: max_series - 1].to_list()


def n_grouped(buckets: Buckets, by: str, as_of: datetime, max_series: int = MAX_SERIES) -> int:
    """Return how many values of a column are grouped as ``OTHER``; 0 if all have a series of their own."""
    n = _sizes(buckets, by, as_of).height
    return n - max_series + 1 if n > max_series else 0


def _sizes(buckets: Buckets, by: str, as_of: datetime) -> pl.DataFrame:
    """Return ``key, len``: the events of each value of a column on whole days, largest first."""
    end = _whole(buckets, as_of)
    counts = (buckets.bucket(i, [by, "ts"], end).group_by(_key(by).alias("key")).len() for i in buckets.ids)
    empty = pl.DataFrame(schema={"key": pl.String, "len": pl.get_index_type()})
    totals = pl.concat([empty, *counts]).group_by("key").agg(pl.col("len").sum())
    return totals.sort("len", "key", descending=[True, False])


def _key(by: str | None) -> pl.Expr:
    return pl.lit(ALL) if by is None else pl.col(by).cast(pl.String).fill_null(NONE)


# From events to a grid


def _whole(buckets: Buckets, as_of: datetime) -> datetime:
    """Return the end of the last whole local day before a moment."""
    end = last_day(as_of, buckets.timezone) + timedelta(days=1)
    return datetime.combine(end, datetime.min.time(), ZoneInfo(buckets.timezone)).astimezone(ZoneInfo("UTC"))


def _daily(
    buckets: Buckets, i: int, measure: Measure, by: str | None, as_of: datetime, kept: Sequence[str] | None
) -> pl.DataFrame:
    """Return ``unique_id, ds, y, events`` of a bucket, the long tail grouped."""
    columns = list(dict.fromkeys(["ts", "user_id", "value", *([by] if by else [])]))
    key = _key(by)
    if kept is not None:
        key = pl.when(key.is_in(kept)).then(key).otherwise(pl.lit(OTHER))
    y = {"events": pl.len(), "users": pl.col("user_id").n_unique(), "value": pl.col("value").sum()}[measure]
    day = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    rows = buckets.bucket(i, columns, _whole(buckets, as_of)).lazy()
    keyed = rows.select("user_id", "value", unique_id=key, ds=day)
    return keyed.group_by("unique_id", "ds").agg(y=y.cast(pl.Float64), events=pl.len()).collect()


def _add_up(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add up the daily tables of buckets: users are in one bucket each, so even distinct counts add."""
    empty = pl.DataFrame(schema={**SERIES, "events": pl.get_index_type()})
    return pl.concat([empty, *parts]).group_by("unique_id", "ds").agg(pl.col("y", "events").sum())


def on_grid(daily: pl.DataFrame, end: date) -> Panel:
    """Put a long table ``unique_id, ds, y`` on one daily grid up to ``end``; series in the order of names."""
    ds = daily["ds"].to_numpy().astype("datetime64[D]")
    dates = np.arange(ds.min(), np.datetime64(end, "D") + 1)
    ids = daily["unique_id"].unique().sort()
    row = np.searchsorted(ids.to_numpy(), daily["unique_id"].to_numpy())
    step = (ds - dates[0]).astype(np.int64)
    y = np.zeros((len(ids), dates.size))
    y[row, step] = daily["y"].to_numpy()
    first = np.full(len(ids), dates.size)
    np.minimum.at(first, row, step)
    y[np.arange(dates.size) < first[:, None]] = np.nan
    return Panel(ids.to_list(), dates, y)


# Outages


def outages(buckets: Buckets, as_of: datetime) -> Days:
    """Return the local days on which logging was down.

    A day without any event is one if the same weekday has ``USUAL_EVENTS`` or more in the median: a shop that
    is closed on Sundays has no outage. Also the days between the last event and ``as_of`` count.
    """
    daily = _add_up(_daily(buckets, i, "events", None, as_of, None) for i in buckets.ids)
    if daily.is_empty():
        return np.array([], dtype="datetime64[D]")
    total = on_grid(daily, last_day(as_of, buckets.timezone))
    return total.dates[_silent(total.y[0])]


def _silent(events: Floats) -> NDArray[np.bool_]:
    """Tell which days are outages by their number of events, ``(n_steps,)``."""
    weekday = np.arange(events.size) % WEEK
    usual = np.array([np.median(events[weekday == day]) for day in range(min(WEEK, events.size))])
    return (events == 0) & (usual[weekday] >= USUAL_EVENTS)


def without_outages(panel: Panel, silent: NDArray[np.bool_]) -> Panel:
    """Give silent days ``(n_steps,)`` the figures of a week before, or else of the day before."""
    y = panel.y.copy()
    for step in np.flatnonzero(silent):
        yesterday = y[:, step - 1]
        week_ago = y[:, step - WEEK] if step >= WEEK else np.full_like(yesterday, np.nan)
        y[:, step] = np.where(np.isnan(week_ago), yesterday, week_ago)
    return Panel(panel.ids, panel.dates, y)


# Series that were aggregated elsewhere


def series_panel(series: pl.DataFrame, as_of: datetime | None = None) -> Panel:
    """Put ready-made series (``schema.SERIES``) on a daily grid.

    A day that a series lacks is not known to be zero: inside its span it is interpolated between its
    neighbours, after its end its last figure stands (``missing_days`` names them). Only days before the one
    of ``as_of`` are used.

    Raises
    ------
    NotEnoughDataError
        If there is nothing before ``as_of``.
    DataError
        If a series has two figures for one day.
    """
    known = _known(series, as_of)
    if known.is_empty():
        raise NotEnoughDataError("there are no ready-made series; import a file with date and count")
    grid = on_grid(known, _end(known))
    seen = _seen(known)
    steps = np.arange(grid.n_steps)
    y = grid.y.copy()
    for row, there in zip(y, seen, strict=True):
        lacking = ~np.isnan(row) & ~there
        row[lacking] = np.interp(steps[lacking], steps[there], row[there])
    return Panel(grid.ids, grid.dates, y)


def missing_days(series: pl.DataFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Return ``unique_id, ds`` of the days that ``series_panel`` fills in because nobody knows them."""
    known = _known(series, as_of)
    if known.is_empty():
        return known.select("unique_id", "ds")
    grid = on_grid(known, _end(known))
    row, step = np.nonzero(~np.isnan(grid.y) & ~_seen(known))
    lacking = {"unique_id": [grid.ids[i] for i in row.tolist()], "ds": grid.dates[step]}
    return pl.DataFrame(lacking, schema={"unique_id": pl.String, "ds": pl.Date})


def _known(series: pl.DataFrame, as_of: datetime | None) -> pl.DataFrame:
    if as_of is not None:
        series = series.filter(pl.col("ds") < as_of.date())
    twice = series.filter(pl.struct("unique_id", "ds").is_duplicated())
    if twice.height:
        name, day = twice.row(0)[:2]
        raise DataError(f"series {name!r} has two figures for {day}; add them up, or leave one of them out")
    return series.filter(pl.col("y").is_finite())


def _end(known: pl.DataFrame) -> date:
    return known.select(pl.col("ds").max()).item()


def _seen(known: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which figures of the grid are given, ``(n_series, n_steps)``."""
    return on_grid(known.with_columns(y=1.0), _end(known)).y == 1.0


def stage_panel(counts: pl.DataFrame) -> Panel:
    """Put daily stage counts (``schema.STAGE_COUNTS``) on a grid, a series for each stage in its order."""
    wide = counts.pivot("stage", index="ds", values="users").sort("ds")
    y = wide.select(STAGES).to_numpy().T.astype(float)
    return Panel(STAGES, wide["ds"].to_numpy().astype("datetime64[D]"), y)
