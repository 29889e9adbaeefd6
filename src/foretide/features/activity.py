"""How active a user is: recency, decayed counts and values, active days, the gaps between them, sessions.

A piece of the fold beside the lifecycle: it reads the lifecycle's state (first and last event, active days)
and adds a few sums of its own. Decayed sums are as of the last event.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.features.clock import DAY_US, MINUTE_US
from foretide.features.days import active_between
from foretide.features.lifecycle import State

#: Half-lives of the decayed number of events and of the decayed value; each a whole part of the last.
HALF_LIVES_DAYS = (7.0, 28.0, 84.0)
#: Windows in which active days are counted.
WINDOWS_DAYS = (7, 28, 56, 90)
#: A longer gap between two events ends a session.
SESSION_GAP_US = 30 * MINUTE_US

ACTIVITY = np.dtype(
    [
        ("events", "f8", (3,)),  # by half-life
        ("values", "f8", (3,)),
        ("gap_squares", "f8"),  # of days between active days
        ("gap_moment", "f8"),  # sum of (place, from 0) x gap
        ("session_us", "f8"),  # length of all sessions together
        ("longest_gap", "u4"),
        ("n_sessions", "u4"),
    ]
)

FEATURES = (
    "recency_days",
    "tenure_days",
    "n_events",
    "active_days_7",
    "active_days_28",
    "active_days_56",
    "active_days_90",
    "active_days",
    "events_decayed_7",
    "events_decayed_28",
    "events_decayed_84",
    "value_decayed_7",
    "value_decayed_28",
    "value_decayed_84",
    "gap_mean_days",
    "gap_std_days",
    "gap_longest_days",
    "gap_slope_days",
    "sessions",
    "session_events",
    "session_minutes",
    "returns",
)

Floats = NDArray[np.float64]


@njit
def decay(days: float) -> tuple[float, float, float]:
    """Return what is left of one after some days, for each half-life."""
    slow = np.exp2(-days / 84.0)
    middle = slow * slow * slow
    fast = middle * middle
    return fast * fast, middle, slow


@njit
def update(state: State, life: State, ts: int, day: int, value: float) -> None:
    """Take in an event, before the lifecycle moves on to it.

    Parameters
    ----------
    state
        An ``ACTIVITY`` record, changed in place.
    life
        The lifecycle's state as it was before the event.
    ts
        Microseconds.
    day
        Local day number.
    value
        NaN for none.
    """
    elapsed = ts - life.last
    if life.n_events > 0 and elapsed > 0:  # the lines of one receipt share a moment
        left = decay(elapsed / DAY_US)
        for i in range(3):
            state.events[i] *= left[i]
            state.values[i] *= left[i]
    if life.n_events > 0 and day > life.last_day:
        gap = day - life.last_day
        state.gap_squares += gap * gap
        state.gap_moment += (life.n_days - 1) * gap
        state.longest_gap = max(state.longest_gap, gap)
    if life.n_events == 0 or elapsed > SESSION_GAP_US:
        state.n_sessions += np.uint32(1)
    else:
        state.session_us += elapsed
    for i in range(3):
        state.events[i] += 1.0
        if not np.isnan(value):
            state.values[i] += value


@njit
def values(state: State, life: State, as_of: int, today: int, out: Floats) -> None:
    """Write ``FEATURES`` at ``as_of`` (microseconds, exclusive) to ``out``; NaN where one is not defined.

    ``today`` is the local day of the last microsecond before ``as_of``.
    """
    elapsed = (as_of - life.last) / DAY_US
    since = today - life.last_day
    out[0] = elapsed
    out[1] = (as_of - life.first) / DAY_US
    out[2] = life.n_events
    for i in range(4):
        out[3 + i] = active_between(life.days, -since, WINDOWS_DAYS[i] - since)
    out[7] = life.n_days
    left = decay(elapsed)
    for i in range(3):
        out[8 + i] = state.events[i] * left[i]
        out[11 + i] = state.values[i] * left[i]
    out[14], out[15], out[16], out[17] = gaps(state, life)
    out[18] = state.n_sessions
    out[19] = life.n_events / state.n_sessions
    out[20] = state.session_us / state.n_sessions / MINUTE_US
    out[21] = life.n_returns


@njit
def gaps(state: State, life: State) -> tuple[float, float, float, float]:
    """Return mean, (population) standard deviation, longest and slope of the days between active days.

    The slope is that of the least-squares line through the gaps in their order: days more from gap to gap.
    """
    n = float(life.n_days) - 1.0
    if n < 1.0:
        return np.nan, np.nan, np.nan, np.nan
    mean = (life.last_day - life.first_day) / n
    std = np.sqrt(max(state.gap_squares / n - mean * mean, 0.0))
    spread = n * (n * n - 1.0) / 12.0  # sum of squares of the places around their mean
    slope = (state.gap_moment - mean * n * (n - 1.0) / 2.0) / spread if n > 1.0 else np.nan
    return mean, std, float(state.longest_gap), slope
