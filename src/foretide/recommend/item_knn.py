"""What goes with what: items that users take together or soon after one another.

Item b is a neighbour of item a if users who take a take b in the same basket or soon after. Closeness counts
baskets: in the same 1, in the next 1/2, then 1/3; pairs of long ago count less. What a collects for b is
divided by how much a is taken (so it reads as a share of the occasions of a), and a little by how much b is
taken, so that what everybody takes is not everybody's first neighbour.

References
----------
.. [1] Ludewig, M. and Jannach, D. "Evaluation of session-based recommendation algorithms." User Modeling and
   User-Adapted Interaction 28 (2018): 331-390.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.recommend.candidates import Candidates, best, recency
from foretide.recommend.histories import Codes, Histories, Offsets
from foretide.schema import Floats

Neighbours = tuple[Offsets, Codes, Floats]
"""Offsets ``(n_items + 1,)``, neighbours ``(n_pairs,)`` and their similarities ``(n_pairs,)``."""

#: After so many halvings an occasion weighs a thousandth, and is left out.
HALVINGS = 10
#: Pairs are sparser and their recent ones enough: older than this many half-lives they are not read.
PAIR_HALF_LIVES = 4


@dataclass(frozen=True)
class SeqItemKNN:
    """Score items by how close they stand to what a user has taken, the last baskets first.

    Parameters
    ----------
    window
        How many occasions before and after an item are looked at.
    half_life_days
        Age after which a pair counts half.
    shrink
        Occasions added to those of an item, against neighbours that are there by chance.
    discount
        Power of an item's occasions by which it is marked down as a neighbour; 0.5 is near a cosine.
    n_neighbours
        How many neighbours an item keeps.
    memory_baskets
        In how many baskets the weight of a user's basket halves.
    n_candidates
        How many candidates a user gets.
    """

    window: int = 10
    half_life_days: float = 45.0
    shrink: float = 5.0
    discount: float = 0.1
    n_neighbours: int = 20
    memory_baskets: float = 2.0
    n_candidates: int = 50
    neighbours_: Neighbours = field(
        default=(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0)), repr=False, compare=False
    )

    def fit(self, histories: Histories, at: datetime) -> Self:
        """Find the neighbours of each item."""
        begin = at - timedelta(days=PAIR_HALF_LIVES * self.half_life_days)
        known = histories.until(at).since(begin)
        weight = recency(known.ts, at, self.half_life_days)
        taken = np.bincount(known.item, weight, known.n_items)
        order = np.argsort(known.item, kind="stable")
        starts = np.searchsorted(known.item[order], np.arange(known.n_items + 1))
        found = _neighbours(
            known.item,
            known.user,
            baskets(known.offsets, known.ts),
            weight,
            order,
            starts,
            1 / (taken + self.shrink),
            np.maximum(taken, 1.0) ** -self.discount,
            self.window,
            self.n_neighbours,
        )
        return replace(self, neighbours_=found)

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Add up the neighbours of what each user has taken."""
        known, weight = self.memory(histories.until(at))
        if among is None:
            return Candidates(*_propose(known.offsets, known.item, weight, self.neighbours_, self.n_candidates))
        score = _score(known.offsets, known.item, weight, self.neighbours_, among.offsets, among.item)
        return among.scored(score)

    def memory(self, known: Histories) -> tuple[Histories, Floats]:
        """Return the last baskets of each user and what an occasion in them weighs."""
        number = baskets(known.offsets, known.ts)
        last = np.repeat(number[known.offsets[1:] - 1], np.diff(known.offsets)) if len(number) else number
        halvings = (last - number) / self.memory_baskets
        recent = halvings < HALVINGS
        return known.keep(recent), 0.5 ** halvings[recent]


