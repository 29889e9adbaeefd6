"""The fold: one pass over each user's events in the order of time, read at many moments.

Each theme (lifecycle, activity) is a piece with a state, an ``update`` by one event and a value at a moment.
This module drives the pieces over the sorted events of a bucket. An event counts for a cut-off only if it
came before it, so a row of the result never changes when later events arrive.
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
from foretide.features.lifecycle import ABSENT, STATE_SIZE, LifecycleRule, n_words
from foretide.schema import STAGES, TS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Longs = NDArray[np.int64]
Codes = NDArray[np.int8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class UserEvents:
    """The critical events of a bucket as arrays, sorted by user and time."""

    users: pl.Series  # (n_users,)
    starts: Longs  # (n_users + 1,) where each user's events begin
    ts: Longs  # (n_events,) microseconds
    day: NDArray[np.int32]  # (n_events,) local day number
    value: Floats  # (n_events,) NaN for none


def user_events(buckets: Buckets, until: datetime, rule: LifecycleRule) -> Iterator[UserEvents]:
    """Read the critical events before a moment, bucket by bucket; buckets without any are left out."""
    for i in buckets.ids:
        events = buckets.bucket(i, ["user_id", "ts", "event_type", "value"], until)
        if rule.critical_events is not None:
            events = events.filter(pl.col("event_type").is_in(rule.critical_events))
        if events.height:
            yield as_arrays(events, buckets.timezone)


def as_arrays(events: pl.DataFrame, timezone: str) -> UserEvents:
    """Return sorted events (``user_id, ts, value``) as arrays.

    All of them are writable, or the kernels would be compiled a second time for read-only ones.
    """
    user = events["user_id"].rle_id().to_numpy()
    starts = np.flatnonzero(np.diff(user, prepend=-1, append=user[-1] + 1))
    return UserEvents(
        events["user_id"].gather(starts[:-1]),
        starts,
        events["ts"].cast(pl.Int64).to_numpy(writable=True),
        local_days(events["ts"], timezone),
        events["value"].fill_null(np.nan).to_numpy(writable=True),
    )


def local_days(moments: pl.Series, timezone: str) -> NDArray[np.int32]:
    """Return the local day numbers (days since 1970-01-01) of moments in UTC."""
    return moments.dt.convert_time_zone(timezone).dt.date().cast(pl.Int32).to_numpy(writable=True)


def ticks(cutoffs: Sequence[datetime], timezone: str) -> tuple[Longs, NDArray[np.int32]]:
    """Return cut-offs in microseconds, and for each the local day of the last microsecond before it."""
    at = np.array([(cutoff - EPOCH) // timedelta(microseconds=1) for cutoff in cutoffs], dtype=np.int64)
    return at, local_days(pl.Series(at - 1).cast(TS), timezone)


def run(events: UserEvents, cutoffs: Sequence[datetime], timezone: str, rule: LifecycleRule) -> tuple[Codes, Floats]:
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

    Returns
    -------
    stages, features
        ``(n_users, n_cutoffs)`` codes, ``ABSENT`` before a user's first event, and
        ``(n_users, n_cutoffs, n_features)``.
    """
    at, today = ticks(cutoffs, timezone)
    shape = (len(events.users), at.size)
    stages = np.full(shape, ABSENT, dtype=np.int8)
    features = np.full((*shape, len(FEATURES)), np.nan)
    words = np.empty(n_words(rule.window_days, max(WINDOWS_DAYS)), dtype=np.uint64)
    arrays = (events.starts, events.ts, events.day, events.value)
    _fold(*arrays, at, today, rule.window_days, words, stages, features)
    return stages, features


# A cached kernel is compiled again only if its own file changes: save this one too after a change in a piece.
@njit(cache=True, nogil=True)
def _fold(
    starts: Longs,
    ts: Longs,
    day: NDArray[np.int32],
    value: Floats,
    at: Longs,
    today: NDArray[np.int32],
    window_days: int,
    words: NDArray[np.uint64],
    stages: Codes,
    features: Floats,
) -> None:
    state = np.empty(STATE_SIZE, np.int64)
    sums = np.empty(SUMS_SIZE, np.float64)
    for user in range(starts.size - 1):
        lifecycle.start(state, words)
        sums[:] = 0.0
        event, end = starts[user], starts[user + 1]
        for cut in range(at.size):
            while event < end and ts[event] < at[cut]:
                activity.update(state, sums, ts[event], day[event], value[event])
                lifecycle.update(state, words, ts[event], day[event], window_days)
                event += 1
            code = lifecycle.stage(state, words, at[cut], today[cut], window_days)
            stages[user, cut] = code
            if code != ABSENT:
                activity.values(state, words, sums, at[cut], today[cut], features[user, cut])


def feature_table(buckets: Buckets, as_of: Sequence[datetime], rule: LifecycleRule | None = None) -> pl.DataFrame:
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
    keys = {"user_id": pl.String(), "as_of": TS, "stage": pl.String()}
    empty = pl.DataFrame(schema=keys | dict.fromkeys(FEATURES, pl.Float64()))
    if not cutoffs:
        return empty
    parts = (
        _table(events.users, cutoffs, *run(events, cutoffs, buckets.timezone, rule))
        for events in user_events(buckets, cutoffs[-1], rule)
    )
    return pl.concat([empty, *parts])


def _table(users: pl.Series, cutoffs: Sequence[datetime], stages: Codes, features: Floats) -> pl.DataFrame:
    user, cut = np.nonzero(stages != ABSENT)
    known = features[user, cut]  # (n_rows, n_features)
    keys = {
        "user_id": users.gather(user),
        "as_of": pl.Series(cutoffs, dtype=TS).gather(cut),
        "stage": pl.Series(STAGES).gather(stages[user, cut]),
    }
    return pl.DataFrame(keys | {name: known[:, i] for i, name in enumerate(FEATURES)})
