"""What users did after a cut-off: the targets that outlook models learn and are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.user_events import EPOCH, Longs, UserEvents, bucket_events, ticks
from foretide.schema import TS, Floats
from foretide.users.cutoffs import Pair, horizon

MICROSECOND = timedelta(microseconds=1)

TARGETS = pl.Schema(
    {
        "user_id": pl.String(),
        "as_of": TS,
        "eligible": pl.Boolean(),  # not churned at the cut-off
        "inactive": pl.Boolean(),  # no critical event in the horizon
        "active_days": pl.Int32(),  # distinct local days with a critical event in the horizon, at most h
        "value": pl.Float64(),  # sum over the critical events in the horizon
        "return_days": pl.Int32(),  # from the horizon's first day to the first active day, below h; null if none
    }
)
OF_PAIRS = pl.Schema({**TARGETS, "horizon_days": pl.Int32()})
#: A row for each known user with a category in the horizon of a pair.
NEXT_CATEGORIES = pl.Schema(
    {
        "user_id": pl.String(),
        "as_of": TS,
        "horizon_days": pl.Int32(),
        "next_category": pl.String(),  # of the first event with one; of one moment, the first of the alphabet
    }
)


def targets(buckets: Buckets, cutoffs: Sequence[datetime], horizon_days: int, rule: LifecycleRule) -> pl.DataFrame:
    """Return what every user did in the horizon of every cut-off, ``TARGETS``.

    A user has a row for each cut-off that has a critical event of the user before it. ``active_days`` counts
    the local days of ``[c + 1 d, c + 1 d + h)``; where a cut-off is not a midnight the two part days at the
    ends are one. ``return_days`` is 0 for the first of these days; a null is censored at h.

    Parameters
    ----------
    buckets
        The events.
    cutoffs
        Moments in UTC.
    horizon_days
        Length of the horizon.
    rule
        Which events are critical, and after which gap a user is churned.
    """
    return targets_of_pairs(buckets, [(cutoff, horizon_days) for cutoff in cutoffs], rule).drop("horizon_days")


def targets_of_pairs(
    buckets: Buckets, pairs: Sequence[Pair], rule: LifecycleRule, engine: Engine | None = None
) -> pl.DataFrame:
    """Return ``TARGETS`` with the column ``horizon_days`` for pairs of cut-off and horizon, in one pass.

    Threads read the buckets if there is no engine.
    """
    if not pairs:
        return OF_PAIRS.to_frame()
    return concat_buckets(partial(targets_part, pairs=pairs, rule=rule), buckets, OF_PAIRS, engine)


def targets_part(buckets: Buckets, i: int, pairs: Sequence[Pair], rule: LifecycleRule) -> pl.DataFrame:
    """Return ``OF_PAIRS`` of a bucket for at least one pair."""
    until = max(horizon(*pair, buckets.timezone)[1] for pair in pairs)
    events = bucket_events(buckets, i, until, rule, ("activity",), others=False)
    if events is None:
        return OF_PAIRS.to_frame()
    running = Running(events)
    return pl.concat(running.targets(pair, buckets.timezone, rule) for pair in pairs)


def next_categories(buckets: Buckets, pairs: Sequence[Pair], engine: Engine | None = None) -> pl.DataFrame:
    """Return which category each user turned to first in the horizon of each pair, ``NEXT_CATEGORIES``.

    All events count, as for interests. Who had none before the cut-off, or none with a category in the horizon, has no
    row. Threads read the buckets if there is no engine.
    """
    if not pairs:
        return NEXT_CATEGORIES.to_frame()
    return concat_buckets(partial(next_categories_part, pairs=pairs), buckets, NEXT_CATEGORIES, engine)


def next_categories_part(buckets: Buckets, i: int, pairs: Sequence[Pair]) -> pl.DataFrame:
    """Return ``NEXT_CATEGORIES`` of a bucket for at least one pair."""
    until = max(horizon(*pair, buckets.timezone)[1] for pair in pairs)
    events = buckets.bucket(i, ["user_id", "ts", "category"], until)
    return pl.concat(first_categories(events, pair, buckets.timezone) for pair in pairs)


def first_categories(events: pl.DataFrame, pair: Pair, timezone: str) -> pl.DataFrame:
    """Return ``NEXT_CATEGORIES`` of the users of some events for one pair."""
    cutoff, horizon_days = pair
    begin, end = (pl.lit(moment, TS) for moment in horizon(cutoff, horizon_days, timezone))
    known = events.filter(pl.col("ts") < pl.lit(cutoff, TS)).select("user_id").unique()
    ahead = events.filter(pl.col("ts") >= begin, pl.col("ts") < end, pl.col("category").is_not_null())
    first = (
        ahead.join(known, on="user_id", how="semi").sort("user_id", "ts", "category").unique("user_id", keep="first")
    )
    told = first.sort("user_id").rename({"category": "next_category"})
    return told.with_columns(as_of=pl.lit(cutoff), horizon_days=pl.lit(horizon_days)).select(
        pl.col(name).cast(kind) for name, kind in NEXT_CATEGORIES.items()
    )


class Running:
    """Events of a bucket with running totals of days, so that a window of time costs two look-ups a user."""

    def __init__(self, events: UserEvents) -> None:
        self.events = events
        self.value = np.append(np.where(np.isnan(events.value), 0.0, events.value), 0.0)  # (n_events + 1,)
        new_day = np.diff(events.day, prepend=events.day[0]) != 0
        new_day[events.starts[:-1]] = True
        self.days = np.cumsum(new_day)  # (n_events,) days begun

    def first_from(self, moment: datetime) -> Longs:
        """Return where each user's events from a moment on begin, ``(n_users,)``."""
        starts = self.events.starts[:-1]
        earlier = (self.events.ts < (moment - EPOCH) // MICROSECOND).astype(np.int64)
        return starts + np.add.reduceat(earlier, starts)

    def days_between(self, begin: Longs, end: Longs) -> Longs:
        """Return the distinct local days of each user's events ``begin`` to ``end`` (exclusive)."""
        last = self.days.size - 1
        spanned = self.days[np.clip(end - 1, 0, last)] - self.days[np.clip(begin, 0, last)] + 1
        return np.where(end > begin, spanned, 0)

    def value_between(self, begin: Longs, end: Longs) -> Floats:
        """Return the sum of the values of each user's events ``begin`` to ``end`` (exclusive).

        Each user's by itself: a running total over users would carry the rounding of the largest value to all others.
        """
        sums = np.add.reduceat(self.value, np.column_stack([begin, end]).ravel())[::2]
        return np.where(end > begin, sums, 0.0)

    def days_until(self, begin: Longs, moment: datetime, timezone: str) -> Longs:
        """Return the local days from a moment to each user's event ``begin``."""
        _, today = ticks([moment + MICROSECOND], timezone)
        return self.events.day[np.clip(begin, 0, self.days.size - 1)].astype(np.int64) - today[0]

    def targets(self, pair: Pair, timezone: str, rule: LifecycleRule) -> pl.DataFrame:
        """Return the targets of the users known at a cut-off."""
        cutoff, horizon_days = pair
        seen = self.first_from(cutoff)
        known = np.flatnonzero(seen > self.events.starts[:-1])
        bounds = horizon(cutoff, horizon_days, timezone)
        begin, end = (self.first_from(moment)[known] for moment in bounds)
        waited = np.minimum(self.days_until(begin, bounds[0], timezone), horizon_days - 1)
        gap_us = (cutoff - EPOCH) // MICROSECOND - self.events.ts[seen[known] - 1]
        return pl.DataFrame(
            {
                "user_id": self.events.users.gather(known),
                "as_of": pl.repeat(cutoff, len(known), dtype=TS, eager=True),
                "eligible": gap_us < timedelta(days=rule.churned_days) // MICROSECOND,
                "inactive": begin == end,
                "active_days": np.minimum(self.days_between(begin, end), horizon_days),
                "value": self.value_between(begin, end),
                "return_days": pl.Series(np.where(begin < end, waited, -1)).replace(-1, None),
                "horizon_days": np.full(len(known), horizon_days),
            },
            schema=OF_PAIRS,
        )
