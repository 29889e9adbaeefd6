"""The whole population: stages by day, the account of growth, moves between stages.

Everything is computed bucket by bucket and added up; a user is in one bucket only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import NotEnoughDataError
from foretide.events.engine import Engine, LocalEngine, concat_buckets
from foretide.events.records import Buckets
from foretide.features import lifecycle
from foretide.features.lifecycle import CHURNED, LifecycleRule, lifecycle_dtype
from foretide.features.now import midnight
from foretide.features.series import last_day
from foretide.features.state import Events
from foretide.features.user_events import Longs, bucket_events, ticks
from foretide.schema import ACCOUNTING, STAGE_COUNTS, STAGES, TS

#: Places of a table of moves: not there yet, then the stages.
OUTSIDE = 0
GONE = CHURNED + 1
N_PLACES = len(STAGES) + 1

#: Of a bucket: how many users moved, by the place in the flattened table of moves.
MOVED = pl.Schema({"place": pl.Int64(), "users": pl.Int64()})
#: Of a bucket: how many users it has, and its first event; null without any.
N_USERS = pl.Schema({"users": pl.UInt32()})
FIRST = pl.Schema({"ts": TS})


def stage_counts(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule | None = None,
    days: Sequence[date] | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return how many users are in each stage at the end of each local day.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Exclusive; later days are left out.
    rule
        The lifecycle rule; the default one if None.
    days
        Ascending local days; every whole day from the first event to ``as_of`` if None.
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    pl.DataFrame
        ``schema.STAGE_COUNTS``, all stages of a day in the order of ``schema.STAGES``.

    Raises
    ------
    NotEnoughDataError
        If there is no whole day with an event before ``as_of``.
    """
    days = _chosen(buckets, as_of, days, engine)
    arrived = _daily_moves(buckets, days, rule, engine)[1:].sum(axis=1)  # (n_days, n_places)
    return pl.DataFrame(
        {
            "ds": np.repeat(np.array(days, dtype="datetime64[D]"), len(STAGES)),
            "stage": STAGES * len(days),
            "users": arrived[:, 1:].ravel(),
        },
        schema=STAGE_COUNTS,
    )


