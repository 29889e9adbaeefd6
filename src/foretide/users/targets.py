"""What a user did after a cut-off: the targets that outlook models learn and are judged by.

A cut-off ``c`` is a moment at which one pretends to know nothing later. The *horizon* of ``h`` days begins
one day after it, so that yesterday's visit that is still going on does not count as coming back: ``[c + 1
d, c + 1 d + h d)``. Days are local calendar days, so the horizon of a local midnight begins and ends at
midnight even where the clocks change in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import polars as pl

from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import TS

#: Days between a cut-off and the beginning of its horizon.
LEAD_DAYS = 1
#: Days of history before the first training cut-off; shorter logs give up at most a quarter of theirs.
WARM_UP_DAYS = 28
#: Training cut-offs are whole weeks apart, at most this many.
MAX_CUTOFFS = 10

#: A cut-off and the length of its horizon in days.
Pair = tuple[datetime, int]

TARGETS = pl.Schema(
    {
        "user_id": pl.String(),
        "as_of": TS,
        "eligible": pl.Boolean(),  # not churned at the cut-off
        "inactive": pl.Boolean(),  # no critical event in the horizon
        "active_days": pl.Int32(),  # distinct local days with a critical event in the horizon, at most h
        "value": pl.Float64(),  # sum over the critical events in the horizon
    }
)


def shifted(moment: datetime, days: int, timezone: str) -> datetime:
    """Return the moment ``days`` local calendar days later at the same local time, in UTC."""
    return (moment.astimezone(ZoneInfo(timezone)) + timedelta(days=days)).astimezone(UTC)


def horizon(cutoff: datetime, horizon_days: int, timezone: str) -> tuple[datetime, datetime]:
    """Return begin and (exclusive) end of the horizon of a cut-off."""
    return shifted(cutoff, LEAD_DAYS, timezone), shifted(cutoff, LEAD_DAYS + horizon_days, timezone)


def warm_up_days(history_days: int) -> int:
    """Return how many of the first days of a log are for features only."""
    return min(WARM_UP_DAYS, max(1, history_days // 4))


def trainable_horizon(history_days: int, horizon_days: int) -> int:
    """Return the horizon to train for, in days.

    It is the one asked for where the log has room for it after the warm-up; else half the room, because
    several cut-offs at a shorter horizon teach more than one at the longest. 0 if there is no room at all.
    """
    room = history_days - warm_up_days(history_days) - LEAD_DAYS
    return horizon_days if horizon_days <= room else max(0, (room + 1) // 2)


def training_cutoffs(
    first: datetime,
    as_of: datetime,
    horizon_days: int,
    timezone: str = "UTC",
    at_most: int = MAX_CUTOFFS,
) -> list[datetime]:
    """Return cut-offs whose whole horizon lies between the warm-up and ``as_of``, earliest first.

    The last one is as late as possible; the others lie whole weeks before it, evenly spread over the log.

    Parameters
    ----------
    first
        Time of the first event.
    as_of
        End of what is known (exclusive).
    horizon_days
        Length of the horizon.
    timezone
        Zone whose calendar days are counted.
    at_most
        Largest number of cut-offs.
    """
    history_days = (as_of - first).days
    latest = LEAD_DAYS + horizon_days  # days before as_of
    span = history_days - warm_up_days(history_days) - latest
    if span < 0:
        return []
    step = 7 * ceil((span // 7 + 1) / at_most)
    return [shifted(as_of, -back, timezone) for back in range(latest, latest + span + 1, step)][::-1]


def critical(rule: LifecycleRule) -> pl.Expr:
    """Return which events count as activity."""
    types = rule.critical_events
    return pl.lit(value=True) if types is None else pl.col("event_type").is_in(list(types))


def targets(
    buckets: Buckets, cutoffs: Sequence[datetime], horizon_days: int, rule: LifecycleRule
) -> pl.DataFrame:
    """Return what every user did in the horizon of every cut-off, ``TARGETS``.

    A user has a row for each cut-off that has a critical event of the user before it. ``active_days``
    counts the local days of ``[c + 1 d, c + 1 d + h)``; where a cut-off is not a midnight the two part days
    at the ends are one.

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
    return targets_of_pairs(buckets, [(cutoff, horizon_days) for cutoff in cutoffs], rule).drop(
        "horizon_days"
    )


def targets_of_pairs(buckets: Buckets, pairs: Sequence[Pair], rule: LifecycleRule) -> pl.DataFrame:
    """Return ``TARGETS`` with the column ``horizon_days`` for pairs of cut-off and horizon, in one pass."""
    parts = [pl.DataFrame(schema={**TARGETS, "horizon_days": pl.Int32()})]
    until = max((horizon(*pair, buckets.timezone)[1] for pair in pairs), default=None)
    for i in buckets.ids:
        events = buckets.bucket(i, ["user_id", "ts", "event_type", "value"], until).filter(critical(rule))
        days = events.select("user_id", "ts", "value", day=local_day(buckets.timezone))
        for cutoff in sorted({cutoff for cutoff, _ in pairs}):
            known = last_seen(days, cutoff)
            for horizon_days in [length for at, length in pairs if at == cutoff]:
                window = horizon(cutoff, horizon_days, buckets.timezone)
                parts.append(labelled(known, ahead(days, window, horizon_days), cutoff, horizon_days, rule))
    return pl.concat(parts)


def local_day(timezone: str) -> pl.Expr:
    """Return the local calendar day of an event."""
    return pl.col("ts").dt.convert_time_zone(timezone).dt.date()


def last_seen(events: pl.DataFrame, cutoff: datetime) -> pl.DataFrame:
    """Return the time of the last event of each user before the cut-off, from events in the order of time."""
    return events.filter(pl.col("ts") < cutoff).unique("user_id", keep="last").select("user_id", "ts")


def ahead(events: pl.DataFrame, window: tuple[datetime, datetime], horizon_days: int) -> pl.DataFrame:
    """Return active days and value of each user who is active in the window."""
    return (
        events.filter(pl.col("ts").is_between(*window, closed="left"))
        .group_by("user_id")
        .agg(active_days=pl.col("day").n_unique().clip(upper_bound=horizon_days), value=pl.col("value").sum())
    )


def labelled(
    known: pl.DataFrame, active: pl.DataFrame, cutoff: datetime, horizon_days: int, rule: LifecycleRule
) -> pl.DataFrame:
    """Return the targets of the users known at a cut-off, given those who are active in its horizon."""
    gap = pl.lit(cutoff) - pl.col("ts")
    return known.join(active, on="user_id", how="left").select(
        "user_id",
        pl.lit(cutoff).cast(TS).alias("as_of"),
        (gap < timedelta(days=rule.churned_days)).alias("eligible"),
        pl.col("active_days").is_null().alias("inactive"),
        pl.col("active_days").fill_null(0).cast(pl.Int32),
        pl.col("value").fill_null(0.0),
        pl.lit(horizon_days, pl.Int32).alias("horizon_days"),
    )
