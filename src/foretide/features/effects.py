"""What a known event did: difference in differences of a segment and the rest of the population.

Observed are the events of a segment in the days of the event, expected the means of the same weekdays in the four
weeks before and after; ``ratio`` is one over the other. What happened to everyone is not the event's effect on the
segment: ``effect`` is the segment's ratio over the ratio of the rest of the population. So an event that lifts one
segment lowers the effect on all others a little; their ``ratio`` tells whether they themselves moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from foretide.errors import UsageError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.calendar import days_of_events
from foretide.features.placebo import judge, placebos, windows
from foretide.features.series import MAX_SERIES, daily, largest, last_day, on_grid, silent_steps
from foretide.schema import Panel

#: ``ds`` to ``end``, inclusive, are the event's days. Null where it cannot be told: without days around the event,
#: where the segment was not there, with too short a log for placebos, ``population_ratio`` of everyone.
EFFECTS = pl.Schema(
    {
        "event": pl.String(),
        "ds": pl.Date(),
        "end": pl.Date(),
        "segment": pl.String(),
        "observed": pl.Float64(),  # events in the days of the event
        "expected": pl.Float64(),
        "ratio": pl.Float64(),
        "population_ratio": pl.Float64(),  # of all others
        "effect": pl.Float64(),
        "lo": pl.Float64(),  # interval of LEVEL
        "hi": pl.Float64(),
        "placebos": pl.Int64(),  # windows of the length without an event, side by side, that the interval is made of
        "p_value": pl.Float64(),
        "q_value": pl.Float64(),  # Benjamini-Hochberg over all rows
    }
)

TOLD = pl.Schema(dict(EFFECTS) | {"category": pl.String(), "place": pl.Int64()})


def effects(
    buckets: Buckets,
    calendar: pl.DataFrame,
    as_of: datetime,
    by: str | None = None,
    *,
    segments: Sequence[str] | None = None,
    lasting: bool = False,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return the effect of each known event on each segment, ``EFFECTS`` in the order of the calendar.

    Parameters
    ----------
    buckets
        The events.
    calendar
        ``calendar.CALENDAR``; of a row with a category only its segment is told if ``by`` is the category.
    as_of
        Exclusive; events of the calendar that are not over by then, or began before the log, are not told. Their days
        are compared with as little as those of any event.
    by
        Column whose values are the segments (``category``, ``event_type``, ``user_id``, a column of the user
        table); None for the whole population, named ``series.ALL``, which is compared with nothing else.
    segments
        The values that are told; if None the largest up to ``series.MAX_SERIES``, the others as ``series.OTHER``.
    lasting
        Whether what an event began may go on after it, as a new shelf does and a feast does not: then only the four
        weeks before are compared with. Else the weeks after count as well, and what lasts is taken for usual.
    engine
        Where buckets are counted; threads if None.

    Raises
    ------
    UsageError
        If segments are given without a column.
    UnknownIdError
        If there is no such column.
    NotEnoughDataError
        If there is no whole day with an event before ``as_of``.
    """
    if by is None and segments is not None:
        raise UsageError("segments are values of a column; name it")
    last = last_day(as_of, buckets.timezone)
    kept = segments
    if kept is None and by is not None:
        kept = largest(buckets, by, as_of, MAX_SERIES, engine)
    days = daily(buckets, "events", by, as_of, kept, engine)
    counts = on_grid(days, last)
    over = calendar.unique(maintain_order=True).filter(pl.col("end") <= last, pl.col("ds") >= counts.dates[0].item())
    known = days_of_events(_apart(calendar, counts.dates), counts.dates)
    told = _told(counts, over, known, silent_steps(days, last), lasting=lasting)
    if segments is not None:
        told = told.filter(pl.col("segment").is_in(list(segments)))
    if by == "category":
        told = told.filter((pl.col("category") == pl.col("segment")).fill_null(True))
    return _with_q(told.select(EFFECTS.names()))


def _apart(calendar: pl.DataFrame, dates: NDArray[np.datetime64]) -> pl.DataFrame:
    """Leave out events that go on all the time: they set no day apart from another."""
    begin, end = dates[0].item(), dates[-1].item()
    return calendar.filter((pl.col("ds") > begin) | (pl.col("end") < end))


def _told(
    counts: Panel, calendar: pl.DataFrame, known: NDArray[np.bool_], out: NDArray[np.bool_], *, lasting: bool
) -> pl.DataFrame:
    """Return ``TOLD`` of each event and series, without q.

    ``known`` are the days of any event, ``out`` those of outages, both ``(n_days,)``.
    """
    ids, y, dates = counts.ids, counts.y, counts.dates
    first = (calendar["ds"].to_numpy().astype("datetime64[D]") - dates[0]).astype(np.int64)
    length = (calendar["end"] - calendar["ds"]).dt.total_days().to_numpy() + 1
    total = np.nansum(y, axis=0)
    found = [TOLD.to_frame()]
    for one in np.unique(length).tolist():
        events = np.flatnonzero(length == one)
        real = windows(first[events], one, known, out, lasting=lasting)
        calm = placebos(one, known, out, lasting=lasting)
        keys = calendar[events].select("event", "ds", "end", "category").with_columns(place=pl.Series(events))
        for name, row in zip(ids, y, strict=True):
            figures = pl.DataFrame(judge(row, total - np.nan_to_num(row), real, calm)).fill_nan(None)
            told = keys.hstack(figures).with_columns(segment=pl.lit(name), q_value=pl.lit(None))
            found.append(told.select(TOLD.names()).cast(TOLD))
    return pl.concat(found).sort("place", maintain_order=True)


def _with_q(told: pl.DataFrame) -> pl.DataFrame:
    p = told["p_value"].drop_nulls().to_numpy()
    q = np.full(told.height, np.nan)
    q[told["p_value"].is_not_null().to_numpy()] = false_discovery_control(p) if p.size else p
    return told.with_columns(q_value=pl.Series(q, dtype=pl.Float64).fill_nan(None))