def baskets(offsets: Offsets, ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each occasion's basket; it rises where the user or the instant changes."""
    fresh = np.ones(len(ts), bool)
    fresh[1:] = ts[1:] != ts[:-1]
    fresh[offsets[:-1][offsets[:-1] < len(ts)]] = True
    return np.cumsum(fresh)


@njit
def _neighbours(
    item: Codes,
    user: Codes,
    basket: NDArray[np.int64],
    weight: Floats,
    order: NDArray[np.int64],  # (n_occasions,) places of item 0, of item 1 ...
    starts: NDArray[np.int64],  # (n_items + 1,) into order
    per_taken: Floats,
    marked_down: Floats,
    window: int,
    n: int,
) -> Neighbours:
    n_items = len(per_taken)
    closeness = np.zeros(n_items)
    touched = np.empty(n_items, np.int32)
    offsets = np.zeros(n_items + 1, np.int64)
    neighbour = np.empty(min(n_items * n, 2 * window * len(item)), np.int32)
    similarity = np.empty(len(neighbour))
    for a in range(n_items):
        m = 0
        for place in order[starts[a] : starts[a + 1]]:
            m = _add_around(place, item, user, basket, weight[place], window, closeness, touched, m)
        near = touched[:m]
        score = closeness[near] * marked_down[near] * per_taken[a]
        closeness[near] = 0
        chosen = best(score, near, n)
        offsets[a + 1] = offsets[a] + len(chosen)
        neighbour[offsets[a] : offsets[a + 1]] = near[chosen]
        similarity[offsets[a] : offsets[a + 1]] = score[chosen]
    return offsets, neighbour[: offsets[-1]].copy(), similarity[: offsets[-1]].copy()


@njit
def _add_around(
    place: int,
    item: Codes,
    user: Codes,
    basket: NDArray[np.int64],
    weight: float,
    window: int,
    closeness: Floats,
    touched: Codes,
    m: int,
) -> int:
    """Add what stands in the same basket as ``place`` or after it; return the number of items touched."""
    for other in range(max(place - window, 0), min(place + window + 1, len(item))):
        later = basket[other] - basket[place]
        if later < 0 or user[other] != user[place] or item[other] == item[place]:
            continue
        if closeness[item[other]] == 0:
            touched[m] = item[other]
            m += 1
        closeness[item[other]] += weight / (1 + later)
    return m


@njit
def _add_up(item: Codes, weight: Floats, neighbours: Neighbours, score: Floats, touched: Codes) -> int:
    """Add the neighbours of one user's items to ``score``; return the number of items touched."""
    offsets, neighbour, similarity = neighbours
    m = 0
    for place in range(len(item)):
        for pair in range(offsets[item[place]], offsets[item[place] + 1]):
            b = neighbour[pair]
            if score[b] == 0:
                touched[m] = b
                m += 1
            score[b] += weight[place] * similarity[pair]
    return m


@njit
def _propose(offsets: Offsets, item: Codes, weight: Floats, neighbours: Neighbours, n: int) -> Neighbours:
    n_items = len(neighbours[0]) - 1
    score, touched = np.zeros(n_items), np.empty(n_items, np.int32)
    kept = np.zeros(len(offsets), np.int64)
    proposed = np.empty((len(offsets) - 1) * min(n, n_items), np.int32)
    proposed_score = np.empty(len(proposed))
    for u in range(len(offsets) - 1):
        own = slice(offsets[u], offsets[u + 1])
        near = touched[: _add_up(item[own], weight[own], neighbours, score, touched)]
        chosen = near[best(score[near], near, n)]
        kept[u + 1] = kept[u] + len(chosen)
        proposed[kept[u] : kept[u + 1]] = chosen
        proposed_score[kept[u] : kept[u + 1]] = score[chosen]
        score[near] = 0
    return kept, proposed[: kept[-1]].copy(), proposed_score[: kept[-1]].copy()


@njit
def _score(
    offsets: Offsets, item: Codes, weight: Floats, neighbours: Neighbours, among: Offsets, wanted: Codes
) -> Floats:
    n_items = len(neighbours[0]) - 1
    score, touched = np.zeros(n_items), np.empty(n_items, np.int32)
    out = np.empty(len(wanted))
    for u in range(len(offsets) - 1):
        own = slice(offsets[u], offsets[u + 1])
        near = touched[: _add_up(item[own], weight[own], neighbours, score, touched)]
        out[among[u] : among[u + 1]] = score[wanted[among[u] : among[u + 1]]]
        score[near] = 0
    return out
