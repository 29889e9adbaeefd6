"""What goes with what: items that users take together or soon after one another.

Two items are neighbours if the same users take them close together. Closeness counts baskets: in the same
basket 1, in the next 1/2, then 1/3; pairs of long ago count less. The sum over all users is divided by how much
each of the two items is taken at all, so that what everybody takes is not everybody's neighbour.

References
----------
.. [1] Ludewig, M. and Jannach, D. "Evaluation of session-based recommendation algorithms." User Modeling and
   User-Adapted Interaction 28 (2018): 331-390.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretide.recommend.candidates import Candidates, best
from foretide.recommend.histories import DAY_US, Codes, Histories, Offsets, microseconds
from foretide.schema import Floats

Neighbours = tuple[Offsets, Codes, Floats]
"""Offsets ``(n_items + 1,)``, neighbours ``(n_pairs,)`` and their similarities ``(n_pairs,)``."""


@dataclass(frozen=True)
class SeqItemKNN:
    """Score items by how close they stand to what a user has taken, the last baskets first.

    Parameters
    ----------
    window
        How many occasions after an item are looked at.
    n_neighbours
        How many neighbours an item keeps.
    half_life_days
        Age after which a pair counts half.
    memory
        In how many baskets the weight of a user's basket halves when scoring.
    n_candidates
        How many candidates a user gets.
    """

    window: int = 30
    n_neighbours: int = 50
    half_life_days: float = 90.0
    memory: float = 5.0
    n_candidates: int = 50
    power: float = 0.5
    own_power: float = 0.5
    directed: bool = True
    shrink: float = 0.0
    neighbours_: Neighbours = field(default=(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0)), repr=False)

    def fit(self, histories: Histories, at: datetime) -> Self:
        """Find the neighbours of each item."""
        known = histories.until(at)
        weight = 0.5 ** ((microseconds(at) - known.ts) / (self.half_life_days * DAY_US))
        step = baskets(known.offsets, known.ts)
        order = np.argsort(known.item, kind="stable")
        starts = np.searchsorted(known.item[order], np.arange(known.n_items + 1))
        taken = np.bincount(known.item, weight, known.n_items)
        bounds = known.offsets[known.user], known.offsets[known.user + 1]
        found = _neighbours(
            known.item, step, weight, order, starts, bounds, (taken + self.shrink)**self.own_power, taken**self.power, self.directed, self.window, self.n_neighbours
        )
        return replace(self, neighbours_=found)

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Add up the neighbours of what each user has taken."""
        known = histories.until(at)
        back = baskets(known.offsets, known.ts)
        last = np.repeat(np.maximum.reduceat(np.append(back, 0), np.minimum(known.offsets[:-1], len(back))), np.diff(known.offsets))
        weight = 0.5 ** ((last - back) / self.memory)
        if among is None:
            return Candidates(*_propose(known.offsets, known.item, weight, self.neighbours_, self.n_candidates))
        score = _score(known.offsets, known.item, weight, self.neighbours_, among.offsets, among.item)
        return among.scored(score)


def baskets(offsets: Offsets, ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the baskets over all users: the number rises where the user or the instant changes."""
    fresh = np.ones(len(ts), bool)
    fresh[1:] = ts[1:] != ts[:-1]
    fresh[offsets[:-1][offsets[:-1] < len(ts)]] = True
    return np.cumsum(fresh)


@njit(cache=True, nogil=True)
def _neighbours(
    item: Codes,
    step: NDArray[np.int64],
    weight: Floats,
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    bounds: tuple[Offsets, Offsets],
    norm_a: Floats,
    norm: Floats,
    directed: bool,
    window: int,
    n: int,
) -> Neighbours:
    n_items = len(starts) - 1
    scratch = np.zeros(n_items)
    touched = np.empty(n_items, np.int32)
    offsets = np.zeros(n_items + 1, np.int64)
    out_item = np.empty(n_items * n, np.int32)
    out_score = np.empty(n_items * n)
    for a in range(n_items):
        m = 0
        for place in order[starts[a] : starts[a + 1]]:
            lo = max(place - window, bounds[0][place])
            hi = min(place + window + 1, bounds[1][place])
            for other in range(lo, hi):
                b = item[other]
                if b == a:
                    continue
                far = step[other] - step[place]
                if directed and far < 0:
                    continue
                if scratch[b] == 0:
                    touched[m] = b
                    m += 1
                scratch[b] += weight[place] / (1 + abs(far))
        near = touched[:m]
        score = scratch[near] / (norm_a[a] * norm[near])
        chosen = best(score, near, n)
        begin = offsets[a]
        offsets[a + 1] = begin + len(chosen)
        out_item[begin : offsets[a + 1]] = near[chosen]
        out_score[begin : offsets[a + 1]] = score[chosen]
        scratch[near] = 0
    return offsets, out_item[: offsets[-1]].copy(), out_score[: offsets[-1]].copy()


@njit(cache=True, nogil=True)
def _add_up(item: Codes, weight: Floats, neighbours: Neighbours, scratch: Floats, touched: Codes) -> int:
    offsets, other, similarity = neighbours
    m = 0
    for place in range(len(item)):
        for pair in range(offsets[item[place]], offsets[item[place] + 1]):
            b = other[pair]
            if scratch[b] == 0:
                touched[m] = b
                m += 1
            scratch[b] += weight[place] * similarity[pair]
    return m


@njit(cache=True, nogil=True)
def _propose(offsets: Offsets, item: Codes, weight: Floats, neighbours: Neighbours, n: int) -> Neighbours:
    n_items = len(neighbours[0]) - 1
    scratch = np.zeros(n_items)
    touched = np.empty(n_items, np.int32)
    out_offsets = np.zeros(len(offsets), np.int64)
    out_item = np.empty((len(offsets) - 1) * n, np.int32)
    out_score = np.empty((len(offsets) - 1) * n)
    for u in range(len(offsets) - 1):
        own = slice(offsets[u], offsets[u + 1])
        m = _add_up(item[own], weight[own], neighbours, scratch, touched)
        near = touched[:m]
        score = scratch[near]
        chosen = best(score, near, n)
        begin = out_offsets[u]
        end = begin + len(chosen)
        out_item[begin:end] = near[chosen]
        out_score[begin:end] = score[chosen]
        out_offsets[u + 1] = end
        scratch[near] = 0
    return out_offsets, out_item[: out_offsets[-1]].copy(), out_score[: out_offsets[-1]].copy()


@njit(cache=True, nogil=True)
def _score(
    offsets: Offsets, item: Codes, weight: Floats, neighbours: Neighbours, among: Offsets, wanted: Codes
) -> Floats:
    n_items = len(neighbours[0]) - 1
    scratch = np.zeros(n_items)
    touched = np.empty(n_items, np.int32)
    score = np.empty(len(wanted))
    for u in range(len(offsets) - 1):
        own = slice(offsets[u], offsets[u + 1])
        m = _add_up(item[own], weight[own], neighbours, scratch, touched)
        for place in range(among[u], among[u + 1]):
            score[place] = scratch[wanted[place]]
        scratch[touched[:m]] = 0
    return score
