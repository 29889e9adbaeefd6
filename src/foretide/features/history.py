"""The life of each user: every change of stage, since when and why.

Judged at the end of each local day. This needs the days one by one, so it is no part of a live state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.events.engine import Engine, concat_buckets
from foretide.events.lookup import homes
from foretide.events.records import Buckets
from foretide.features import lifecycle
from foretide.features.lifecycle import ABSENT, REASONS, STAGE_OF, LifecycleRule, lifecycle_dtype
from foretide.features.now import midnight
from foretide.features.series import last_day
from foretide.features.state import Events
from foretide.features.user_events import Ints, Longs, UserEvents, bucket_events, ticks
from foretide.schema import STAGES

HISTORY = pl.Schema(
    {"user_id": pl.String(), "since": pl.Date(), "stage": pl.String(), "reason": pl.String(), "days": pl.Int32()}
)
EPOCH_DAY = date(1970, 1, 1)
#: So many users' days are held at a time.
SLICE_USERS = 4_096


def stage_history(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule | None = None,
    users: Sequence[str] | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return each user's stages in the order of time.

    Parameters
    ----------
    buckets
        The events.
    as_of
        In UTC, exclusive; the last whole local day before it is the last that is judged.
    rule
        The lifecycle rule; the default one if None.
    users
        Ids; all if None.
    engine
        Where buckets are mapped; threads if None.

    Returns
    -------
    pl.DataFrame
        ``user_id, since, stage, reason, days``: the first day at whose end the stage and its reason (one of
        ``lifecycle.REASONS``) held, and for how many days they did, or have so far.
    """
    job = partial(history_part, end=last_day(as_of, buckets.timezone), rule=rule or LifecycleRule(), users=users)
    return concat_buckets(job, buckets if users is None else homes(buckets, users), HISTORY, engine)


def history_part(buckets: Buckets, i: int, end: date, rule: LifecycleRule, users: Sequence[str] | None) -> pl.DataFrame:
    """Return ``HISTORY`` of a bucket."""
    until = midnight(end + timedelta(days=1), buckets.timezone)
    events = bucket_events(buckets, i, until, rule, (), others=False, users=users)
    if events is None:
        return HISTORY.to_frame()
    first = int(events.events["day"].min())
    days = [EPOCH_DAY + timedelta(days=n) for n in range(first, (end - EPOCH_DAY).days + 1)]
    at, today = ticks([midnight(day + timedelta(days=1), buckets.timezone) for day in days], buckets.timezone)
    begins = range(0, len(events.users), SLICE_USERS)
    return pl.concat(_lives(events.of_users(n, n + SLICE_USERS), days, at, today, rule) for n in begins)


def _lives(events: UserEvents, days: Sequence[date], at: Longs, today: Ints, rule: LifecycleRule) -> pl.DataFrame:
    """Return ``HISTORY`` of some users; ``days`` and their ends from the first event of any on."""
    own = events.events["day"][events.starts[0] : events.starts[-1]]
    late = int(own.min()) - (days[0] - EPOCH_DAY).days  # days before the first event of these
    why = np.full((len(events.users), len(days) - late), ABSENT, np.int8)
    state = np.zeros(1, lifecycle_dtype(rule.window_days))
    _tell_reasons(events.starts, events.events, at[late:], today[late:], rule.window_days, state, why)
    return _changes(events.users, days[late:], why)


def _changes(users: pl.Series, days: Sequence[date], why: NDArray[np.int8]) -> pl.DataFrame:
    """Return ``HISTORY`` of users by the reason of each day, ``(n_users, n_days)``."""
    before = np.hstack([np.full((len(why), 1), ABSENT, np.int8), why[:, :-1]])
    user, day = np.nonzero(why != before)
    code = why[user, day]
    ends = np.where(np.append(user[1:], -1) == user, np.append(day[1:], 0), len(days))
    return pl.DataFrame(
        {
            "user_id": users.gather(user),
            "since": pl.Series(days, dtype=pl.Date).gather(day),
            "stage": pl.Series(STAGES).gather(STAGE_OF[code]),
            "reason": pl.Series(REASONS).gather(code),
            "days": (ends - day).astype(np.int32),
        }
    )


@njit
def _tell_reasons(
    starts: Longs, events: Events, at: Longs, today: Ints, window_days: int, state: Events, why: NDArray[np.int8]
) -> None:
    """Write the reason of each user's stage from the first event on to ``why``, ``(n_users, n_moments)``."""
    nothing = state.copy()
    for user in range(starts.size - 1):
        state[0] = nothing[0]
        event, end = starts[user], starts[user + 1]
        for cut in range(np.searchsorted(at, events[event].ts, side="right"), at.size):
            while event < end and events[event].ts < at[cut]:
                lifecycle.update(state[0], events[event].ts, events[event].day, window_days)
                event += 1
            why[user, cut] = lifecycle.reason(state[0], at[cut], today[cut], window_days)
