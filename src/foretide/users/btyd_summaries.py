"""Sufficient statistics of a visitor: how often they came back, when last, and for how long they are known.

All that a buy-till-you-die model learns from a user are three numbers. ``frequency`` counts the active days after
the first, ``recency`` is the time from the first active day to the last one, ``age`` from the first to the last day
that was seen. Several events of a day are one. Many users share the same numbers, so a million of them are some
ten thousand rows with a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from foretide.errors import DataError, MappingError
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.user_events import bucket_events, in_utc, ticks
from foretide.schema import Floats

#: One row a user; times in days. The models take any unit of time, as long as it is one.
SUMMARY = pl.Schema(
    {
        "user_id": pl.String(),
        "frequency": pl.Int32(),  # active days after the first one
        "recency": pl.Float64(),  # from the first active day to the last one; 0 without a repeat
        "age": pl.Float64(),  # from the first active day to the last day before ``as_of``
    }
)
STATISTICS = ("frequency", "recency", "age")


class Visits(NamedTuple):
    """Sufficient statistics as arrays, ``(n_users,)`` each."""

    frequency: Floats
    recency: Floats
    age: Floats


def summaries(
    buckets: Buckets, as_of: datetime, rule: LifecycleRule | None = None, engine: Engine | None = None
) -> pl.DataFrame:
    """Return the sufficient statistics of all users with a critical event before a moment.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Exclusive, in UTC. Days are local days; the day of the last microsecond before ``as_of`` is the last one seen.
    rule
        Says which events are critical; all if None.
    engine
        Where buckets are mapped; this machine if None.

    Returns
    -------
    pl.DataFrame
        ``SUMMARY``.
    """
    job = partial(summaries_part, as_of=in_utc(as_of), rule=rule or LifecycleRule())
    return pl.concat((engine or LocalEngine()).map_buckets(job, buckets, SUMMARY))


def summaries_part(buckets: Buckets, i: int, as_of: datetime, rule: LifecycleRule) -> pl.DataFrame:
    """Return ``SUMMARY`` of a bucket."""
    events = bucket_events(buckets, i, as_of, rule, (), others=False)
    if events is None:
        return SUMMARY.to_frame()
    first, day = events.starts[:-1], events.day
    begun = np.diff(day, prepend=day[0]) != 0
    begun[first] = False  # the first day is no repeat
    _, today = ticks([as_of], buckets.timezone)
    table = {
        "user_id": events.users,
        "frequency": np.add.reduceat(begun.astype(np.int32), first),
        "recency": day[events.starts[1:] - 1] - day[first],
        "age": today[0] - day[first],
    }
    return pl.DataFrame(table).cast(SUMMARY)


def summaries_of(users: pl.DataFrame) -> pl.DataFrame:
    """Return the sufficient statistics of the rows of a feature table, in its order.

    Exact where ``as_of`` is a midnight of the workspace's zone; else, and where the clocks changed since the last
    event, an age may be a day off.

    Returns
    -------
    pl.DataFrame
        ``frequency, recency, age`` in days.
    """
    repeats = pl.col("active_days") - 1
    last_to_now = (pl.col("recency_days").ceil() - 1).clip(lower_bound=0)
    recency = pl.when(repeats > 0).then(pl.col("gap_mean_days") * repeats).otherwise(0.0).round()
    return users.select(frequency=repeats.cast(pl.Int32), recency=recency, age=recency + last_to_now)


def condensed(summary: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct rows of a summary with ``weight``, the number of users that share them.

    A summary that has weights already keeps their sums.
    """
    weight = pl.col("weight").sum() if "weight" in summary.columns else pl.len()
    return summary.group_by(STATISTICS).agg(weight.cast(pl.Float64).alias("weight")).sort(STATISTICS)


def visits(summary: pl.DataFrame) -> Visits:
    """Return the statistics of a frame as arrays.

    Raises
    ------
    MappingError
        If a column is missing.
    DataError
        If a row cannot be: times out of order or not finite, a frequency that is no count, a recency without repeats.
    """
    absent = [name for name in STATISTICS if name not in summary.columns]
    if absent:
        raise MappingError(f"the summary has no column {absent[0]!r}; it needs {', '.join(STATISTICS)}")
    table = Visits(*(summary[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in STATISTICS))
    wrong = np.flatnonzero(~possible(table))
    if wrong.size:
        row = ", ".join(f"{name} {column[wrong[0]]:g}" for name, column in zip(STATISTICS, table, strict=True))
        raise DataError(
            f"row {wrong[0]} of the summary cannot be ({row}); frequency is a count, 0 <= recency <= age, "
            "and recency is 0 where and only where frequency is 0"
        )
    return table


def possible(table: Visits) -> np.ndarray[tuple[int], np.dtype[np.bool]]:
    """Tell of each row whether a user can have it, ``(n_users,)``."""
    x, recency, age = table
    counted = (x >= 0) & (x == np.floor(x))
    ordered = (recency >= 0) & (recency <= age) & np.isfinite(age)
    return counted & ordered & ((x > 0) == (recency > 0))


def exceeding(counts: Floats, weight: Floats) -> Floats:
    """Return the weight of the users whose count is above 0, 1, 2 ..., ``(max(counts),)``.

    The logarithm of a rising factorial is a sum of logarithms, so over all users it needs these weights only:
    ``sum(weight * log(z (z+1) ... (z+count-1)))`` is ``exceeding @ log(z + [0, 1, ...])``.
    """
    at = np.bincount(counts.astype(np.int64), weights=weight)
    return at[::-1].cumsum()[::-1][1:]


def checked_horizons(horizons: Sequence[float]) -> Floats:
    """Return lengths of time as an array ``(n_horizons,)``.

    Raises
    ------
    DataError
        If one is negative or not finite.
    """
    lengths = np.atleast_1d(np.asarray(horizons, dtype=np.float64))
    if not (np.isfinite(lengths) & (lengths >= 0)).all():
        raise DataError(f"a horizon is a finite length of time from 0 on, not {horizons}")
    return lengths
