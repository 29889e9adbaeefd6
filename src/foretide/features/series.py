"""From events to daily series: how many, how many users, how much value, in total or by a column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.records import Buckets
from foretide.schema import STAGES, Panel

Measure = Literal["events", "users", "value"]

#: Names of the series of everything, of the grouped long tail, and of what has no value in the column.
ALL = "all"
OTHER = "(other)"
NONE = "(none)"

#: A day without a single event is an outage, not a quiet day, if the log has at least this many on a usual day.
USUAL_EVENTS = 20


def panel(
    buckets: Buckets, measure: Measure, by: str | None = None, *, as_of: datetime, max_series: int = 200
) -> Panel:
    """Return daily series of a measure over the whole local days before ``as_of``.

    Zero-filled from a series' first event on. Days without any event in a log that usually has
    ``USUAL_EVENTS`` or more are outages: they take the figures of a week before instead of zero.

    Parameters
    ----------
    buckets
        The events.
    measure
        ``events`` counts them, ``users`` counts distinct users, ``value`` adds up values.
    by
        One series for each value of this column; None for the total, named ``ALL``.
    as_of
        Exclusive; the day that contains it is left out unless it begins with it.
    max_series
        The largest series by events are kept up to this number; the others become one, ``OTHER``.

    Raises
    ------
    UsageError
        If the measure is unknown.
    NotEnoughDataError
        If there is no whole day with an event.
    """
    if measure not in get_args(Measure):
        raise UsageError(f"measure {measure!r} is not one of {', '.join(get_args(Measure))}")
    daily = _add_up(
        (_daily(buckets, i, measure, by, as_of) for i in buckets.ids)
        if by is None
        else _by_column(buckets, measure, by, as_of, max_series)
    )
    if daily.is_empty():
        raise NotEnoughDataError(f"there is no whole day with events before {as_of:%Y-%m-%d %H:%M} UTC")
    return without_outages(on_grid(daily, last_day(as_of, buckets.timezone)))


def last_day(as_of: datetime, timezone: str) -> date:
    """Return the last whole local day before a moment."""
    local = as_of.astimezone(ZoneInfo(timezone))
    return date.fromordinal(local.date().toordinal() - 1)


def _by_column(
    buckets: Buckets, measure: Measure, by: str, as_of: datetime, max_series: int
) -> Sequence[pl.DataFrame]:
    """Return the daily table of each bucket with the long tail grouped."""
    kept = largest(buckets, by, as_of, max_series)
    return [_daily(buckets, i, measure, by, as_of, kept) for i in buckets.ids]


def largest(buckets: Buckets, by: str, as_of: datetime, max_series: int) -> list[str] | None:
    """Return the values of a column that have a series of their own; None if all have."""
    counts = pl.concat(
        buckets.bucket(i, [by], as_of).group_by(pl.col(by).cast(pl.String).fill_null(NONE).alias("key")).len()
        for i in buckets.ids
    )
    totals = counts.group_by("key").agg(pl.col("len").sum()).sort("len", "key", descending=[True, False])
    if totals.height <= max_series:
        return None
    return totals["key"][: max_series - 1].to_list()


def _daily(
    buckets: Buckets,
    i: int,
    measure: Measure,
    by: str | None,
    as_of: datetime,
    kept: Sequence[str] | None = None,
) -> pl.DataFrame:
    columns = list(dict.fromkeys(["ts", "user_id", "value", *([by] if by else [])]))
    key = pl.col(by).cast(pl.String).fill_null(NONE) if by else pl.lit(ALL)
    if kept is not None:
        key = pl.when(key.is_in(kept)).then(key).otherwise(pl.lit(OTHER))
    y = {"events": pl.len(), "users": pl.col("user_id").n_unique(), "value": pl.col("value").sum()}[measure]
    day = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    return (
        buckets.bucket(i, columns, as_of)
        .lazy()
        .select("user_id", "value", unique_id=key, ds=day)
        .filter(pl.col("ds") <= last_day(as_of, buckets.timezone))
        .group_by("unique_id", "ds")
        .agg(y=y.cast(pl.Float64))
        .collect()
    )


def _add_up(parts) -> pl.DataFrame:  # type: ignore[no-untyped-def]
    """Add up the daily tables of buckets: users are in one bucket each, so even distinct counts add."""
    tables = list(parts) or [pl.DataFrame(schema={"unique_id": pl.String, "ds": pl.Date, "y": pl.Float64})]
    return pl.concat(tables).group_by("unique_id", "ds").agg(pl.col("y").sum())


def on_grid(daily: pl.DataFrame, end: date) -> Panel:
    """Put a long table ``unique_id, ds, y`` on one daily grid up to ``end``; series in the order of their names."""
    begin = daily["ds"].min()
    n_steps = (end - begin).days + 1  # type: ignore[operator]
    ids = daily["unique_id"].unique().sort()
    row = daily["unique_id"].replace_strict(ids, np.arange(len(ids)), return_dtype=pl.Int64).to_numpy()
    step = (daily["ds"] - begin).dt.total_days().to_numpy()  # type: ignore[operator]
    y = np.zeros((len(ids), n_steps))
    y[row, step] = daily["y"].to_numpy()
    first = np.full(len(ids), n_steps)
    np.minimum.at(first, row, step)
    y[np.arange(n_steps) < first[:, None]] = np.nan
    return Panel(ids.to_list(), np.datetime64(begin) + np.arange(n_steps), y)


def outages(panel: Panel) -> NDArray[np.bool_]:
    """Return which days have nothing in any series although the log is usually busy, ``(n_steps,)``."""
    total = np.nansum(panel.y, axis=0)
    return (total == 0) & (np.median(total) >= USUAL_EVENTS)


def without_outages(panel: Panel) -> Panel:
    """Give days of an outage the figures of the same weekday before."""
    y = panel.y.copy()
    for step in np.flatnonzero(outages(panel)):
        if step >= 7:
            y[:, step] = np.where(np.isnan(y[:, step]), np.nan, np.nan_to_num(y[:, step - 7]))
    return Panel(panel.ids, panel.dates, y)


def series_panel(series: pl.DataFrame, as_of: datetime | None = None) -> Panel:
    """Put ready-made series (``schema.SERIES``) on a daily grid.

    A day that a series lacks inside its span is not known to be zero: it is interpolated between its
    neighbours. Only days before the one of ``as_of`` are used.
    """
    if as_of is not None:
        series = series.filter(pl.col("ds") < as_of.date())
    series = series.filter(pl.col("y").is_finite())
    if series.is_empty():
        raise NotEnoughDataError("there are no ready-made series; import a file with date and count")
    filled = on_grid(series, series["ds"].max())  # type: ignore[arg-type]
    known = on_grid(series.with_columns(y=1.0), series["ds"].max()).y > 0  # type: ignore[arg-type]
    steps = np.arange(filled.n_steps)
    y = filled.y.copy()
    for i in range(len(y)):
        inside = ~np.isnan(y[i]) & ~known[i]
        y[i, inside] = np.interp(steps[inside], steps[known[i]], y[i, known[i]])
    return Panel(filled.ids, filled.dates, y)


def stage_panel(counts: pl.DataFrame) -> Panel:
    """Put daily stage counts (``schema.STAGE_COUNTS``) on a grid, a series for each stage in its order."""
    wide = counts.pivot("stage", index="ds", values="users").sort("ds")
    y = wide.select(STAGES).to_numpy().T.astype(float)
    return Panel(STAGES, wide["ds"].to_numpy().astype("datetime64[D]"), y)
