"""How active a user is: recency, decayed counts, active days and the gaps between them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretide.features.days import active_between, shift
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

# Places in the sums
DECAYED_VALUE = 3
GAP_SQUARES = 4
SUMS_SIZE = 5

Sums = NDArray[np.float64]


@njit(cache=True, nogil=True)
def update(
    state: State, words: NDArray[np.uint64], sums: Sums, ts: int, day: int, value: float
) -> None:
    """Take in an event: ``ts`` in microseconds, its local ``day``, its ``value`` (NaN for none)."""
    if state[N_EVENTS] == 0:
        state[FIRST], state[FIRST_DAY] = ts, day
        state[LAST], state[LAST_DAY] = ts, day
        state[N_DAYS] = 1
        words[0] = np.uint64(1)
    elapsed = (ts - state[LAST]) / DAY_US
    for i in range(3):
        sums[i] = sums[i] * 0.5 ** (elapsed / HALF_LIVES_DAYS[i]) + 1.0
    sums[DECAYED_VALUE] *= 0.5 ** (elapsed / VALUE_HALF_LIFE_DAYS)
    if not np.isnan(value):
        sums[DECAYED_VALUE] += value
    gap = day - state[LAST_DAY]
    if gap > 0:
        shift(words, gap)
        sums[GAP_SQUARES] += gap * gap
        state[N_DAYS] += 1
        state[LAST_DAY] = day
    state[LAST] = ts
    state[N_EVENTS] += 1


@njit(cache=True, nogil=True)
def values(
    state: State, words: NDArray[np.uint64], sums: Sums, as_of: int, today: int, out: NDArray[np.float64]
) -> None:
    """Write ``FEATURES`` at ``as_of`` (microseconds, exclusive) to ``out``; NaN where one is not defined."""
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
    out[11:13] = np.nan
    n_gaps = state[N_DAYS] - 1
    if n_gaps > 0:
        mean = (state[LAST_DAY] - state[FIRST_DAY]) / n_gaps
        out[11] = mean
        out[12] = np.sqrt(max(sums[GAP_SQUARES] / n_gaps - mean * mean, 0.0))
