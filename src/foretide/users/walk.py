"""Walks: users who act or not, day by day, and the stages they pass through by the very rule of the lifecycle.

The chance of acting on a day is that of the cell which the walk has come to. A walk's luck depends on nothing but the
seed, the user and the day: two walks under different chances differ for no other reason than these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretide.compiled import njit
from foretide.features import lifecycle
from foretide.features.clock import DAY_US, Longs
from foretide.features.population import GONE, N_PLACES, OUTSIDE
from foretide.features.state import Events
from foretide.schema import Floats
from foretide.users.return_cells import Ints, cell

#: Walks of all users who are there together, and of the users who arrive on one day.
WALKS = 60_000
WALKS_OF_ARRIVALS = 600


@dataclass(frozen=True)
class Push:
    """Factors on what a forecast expects: 1 is no change.

    Parameters
    ----------
    returning
        On the daily chance that a churned user comes back.
    staying
        On the daily chance that any other user acts.
    arriving
        On the number of users who arrive.
    """

    returning: float = 1.0
    staying: float = 1.0
    arriving: float = 1.0

    def by_place(self) -> Floats:
        """Return the factor on the chance of users in each place, ``(N_PLACES,)``."""
        factors = np.full(N_PLACES, self.staying)
        factors[GONE] = self.returning
        return factors


@dataclass(frozen=True)
class Setting:
    """What walks start from, and the days that they go through."""

    states: Events  # (n_users,) lifecycle records of those who are there
    weights: Floats  # (n_users,) how many users each stands for
    chance: Floats  # (h, N_CELLS)
    arrivals: Floats  # (h,)
    at: Longs  # (h + 1,) the local midnights in microseconds, UTC
    today: Ints  # (h + 1,) the local day before each
    window_days: int
    dated: bool  # events lie at midnight
    seed: int


def flows(setting: Setting, push: Push | None = None, n_walks: int = WALKS) -> Floats:
    """Return how many users go from which place to which on each day, ``(h, N_PLACES, N_PLACES)``.

    Places are those of ``features.population.moves``; who arrives comes from ``OUTSIDE``. Every user walks as often as
    it takes to have ``n_walks``.
    """
    push = push or Push()
    h = setting.arrivals.size
    moved = np.zeros((h, N_PLACES, N_PLACES))
    shared = (push.by_place(), setting.at, setting.today, setting.window_days, setting.dated)
    if setting.states.size:
        n = -(-n_walks // setting.states.size)
        there = np.full(setting.states.size, -1)
        _walk(setting.states, setting.weights / n, there, n, setting.chance, *shared, setting.seed, moved)
    nobody = np.zeros(h, setting.states.dtype)
    weights = setting.arrivals * push.arriving / WALKS_OF_ARRIVALS
    _walk(nobody, weights, np.arange(h), WALKS_OF_ARRIVALS, setting.chance, *shared, setting.seed + 1, moved)
    return moved


def weights_of(states: Events, users: Floats, at: int, today: int, window_days: int) -> Floats:
    """Return how many users each of a sample stands for, so that every stage has as many as there are.

    Parameters
    ----------
    states
        The sample's lifecycle records.
    users
        Users in each stage, ``(n_stages,)``.
    at, today
        The moment in microseconds, UTC, and the local day before it.
    window_days
        W of the lifecycle rule.
    """
    stage = _stages(states, at, today, window_days)
    sampled = np.bincount(stage, minlength=users.size)
    weights = (users / np.maximum(sampled, 1))[stage]
    return weights * (users.sum() / weights.sum()) if states.size else weights


@njit
def _stages(states: Events, at: int, today: int, window_days: int) -> Longs:
    stage = np.empty(states.size, np.int64)
    for n in range(states.size):
        stage[n] = lifecycle.stage(states[n], at, today, window_days)
    return stage


@njit
def _walk(
    states: Events,
    weights: Floats,
    arrives: Longs,
    n_walks: int,
    chance: Floats,
    factors: Floats,
    at: Longs,
    today: Ints,
    window_days: int,
    dated: bool,
    seed: int,
    moved: Floats,
) -> None:
    state = np.zeros(1, states.dtype)
    for n in range(states.size):
        for k in range(n_walks):
            state[0] = states[n]
            place = lifecycle.stage(state[0], at[0], today[0], window_days) + 1
            for i in range(max(arrives[n], 0), at.size - 1):
                p = 1.0 if place == OUTSIDE else chance[i, cell(state[0], today[i] + 1, window_days)] * factors[place]
                luck = uniform(seed, n * n_walks + k, i)
                if luck < p:
                    moment = at[i] if dated else at[i] + int(DAY_US * (luck / p))
                    lifecycle.update(state[0], min(moment, at[i + 1] - 1), today[i + 1], window_days)
                now = lifecycle.stage(state[0], at[i + 1], today[i + 1], window_days) + 1
                moved[i, place, now] += weights[n]
                place = now


@njit
def uniform(seed: int, walk: int, day: int) -> float:
    """Return a number of [0, 1) that three numbers decide alone.

    References
    ----------
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators: the mixing of SplitMix64.
    """
    mix = _mixed(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15))
    mix = _mixed(mix ^ (np.uint64(walk) * np.uint64(0xD1342543DE82EF95)))
    mix = _mixed(mix + np.uint64(day) * np.uint64(0x9E3779B97F4A7C15))
    return np.float64(mix >> np.uint64(11)) / 9007199254740992.0


@njit
def _mixed(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
