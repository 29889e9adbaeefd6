"""The lifecycle stage of a user: new, growing, active, resurrected, at risk, churned.

In short, with a window of W days: churned after 4 W without a critical event, at risk after 2 W, resurrected
in the 2 W after coming back, new in the first 2 W, else growing or at risk where the active days of the last
4 W differ clearly from those of the 4 W before, else active. Gaps and ages are continuous time, active days
are local calendar days.

The stage is a piece of the fold: a state of a few integers and the bits of the recent active days, updated by
each event at a cost that does not grow with the history, read at any time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from foretide.compiled import njit
from foretide.features.clock import DAY_US
from foretide.features.days import BITS, active_between, shift
from foretide.features.rule import LifecycleRule as LifecycleRule  # noqa: PLC0414 - of the lifecycle, without kernels
from foretide.schema import STAGES

NEVER = np.iinfo(np.int64).min
#: Code of a user who has no event yet.
ABSENT = -1

NEW, GROWING, ACTIVE, RESURRECTED, AT_RISK, CHURNED = range(len(STAGES))
#: Why a user is in a stage, and in which stage that is; ``ABSENT`` finds the last.
REASONS = ("recent", "more_days", "steady", "came_back", "silence", "fewer_days", "long_silence")
RECENT, MORE_DAYS, STEADY, CAME_BACK, SILENCE, FEWER_DAYS, LONG_SILENCE = range(len(REASONS))
STAGE_OF = np.array([NEW, GROWING, ACTIVE, RESURRECTED, AT_RISK, AT_RISK, CHURNED, ABSENT], np.int8)

#: Fewest active days in both windows for a change to be judged.
LEAST_ACTIVE_DAYS = 5
#: Size of a clear change in standard deviations (5 % one-sided).
CLEAR_CHANGE = 1.645

#: Longest window of active days that a feature asks for.
LEAST_DAYS = 90

#: A numpy record, whose fields only the compiler sees.
State: TypeAlias = Any


def lifecycle_dtype(window_days: int) -> np.dtype[np.void]:
    """Return what is kept of a user; ``days`` are bits of the active days of 8 W and of at least ``LEAST_DAYS``."""
    words = -(-max(8 * window_days, LEAST_DAYS) // BITS)
    moments = [(name, "i8") for name in ("first", "last", "returned")]
    days = [("first_day", "i4"), ("last_day", "i4")]
    counts = [(name, "u4") for name in ("n_events", "n_days", "n_returns")]
    return np.dtype([*moments, *days, *counts, ("days", "u8", (words,))])


@njit
def update(state: State, ts: int, day: int, window_days: int) -> None:
    """Take in an event at ``ts`` (microseconds) on the local ``day``."""
    if state.n_events == 0:
        state.first, state.first_day = ts, day
        state.last_day, state.n_days = day, 1
        state.returned = NEVER
        state.days[0] = np.uint64(1)
    elif ts - state.last >= 4 * window_days * DAY_US:
        state.returned = ts
        state.n_returns += np.uint32(1)
    if day > state.last_day:
        shift(state.days, day - state.last_day)
        state.last_day = day
        state.n_days += np.uint32(1)
    state.last = ts
    state.n_events += np.uint32(1)


@njit
def stage(state: State, as_of: int, today: int, window_days: int) -> int:
    """Return the stage at ``as_of`` as an index into ``schema.STAGES``, or ``ABSENT``; parameters as ``reason``."""
    return STAGE_OF[reason(state, as_of, today, window_days)]


@njit
def reason(state: State, as_of: int, today: int, window_days: int) -> int:
    """Return why a user is in a stage, as an index into ``REASONS``, or ``ABSENT``.

    Parameters
    ----------
    state
        Of events before ``as_of`` only; all zeros for a user without events.
    as_of
        Microseconds, exclusive.
    today
        Local day of the last microsecond before ``as_of``.
    window_days
        W.
    """
    if state.n_events == 0:
        return ABSENT
    window = window_days * DAY_US
    gap = as_of - state.last
    if gap >= 4 * window:
        return LONG_SILENCE
    if gap >= 2 * window:
        return SILENCE
    if state.returned != NEVER and as_of - state.returned < 2 * window:
        return CAME_BACK
    age = as_of - state.first
    if age < 2 * window:
        return RECENT
    return trend(state, today, window_days) if age >= 8 * window else STEADY


@njit
def trend(state: State, today: int, window_days: int) -> int:
    """Compare active days of the last 4 W with those of the 4 W before: more, fewer or steady."""
    since, month = today - state.last_day, 4 * window_days
    recent = active_between(state.days, -since, month - since)
    before = active_between(state.days, month - since, 2 * month - since)
    total = recent + before
    if total < LEAST_ACTIVE_DAYS:
        return STEADY
    z = (recent - before) / np.sqrt(total)
    if z >= CLEAR_CHANGE:
        return MORE_DAYS
    return FEWER_DAYS if z <= -CLEAR_CHANGE else STEADY
