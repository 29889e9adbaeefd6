"""What a user keeps coming back to: their own items, the recent occasions counting most.

Some items are taken again and again, others once in a lifetime; how often users come back to an item, learned
from everybody, tells a staple from a washing machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import numpy as np

from foretide.compiled import njit
from foretide.recommend.candidates import Candidates, best, recency
from foretide.recommend.histories import Codes, Histories, Offsets
from foretide.schema import Floats

#: Prior of the returns per user of an item: half a return of two users.
RETURNS_PRIOR, USERS_PRIOR = 0.5, 2.0


@dataclass(frozen=True)
class Repeats:
    """Score items by the user's own occasions with them, each worth ``0.5 ** (age / half_life_days)``.

    The sum is multiplied by ``returns ** returns_power``, where returns is how often a user of the item came
    back to it.

    Parameters
    ----------
    half_life_days
        Age after which an occasion counts half.
    returns_power
        How much the returns of an item count; 0 leaves the user's own occasions alone.
    n_candidates
        How many candidates a user gets.
    """

    half_life_days: float = 60.0
    returns_power: float = 0.3
    n_candidates: int = 60
    returns_: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)  # (n_items,)

    def fit(self, histories: Histories, at: datetime) -> Self:
        """Learn how often users come back to each item."""
        known = histories.until(at)
        occasions = np.bincount(known.item, minlength=known.n_items)
        users = _users(known.offsets, known.item, known.n_items)
        return replace(self, returns_=(occasions - users + RETURNS_PRIOR) / (users + USERS_PRIOR))

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Add up each user's occasions with each item."""
        known = histories.until(at)
        weight = recency(known.ts, at, self.half_life_days) * self.returns_[known.item] ** self.returns_power
        if among is None:
            return Candidates(*_propose(known.offsets, known.item, weight, known.n_items, self.n_candidates))
        score = _score(known.offsets, known.item, weight, known.n_items, among.offsets, among.item)
        return among.scored(score)


@njit
def _users(offsets: Offsets, item: Codes, n_items: int) -> Offsets:
    """Return the number of users of each item, ``(n_items,)``."""
    latest = np.full(n_items, -1)
    users = np.zeros(n_items, np.int64)
    for u in range(len(offsets) - 1):
        for i in item[offsets[u] : offsets[u + 1]]:
            users[i] += latest[i] != u
            latest[i] = u
    return users


@njit
def _propose(offsets: Offsets, item: Codes, weight: Floats, n_items: int, n: int) -> tuple[Offsets, Codes, Floats]:
    total = np.zeros(n_items)
    kept = np.zeros(len(offsets), np.int64)
    proposed = np.empty(len(item), np.int32)
    score = np.empty(len(item))
    for u in range(len(offsets) - 1):
        for place in range(offsets[u], offsets[u + 1]):
            total[item[place]] += weight[place]
        own = np.unique(item[offsets[u] : offsets[u + 1]])
        chosen = own[best(total[own], own, n)]
        kept[u + 1] = kept[u] + len(chosen)
        proposed[kept[u] : kept[u + 1]] = chosen
        score[kept[u] : kept[u + 1]] = total[chosen]
        total[own] = 0
    return kept, proposed[: kept[-1]].copy(), score[: kept[-1]].copy()


@njit
def _score(offsets: Offsets, item: Codes, weight: Floats, n_items: int, among: Offsets, wanted: Codes) -> Floats:
    total = np.zeros(n_items)
    score = np.empty(len(wanted))
    for u in range(len(offsets) - 1):
        for place in range(offsets[u], offsets[u + 1]):
            total[item[place]] += weight[place]
        score[among[u] : among[u + 1]] = total[wanted[among[u] : among[u + 1]]]
        total[item[offsets[u] : offsets[u + 1]]] = 0
    return score
