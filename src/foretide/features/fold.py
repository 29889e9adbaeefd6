"""The fold: one pass over each user's events in the order of time, read at many moments.

Each theme (lifecycle, activity) is a piece with a state, an ``update`` by one event and a value at a moment.
This module drives the pieces over the sorted events of a bucket. An event counts for a cut-off only if it came
before it, so a row of the result never changes when later events arrive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from foretide.events.records import Buckets
from foretide.features import activity, lifecycle
from foretide.features.activity import FEATURES, SUMS_SIZE, WINDOWS_DAYS
from foretide.features.days import BITS
from foretide.features.lifecycle import ABSENT, NEVER, RETURNED, STATE_SIZE, LifecycleRule
from foretide.schema import STAGES, TS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class UserEvents:
    """The critical events of a bucket as arrays, sorted by user and time."""

    users: pl.Series  # (n_users,)
    starts: NDArray[np.int64]  # (n_users + 1,) where each user's events begin
    ts: NDArray[np.int64]  # (n_events,) microseconds
    day: NDArray[np.int32]  # (n_events,) local day number
    value: NDArray[np.float64]  # (n_events,)


def user_events(buckets: Buckets, until: datetime, rule: LifecycleRule) -> Iterator[UserEvents]:
    """Read the critical events before a moment, bucket by bucket; buckets without any are left out."""
    for i in buckets.ids:
        events = buckets.bucket(i, ["user_id", "ts", "event_type", "value"], until)
        if rule.critical_events is not None:
            events = events.filter(pl.col("event_type").is_in(rule.critical_events))
        if events.height:
            yield as_arrays(events, buckets.timezone)


def as_arrays(events: pl.DataFrame, timezone: str) -> UserEvents:
    """Return sorted events (``user_id, ts, value``) as arrays."""
    begins = events["user_id"].rle_id().to_numpy()
    starts = np.flatnonzero(np.diff(begins, prepend=-1, append=begins[-1] + 1))
    day = events["ts"].dt.convert_time_zone(timezone).dt.date().cast(pl.Int32)
    return UserEvents(
        events["user_id"][starts[:-1]],
        starts,
        events["ts"].cast(pl.Int64).to_numpy(),
        day.to_numpy(),
        events["value"].fill_null(np.nan).to_numpy(),
    )


def run(
    events: UserEvents, cutoffs: Sequence[datetime], timezone: str, rule: LifecycleRule, n_features: int
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Fold a bucket.

    Parameters
    ----------
    events
        The bucket.
    cutoffs
        Ascending moments in UTC, exclusive.
    timezone
        Zone whose days count as active days.
    rule
        The lifecycle rule.
    n_features
        ``len(FEATURES)``, or 0 if only stages are wanted.

    Returns
    -------
    stages, features
        ``(n_users, n_cutoffs)`` codes, ``ABSENT`` before a user's first event, and
        ``(n_users, n_cutoffs, n_features)``.
    """
    at = np.array([(cutoff - EPOCH) // timedelta(microseconds=1) for cutoff in cutoffs], dtype=np.int64)
    shape = (len(events.users), at.size)
    stages = np.full(shape, ABSENT, dtype=np.int8)
    features = np.full((*shape, n_features), np.nan)
    n_words = -(-max(8 * rule.window_days, *WINDOWS_DAYS) // BITS)
    today = local_days(at - 1, timezone)
    arrays = (events.starts, events.ts, events.day, events.value)
    _fold(*arrays, at, today, rule.window_days, n_words, stages, features)
    return stages, features


def local_days(ts: NDArray[np.int64], timezone: str) -> NDArray[np.int32]:
    """Return the local day number of moments in microseconds."""
    moments = pl.Series(ts).cast(TS).dt.convert_time_zone(timezone)
    return moments.dt.date().cast(pl.Int32).to_numpy()


@njit(cache=True, nogil=True)
def _fold(  # type: ignore[no-untyped-def]
    starts, ts, day, value, at, today, window_days, n_words, stages, features
):
    state = np.empty(STATE_SIZE, np.int64)
    words = np.empty(n_words, np.uint64)
    sums = np.empty(SUMS_SIZE, np.float64)
    for user in range(starts.size - 1):
        state[:] = 0
        state[RETURNED] = NEVER
        words[:] = 0
        sums[:] = 0.0
        cut = 0
        for event in range(starts[user], starts[user + 1]):
            while cut < at.size and at[cut] <= ts[event]:
                _read(state, words, sums, at[cut], today[cut], window_days, stages, features, user, cut)
                cut += 1
            if cut == at.size:
                break
            lifecycle.update(state, ts[event], window_days)
            activity.update(state, words, sums, ts[event], day[event], value[event])
        for last in range(cut, at.size):
            _read(state, words, sums, at[last], today[last], window_days, stages, features, user, last)


@njit(cache=True, nogil=True)
def _read(  # type: ignore[no-untyped-def]
    state, words, sums, as_of, today, window_days, stages, features, user, cut
):
    code = lifecycle.stage(state, words, as_of, today, window_days)
    stages[user, cut] = code
    if features.shape[2] > 0 and code != ABSENT:
        activity.values(state, words, sums, as_of, today, features[user, cut])


def feature_table(
    buckets: Buckets, as_of: Sequence[datetime], rule: LifecycleRule | None = None
) -> pl.DataFrame:
    """Return what was known about each user at each cut-off.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Cut-offs in UTC, exclusive; any order.
    rule
        Which events count as activity, and for how long; the default rule if None.

    Returns
    -------
    pl.DataFrame
        ``user_id, as_of, stage`` and ``activity.FEATURES``; a row for each user and cut-off with a critical
        event before it. Days are local days; a feature that is not defined (a gap of a user with one
        active day) is NaN.
    """
    rule = rule or LifecycleRule()
    cutoffs = sorted(set(as_of))
    schema = {"user_id": pl.String(), "as_of": TS, "stage": pl.String()} | dict.fromkeys(FEATURES, pl.Float64())
    parts = [pl.DataFrame(schema=schema)]
    for events in user_events(buckets, cutoffs[-1], rule) if cutoffs else ():
        stages, features = run(events, cutoffs, buckets.timezone, rule, len(FEATURES))
        parts.append(_table(events.users, cutoffs, stages, features))
    return pl.concat(parts)


def _table(
    users: pl.Series, cutoffs: Sequence[datetime], stages: NDArray[np.int8], features: NDArray[np.float64]
) -> pl.DataFrame:
    user, cut = np.nonzero(stages != ABSENT)
    columns = {name: features[user, cut, i] for i, name in enumerate(FEATURES)}
    known = pl.Series(STAGES).gather(stages[user, cut])
    moments = pl.Series(cutoffs, dtype=TS)
    return pl.DataFrame({"user_id": users.gather(user), "as_of": moments.gather(cut), "stage": known, **columns})
