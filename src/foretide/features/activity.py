"""How active a user is: recency, decayed counts, active days and the gaps between them.

A piece of the fold beside the lifecycle: it reads the lifecycle's state (first and last event, active days)
and adds a few sums of its own.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretide.features.days import Words, active_between
from foretide.features.lifecycle import DAY_US, FIRST, FIRST_DAY, LAST, LAST_DAY, N_DAYS, N_EVENTS, State

#: Half-lives of the decayed numbers of events, and of the decayed value.
HALF_LIVES_DAYS = (7.0, 28.0, 84.0)
VALUE_HALF_LIFE_DAYS = 28.0
#: Windows in which active days are counted.
WINDOWS_DAYS = (7, 28, 56)

FEATURES = (
    "recency_days",
    "tenure_days",
    "n_events",
    "active_days_7",
    "active_days_28",
    "active_days_56",
    "active_days",
    "events_decayed_7",
    "events_decayed_28",
    "events_decayed_84",
    "value_decayed_28",
    "gap_mean_days",
    "gap_std_days",
)

# Places in the sums; the decayed numbers of events come first
DECAYED_VALUE = 3
GAP_SQUARES = 4
SUMS_SIZE = 5

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def update(state: State, sums: Floats, ts: int, day: int, value: float) -> None:
    """Take in an event, before the lifecycle's state moves on to it.

    Parameters
    ----------
    state
        The lifecycle's state as it was before the event.
    sums
        ``(SUMS_SIZE,)``, changed in place.
    ts
        Microseconds.
    day
        Local day number.
    value
        NaN for none.
    """
    if state[N_EVENTS] > 0:
        decay(sums, (ts - state[LAST]) / DAY_US)
        gap = max(day - state[LAST_DAY], 0)
        sums[GAP_SQUARES] += gap * gap
    for i in range(DECAYED_VALUE):
        sums[i] += 1.0
    if not np.isnan(value):
        sums[DECAYED_VALUE] += value


@njit(cache=True, nogil=True)
def decay(sums: Floats, days: float) -> None:
    """Let time pass over the decayed sums, in place."""
    if days > 0.0:  # the lines of one receipt share a moment
        for i in range(DECAYED_VALUE):
            sums[i] *= 0.5 ** (days / HALF_LIVES_DAYS[i])
        sums[DECAYED_VALUE] *= 0.5 ** (days / VALUE_HALF_LIFE_DAYS)


@njit(cache=True, nogil=True)
def values(state: State, words: Words, sums: Floats, as_of: int, today: int, out: Floats) -> None:
    """Write ``FEATURES`` at ``as_of`` (microseconds, exclusive) to ``out``; NaN where one is not defined.

    ``today`` is the local day of the last microsecond before ``as_of``.
    """
    elapsed = (as_of - state[LAST]) / DAY_US
    since = today - state[LAST_DAY]
    out[0] = elapsed
    out[1] = (as_of - state[FIRST]) / DAY_US
    out[2] = state[N_EVENTS]
    for i in range(3):
        out[3 + i] = active_between(words, -since, WINDOWS_DAYS[i] - since)
    out[6] = state[N_DAYS]
    for i in range(3):
        out[7 + i] = sums[i] * 0.5 ** (elapsed / HALF_LIVES_DAYS[i])
    out[10] = sums[DECAYED_VALUE] * 0.5 ** (elapsed / VALUE_HALF_LIFE_DAYS)
    out[11], out[12] = gaps(state, sums)


@njit(cache=True, nogil=True)
def gaps(state: State, sums: Floats) -> tuple[float, float]:
    """Return mean and (population) standard deviation of the days between active days."""
    n_gaps = state[N_DAYS] - 1
    if n_gaps == 0:
        return np.nan, np.nan
    mean = (state[LAST_DAY] - state[FIRST_DAY]) / n_gaps
    return mean, np.sqrt(max(sums[GAP_SQUARES] / n_gaps - mean * mean, 0.0))
