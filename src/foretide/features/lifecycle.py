"""The lifecycle stage of a user: new, growing, active, resurrected, at risk, churned.

In short, with a window of W days: churned after 4 W without a critical event, at risk after 2 W, resurrected
in the 2 W after coming back, new in the first 2 W, else growing or at risk where the active days of the last
4 W differ clearly from those of the 4 W before, else active. Gaps and ages are continuous time, active days
are local calendar days.

The stage is a piece of the fold: a state of a few integers and the bits of the recent active days, updated by
each event at a cost that does not grow with the history, read at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretide.features.days import BITS, Words, active_between, shift
from foretide.schema import STAGES

DAY_US = 86_400_000_000
NEVER = np.iinfo(np.int64).min
#: Code of a user who has no event yet.
ABSENT = -1

NEW, GROWING, ACTIVE, RESURRECTED, AT_RISK, CHURNED = range(len(STAGES))

#: Fewest active days in both windows for a change to be judged.
LEAST_ACTIVE_DAYS = 5
#: Size of a clear change in standard deviations (5 % one-sided).
CLEAR_CHANGE = 1.645

# Places in the state
FIRST, LAST, RETURNED, FIRST_DAY, LAST_DAY, N_EVENTS, N_DAYS = range(7)
STATE_SIZE = 7

State = NDArray[np.int64]


@dataclass(frozen=True)
class LifecycleRule:
    """What counts as alive, and for how long.

    Parameters
    ----------
    window_days
        W.
    critical_events
        Event types that count; None for all.
    """

    window_days: int = 7
    critical_events: tuple[str, ...] | None = None

    @property
    def new_days(self) -> int:
        """Age at which a user stops being new (N = 2 W)."""
        return 2 * self.window_days

    @property
    def at_risk_days(self) -> int:
        """Gap after which a user is at risk (R = 2 W)."""
        return 2 * self.window_days

    @property
    def churned_days(self) -> int:
        """Gap after which a user is churned (D = 4 W)."""
        return 4 * self.window_days

    @property
    def resurrected_days(self) -> int:
        """Time for which a user who came back is resurrected (S = 2 W)."""
        return 2 * self.window_days


def n_words(window_days: int, least_days: int = 0) -> int:
    """Return how many words hold the active days of 8 W and of at least ``least_days``."""
    return -(-max(8 * window_days, least_days) // BITS)


@njit(cache=True, nogil=True)
def start(state: State, words: Words) -> None:
    """Forget everything: a user without events."""
    state[:] = 0
    state[RETURNED] = NEVER
    words[:] = 0


@njit(cache=True, nogil=True)
def update(state: State, words: Words, ts: int, day: int, window_days: int) -> None:
    """Take in an event at ``ts`` (microseconds) on the local ``day``."""
    if state[N_EVENTS] == 0:
        state[FIRST], state[FIRST_DAY] = ts, day
        state[LAST_DAY], state[N_DAYS] = day, 1
        words[0] = np.uint64(1)
    elif ts - state[LAST] >= 4 * window_days * DAY_US:
        state[RETURNED] = ts
    if day > state[LAST_DAY]:
        shift(words, day - state[LAST_DAY])
        state[LAST_DAY] = day
        state[N_DAYS] += 1
    state[LAST] = ts
    state[N_EVENTS] += 1


@njit(cache=True, nogil=True)
def stage(state: State, words: Words, as_of: int, today: int, window_days: int) -> int:
    """Return the stage at ``as_of`` as an index into ``schema.STAGES``, or ``ABSENT``.

    Parameters
    ----------
    state, words
        State of the user and bits of the active days, of events before ``as_of`` only.
    as_of
        Microseconds, exclusive.
    today
        Local day of the last microsecond before ``as_of``.
    window_days
        W.
    """
    if state[N_EVENTS] == 0:
        return ABSENT
    window = window_days * DAY_US
    gap = as_of - state[LAST]
    if gap >= 4 * window:
        return CHURNED
    if gap >= 2 * window:
        return AT_RISK
    if state[RETURNED] != NEVER and as_of - state[RETURNED] < 2 * window:
        return RESURRECTED
    age = as_of - state[FIRST]
    if age < 2 * window:
        return NEW
    return trend(state, words, today, window_days) if age >= 8 * window else ACTIVE


@njit(cache=True, nogil=True)
def trend(state: State, words: Words, today: int, window_days: int) -> int:
    """Compare active days of the last 4 W with those of the 4 W before: growing, at risk or active."""
    since, month = today - state[LAST_DAY], 4 * window_days
    recent = active_between(words, -since, month - since)
    before = active_between(words, month - since, 2 * month - since)
    total = recent + before
    if total < LEAST_ACTIVE_DAYS:
        return ACTIVE
    z = (recent - before) / np.sqrt(total)
    if z >= CLEAR_CHANGE:
        return GROWING
    return AT_RISK if z <= -CLEAR_CHANGE else ACTIVE
