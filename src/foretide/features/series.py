"""From events to daily series: how many, how many users, how much value, in total or by a column.

Three kinds of zero are kept apart: nothing happened (0), the series did not exist yet (NaN), and logging was
down (a day without any event in a log that is never quiet on that weekday), which is not taken for zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.now import midnight
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

#: Of the events of each value of a column: how many there are.
SIZES = pl.Schema({"key": pl.String(), "events": pl.Int64()})
#: How many events have a value.
VALUED = pl.Schema({"values": pl.Int64()})
#: Of each series and day with an event: the measure, and how many events there are.
DAILY = pl.Schema(dict(SERIES) | {"events": pl.Int64()})


def panel(
    buckets: Buckets,
    measure: Measure,
    by: str | None = None,
    *,
    as_of: datetime,
    max_series: int = MAX_SERIES,
    engine: Engine | None = None,
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
    engine
        Where buckets are counted; threads if None.

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
    kept = None if by is None else largest(buckets, by, as_of, max_series, engine)
    days = daily(buckets, measure, by, as_of, kept, engine)
    end = last_day(as_of, buckets.timezone)
    return without_outages(on_grid(days, end), silent_steps(days, end))


def last_day(as_of: datetime, timezone: str) -> date:
    """Return the last whole local day before a moment."""
    return as_of.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)


def has_values(buckets: Buckets, as_of: datetime, engine: Engine | None = None) -> bool:
    """Tell whether any event before a moment has a value; threads read the buckets if there is no engine."""
    return concat_buckets(partial(values_part, until=as_of), buckets, VALUED, engine)["values"].sum() > 0


def values_part(buckets: Buckets, i: int, until: datetime) -> pl.DataFrame:
    """Return ``VALUED`` of a bucket."""
    return buckets.bucket(i, ["value"], until).select(values=pl.col("value").count()).cast(VALUED)


# The long tail


def largest(
    buckets: Buckets, by: str, as_of: datetime, max_series: int = MAX_SERIES, engine: Engine | None = None
) -> list[str] | None:
    """Return the values of a column that have a series of their own; None if all have."""
    if max_series < 1:
        raise UsageError(f"max_series is {max_series}, but a panel has at least one series; give 1 or more")
    totals = _sizes(buckets, by, as_of, engine)
    return None if totals.height <= max_series else totals["key"][: max_series - 1].to_list()


def n_grouped(
    buckets: Buckets, by: str, as_of: datetime, max_series: int = MAX_SERIES, engine: Engine | None = None
) -> int:
    """Return how many values of a column are grouped as ``OTHER``; 0 if all have a series of their own."""
    n = _sizes(buckets, by, as_of, engine).height
    return n - max_series + 1 if n > max_series else 0


def _sizes(buckets: Buckets, by: str, as_of: datetime, engine: Engine | None) -> pl.DataFrame:
    """Return ``SIZES`` on whole days, largest first."""
    job = partial(sizes_part, by=by, until=_end_of_days(buckets, as_of))
    totals = concat_buckets(job, buckets, SIZES, engine).group_by("key").agg(pl.col("events").sum())
    return totals.sort("events", "key", descending=[True, False])


def sizes_part(buckets: Buckets, i: int, by: str, until: datetime) -> pl.DataFrame:
    """Return ``SIZES`` of a bucket."""
    return buckets.bucket(i, [by, "ts"], until).group_by(key=_key(by)).agg(events=pl.len()).cast(SIZES)


def _key(by: str | None, kept: Sequence[str] | None = None) -> pl.Expr:
    """Return the name of an event's series, the long tail grouped."""
    key = pl.lit(ALL) if by is None else pl.col(by).cast(pl.String).fill_null(NONE)
    return key if kept is None else pl.when(key.is_in(list(kept))).then(key).otherwise(pl.lit(OTHER))


# From events to a grid


def _end_of_days(buckets: Buckets, as_of: datetime) -> datetime:
    """Return the end of the last whole local day before a moment."""
    return midnight(last_day(as_of, buckets.timezone) + timedelta(days=1), buckets.timezone)


def daily(
    buckets: Buckets,
    measure: Measure,
    by: str | None,
    as_of: datetime,
    kept: Sequence[str] | None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return ``DAILY`` of a measure on whole days, in any order; parameters as in ``panel``.

    Values of the column that are not ``kept`` are one series, ``OTHER``; all are kept if None. Users are in one
    bucket each, so even their numbers add up.

    Raises
    ------
    NotEnoughDataError
        If there is no whole day with an event.
    """
    job = partial(daily_part, measure=measure, by=by, until=_end_of_days(buckets, as_of), kept=kept)
    parts = concat_buckets(job, buckets, DAILY, engine)
    if parts.is_empty():
        raise NotEnoughDataError(
            f"there is no whole day with events before {as_of:%Y-%m-%d %H:%M} UTC; give a later time"
        )
    return parts.group_by("unique_id", "ds").agg(pl.col("y", "events").sum())


def daily_part(
    buckets: Buckets, i: int, measure: Measure, by: str | None, until: datetime, kept: Sequence[str] | None
) -> pl.DataFrame:
    """Return ``DAILY`` of a bucket."""
    columns = list(dict.fromkeys(["ts", "user_id", "value", *([by] if by else [])]))
    y = {"events": pl.len(), "users": pl.col("user_id").n_unique(), "value": pl.col("value").sum()}[measure]
    day = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    keyed = buckets.bucket(i, columns, until).select("user_id", "value", unique_id=_key(by, kept), ds=day)
    return keyed.group_by("unique_id", "ds").agg(y=y, events=pl.len()).cast(DAILY)


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


def outages(buckets: Buckets, as_of: datetime, engine: Engine | None = None) -> Days:
    """Return the local days on which logging was down; threads read the buckets if there is no engine.

    A day without any event is one if the same weekday has ``USUAL_EVENTS`` or more in the median: a shop that
    is closed on Sundays has no outage. Also the days between the last event and ``as_of`` count.
    """
    try:
        days = daily(buckets, "events", None, as_of, None, engine)
    except NotEnoughDataError:
        return np.array([], dtype="datetime64[D]")
    end = last_day(as_of, buckets.timezone)
    return on_grid(days, end).dates[silent_steps(days, end)]


def silent_steps(days: pl.DataFrame, end: date) -> NDArray[np.bool_]:
    """Tell which days of the grid of ``DAILY`` up to ``end`` are outages, ``(n_steps,)``."""
    events = days.group_by("ds").agg(unique_id=pl.lit(ALL), y=pl.col("events").sum())
    return outage_steps(on_grid(events, end).y[0])


def outage_steps(events: Floats) -> NDArray[np.bool_]:
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


# Stages


def stage_panel(counts: pl.DataFrame) -> Panel:
    """Put daily stage counts (``schema.STAGE_COUNTS``) on a grid, a series for each stage in its order."""
    wide = counts.pivot("stage", index="ds", values="users").sort("ds")
    y = wide.select(STAGES).to_numpy().T.astype(float)
    return Panel(STAGES, wide["ds"].to_numpy().astype("datetime64[D]"), y)
