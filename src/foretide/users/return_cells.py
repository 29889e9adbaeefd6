"""Cells of users who are about as likely to act tomorrow, and how many of a cell did on each day.

What decides whether somebody acts on a day is how long they have been silent and how much they did before. A cell is
a length of silence and a habit: of a user of the last weeks, the age and the active days so far; of any other, the
active days of the last 4 W and of the 4 W before, and their active days ever (of the rare) or a day (of the others).
A million users make a few thousand cells, and counts of cells add up over buckets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets
from foretide.features import lifecycle
from foretide.features.clock import DAY_US, Longs, clock_of, offset_at
from foretide.features.days import active_between
from foretide.features.lifecycle import LifecycleRule, State, lifecycle_dtype
from foretide.features.state import Events
from foretide.features.user_events import UserEvents, bucket_events, ticks

Ints = NDArray[np.int32]

#: First day of each length of silence, in days since the last active day.
SILENCES = np.array([*range(1, 15), 16, 18, 21, 25, 28, 35, 49, 70, 112, 182, 273])
#: First value of each level of the active days of the last 4 W, of the 4 W before, and so far of a new user.
RECENT = np.array([0, 1, 2, 3, 5, 8, 11, 15, 20, 24])
BEFORE = np.array([0, 1, 2, 4, 8, 14, 20])
SO_FAR = np.array([1, 2, 3, 5, 9])
#: Users with at most so many active days in 8 W are rare: their active days ever count, of others those a day.
RARE_DAYS = 2
EVER = np.array([1, 3, 6, 12, 25, 50])
DENSITY = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.7])
#: First age of each habit of a new user, in W, and the age at which nobody is new to this account.
NEW_AGES = np.array([0, 1, 2])
KNOWN_AGE = 4

N_NEW = NEW_AGES.size * SO_FAR.size
N_HABITS = N_NEW + RECENT.size * BEFORE.size * EVER.size
N_CELLS = N_HABITS * SILENCES.size

#: Of a bucket, in one row: where somebody was (place in ``there`` as one row), and the other figures of ``Returns``.
PART = pl.Schema(
    {
        "place": pl.List(pl.Int64()),
        "there": pl.List(pl.Int32()),
        "active": pl.List(pl.Int32()),
        "states": pl.List(pl.Binary()),  # of each moment, the bytes of its records
        "sharp": pl.Int64(),  # how many more events lie at midnight sharp than do not
    }
)


@dataclass(frozen=True)
class Returns:
    """Of each day, how many users there were in each cell as it began, and how many of them acted on it."""

    there: Ints  # (n_days, N_CELLS)
    active: Ints  # (n_days, N_CELLS)
    states: list[Events]  # of each moment that was asked for: lifecycle records, (n_users known then,)
    dated: bool  # whether most events lie at midnight sharp: a log of dates without times


def count_returns(
    buckets: Buckets,
    ends: Sequence[datetime],
    kept: Sequence[int],
    rule: LifecycleRule,
    every: int = 1,
    engine: Engine | None = None,
) -> Returns:
    """Count users and those who acted by day and cell, and look up the users' states at some moments.

    Parameters
    ----------
    buckets
        The events.
    ends
        Local midnights in UTC, ascending: day i begins with ``ends[i]`` and ends with ``ends[i + 1]``.
    kept
        Ascending places in ``ends`` whose states are wanted.
    rule
        The lifecycle rule.
    every
        One in so many users of a bucket is looked at.
    engine
        Where buckets are counted; threads if None.
    """
    there, active = (np.zeros((len(ends) - 1) * N_CELLS, np.int32) for _ in range(2))
    known = [[np.zeros(0, lifecycle_dtype(rule.window_days))] for _ in kept]
    sharp = 0
    job = partial(returns_part, ends=ends, kept=kept, rule=rule, every=every)
    for part in (engine or LocalEngine()).map_buckets(job, buckets, PART):
        for place, were, acted, records, more in zip(*part.get_columns(), strict=True):
            there[place.to_numpy()] += were.to_numpy()
            active[place.to_numpy()] += acted.to_numpy()
            sharp += more
            for states, found in zip(known, records, strict=True):
                states.append(np.frombuffer(found, states[0].dtype))
    shape = (len(ends) - 1, N_CELLS)
    return Returns(there.reshape(shape), active.reshape(shape), [np.concatenate(found) for found in known], sharp > 0)


def returns_part(
    buckets: Buckets, i: int, ends: Sequence[datetime], kept: Sequence[int], rule: LifecycleRule, every: int
) -> pl.DataFrame:
    """Return ``PART`` of a bucket; no row if it has no events."""
    events = bucket_events(buckets, i, ends[-1], rule, (), others=False)
    if events is None:
        return PART.to_frame()
    at, today = ticks(ends, buckets.timezone)
    there, active = (np.zeros((len(ends) - 1, N_CELLS), np.int32) for _ in range(2))
    states = np.zeros((len(kept), -(-(events.starts.size - 1) // every)), lifecycle_dtype(rule.window_days))
    _count(events.starts, events.ts, events.day, at, today, rule.window_days, every, np.asarray(kept, np.int64),
           states, there, active)  # fmt: skip
    place = np.flatnonzero(there)
    row = {
        "place": [place],
        "there": [there.ravel()[place]],
        "active": [active.ravel()[place]],
        "states": [[known[known["n_events"] > 0].tobytes() for known in states]],
        "sharp": [at_midnight(events, buckets.timezone)],
    }
    return pl.DataFrame(row, schema=PART)


def at_midnight(events: UserEvents, timezone: str) -> int:
    """Return how many more events of a bucket lie at local midnight sharp than do not."""
    clock = clock_of(timezone)
    return 2 * int(_sharp(events.ts, clock.changes, clock.offsets)) - events.ts.size


@njit
def cell(state: State, day: int, window_days: int) -> int:
    """Return the cell, below ``N_CELLS``, of a user with events as a local day begins."""
    silence = np.searchsorted(SILENCES, day - state.last_day, side="right") - 1
    return habit(state, day, window_days) * SILENCES.size + max(silence, 0)


@njit
def habit(state: State, day: int, window_days: int) -> int:
    """Return the habit, below ``N_HABITS``, of a user with events as a local day begins."""
    age, month = day - state.first_day, 4 * window_days
    if age < KNOWN_AGE * window_days:
        return level(NEW_AGES, age // window_days) * SO_FAR.size + level(SO_FAR, state.n_days)
    since = day - 1 - state.last_day
    recent = active_between(state.days, -since, month - since)
    before = active_between(state.days, month - since, 2 * month - since)
    rare = recent + before <= RARE_DAYS
    ever = level(EVER, state.n_days) if rare else level(DENSITY, state.n_days / age)
    return N_NEW + (level(RECENT, recent) * BEFORE.size + level(BEFORE, before)) * EVER.size + ever


@njit
def level(firsts: NDArray[np.float64], value: float) -> int:
    """Return the last level whose first value is not above ``value``."""
    return int(np.searchsorted(firsts, value, side="right")) - 1


@njit
def _sharp(ts: Longs, changes: Longs, offsets: Longs) -> int:
    n = 0
    for i in range(ts.size):
        n += (ts[i] + offset_at(changes, offsets, ts[i])) % DAY_US == 0
    return n


@njit
def _count(
    starts: Longs,
    ts: Longs,
    days: Ints,
    at: Longs,
    today: Ints,
    window_days: int,
    every: int,
    kept: Longs,
    states: Events,
    there: Ints,
    active: Ints,
) -> None:
    nothing = np.zeros(1, states.dtype)
    state = np.zeros(1, states.dtype)
    for n in range(states.shape[1]):
        state[0] = nothing[0]
        event, end, keep = starts[n * every], starts[n * every + 1], 0
        for i in range(at.size):
            while event < end and ts[event] < at[i]:
                lifecycle.update(state[0], ts[event], days[event], window_days)
                event += 1
            while keep < kept.size and kept[keep] == i:
                states[keep, n] = state[0]
                keep += 1
            if state[0].n_events and i + 1 < at.size:
                here = cell(state[0], today[i] + 1, window_days)
                there[i, here] += 1
                active[i, here] += event < end and ts[event] < at[i + 1]