def accounting(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule | None = None,
    days: Sequence[date] | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return the account of active users, ``schema.ACCOUNTING``; parameters as in ``stage_counts``.

    Active are those who are not churned at the end of the day, and flows are counted from the end of one of
    the days to the next (of the first, from its beginning):
    ``active[t] = active[t-1] + new + resurrected - lost``. Who churned and came back in between is neither.
    """
    days = _chosen(buckets, as_of, days, engine)
    moves = _daily_moves(buckets, days, rule, engine)[1:]  # (n_days, n_places, n_places)
    alive = np.ones(N_PLACES, dtype=bool)
    alive[[OUTSIDE, GONE]] = False
    active = moves[:, :, alive].sum(axis=(1, 2))
    new = moves[:, OUTSIDE, alive].sum(axis=1)
    resurrected = moves[:, GONE, alive].sum(axis=1)
    lost = moves[:, alive, GONE].sum(axis=1)
    return pl.DataFrame([days, active, new, resurrected, lost], schema=ACCOUNTING)


def moves(buckets: Buckets, moments: Sequence[datetime], rule: LifecycleRule, engine: Engine | None = None) -> Longs:
    """Count users by their stages at consecutive moments, without a table of users by moments.

    Parameters
    ----------
    buckets
        The events.
    moments
        Ascending, in UTC, exclusive.
    rule
        The lifecycle rule.
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    Longs
        ``(n_moments, n_places, n_places)``: from the place at the moment before (``OUTSIDE`` for the first)
        to the place at this one. Place 0 is ``OUTSIDE``, place ``1 + i`` is stage i.
    """
    job = partial(moves_part, moments=moments, rule=rule)
    counts = np.zeros(len(moments) * N_PLACES * N_PLACES, dtype=np.int64)
    for part in (engine or LocalEngine()).map_buckets(job, buckets, MOVED):
        counts[part["place"].to_numpy()] += part["users"].to_numpy()
    return counts.reshape(len(moments), N_PLACES, N_PLACES)


def moves_part(buckets: Buckets, i: int, moments: Sequence[datetime], rule: LifecycleRule) -> pl.DataFrame:
    """Return ``MOVED`` of a bucket: the places in ``moves`` that are not zero."""
    counts = moves_of(buckets, i, moments, rule, ())
    place = np.flatnonzero(counts)
    return pl.DataFrame({"place": place, "users": counts.ravel()[place]}, schema=MOVED)


def moves_of(
    buckets: Buckets, i: int, moments: Sequence[datetime], rule: LifecycleRule, age_breaks_us: Sequence[int]
) -> Longs:
    """Return ``moves`` of a bucket by the users' ages, ``(n_ages, n_moments, n_places, n_places)``.

    ``age_breaks_us`` are ascending microseconds from a user's first critical event to the first moment; the first age
    is below all of them, ``n_ages`` is one more than they are.
    """
    at, today = ticks(moments, buckets.timezone)
    counts = np.zeros((len(age_breaks_us) + 1, at.size, N_PLACES, N_PLACES), dtype=np.int64)
    events = bucket_events(buckets, i, moments[-1], rule, (), others=False)
    if events is not None:
        ts, state = events.ts, np.zeros(1, lifecycle_dtype(rule.window_days))
        since = at[0] - ts[events.starts[:-1]]
        age = np.searchsorted(np.array(age_breaks_us, np.int64), since, side="right")
        _count(events.starts, age, ts, events.day, at, today, rule.window_days, state, counts)
    return counts


@njit
def _count(
    starts: Longs,
    age: Longs,
    ts: Longs,
    day: NDArray[np.int32],
    at: Longs,
    today: NDArray[np.int32],
    window_days: int,
    state: Events,
    counts: Longs,
) -> None:
    nothing = state.copy()
    for user in range(starts.size - 1):
        state[0] = nothing[0]
        event, end, place = starts[user], starts[user + 1], OUTSIDE
        for cut in range(np.searchsorted(at, ts[event], side="right"), at.size):
            while event < end and ts[event] < at[cut]:
                lifecycle.update(state[0], ts[event], day[event], window_days)
                event += 1
            now = lifecycle.stage(state[0], at[cut], today[cut], window_days) + 1
            counts[age[user], cut, place, now] += 1
            place = now


def _daily_moves(buckets: Buckets, days: Sequence[date], rule: LifecycleRule | None, engine: Engine | None) -> Longs:
    """Return ``moves`` at the beginning of the first day and at the end of each, ``(1 + n_days, ...)``."""
    ends = [midnight(day + timedelta(days=1), buckets.timezone) for day in days]
    return moves(buckets, [midnight(days[0], buckets.timezone), *ends], rule or LifecycleRule(), engine)


def _chosen(buckets: Buckets, as_of: datetime, days: Sequence[date] | None, engine: Engine | None) -> list[date]:
    """Return the days that lie before ``as_of`` as a whole."""
    last = last_day(as_of, buckets.timezone)
    chosen = whole_days(buckets, as_of, engine) if days is None else [day for day in days if day <= last]
    if not chosen:
        raise NotEnoughDataError(f"none of the days is over before {as_of:%Y-%m-%d %H:%M} UTC")
    return chosen


def whole_days(buckets: Buckets, as_of: datetime, engine: Engine | None = None) -> list[date]:
    """Return every whole local day from the first event to ``as_of``; threads read the buckets if there is no engine.

    Raises
    ------
    NotEnoughDataError
        If there is no whole day with an event.
    """
    firsts = concat_buckets(partial(first_part, until=as_of), buckets, FIRST, engine)["ts"]
    return days_from(firsts.dt.convert_time_zone(buckets.timezone).dt.date(), as_of, buckets.timezone)


def days_from(known: pl.Series, as_of: datetime, timezone: str) -> list[date]:
    """Return every whole local day from the first of the known ones to ``as_of``; errors as in ``whole_days``."""
    first, last = known.min(), last_day(as_of, timezone)
    if not isinstance(first, date) or first > last:
        raise NotEnoughDataError(
            f"there is no whole day with events before {as_of:%Y-%m-%d %H:%M} UTC; give a later time"
        )
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def n_users_part(buckets: Buckets, i: int, until: datetime) -> pl.DataFrame:
    """Return ``N_USERS`` of a bucket: how many users have an event, of any kind, before a moment."""
    return buckets.bucket(i, ["user_id"], until).select(users=pl.col("user_id").n_unique()).cast(N_USERS)


def first_part(buckets: Buckets, i: int, until: datetime) -> pl.DataFrame:
    """Return ``FIRST`` of a bucket."""
    return buckets.bucket(i, ["ts"], until).select(pl.col("ts").min())
