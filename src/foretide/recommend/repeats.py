"""What a user keeps coming back to: their own items, the recent occasions counting most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from numba import njit

from foretide.recommend.candidates import Candidates, best
from foretide.recommend.histories import DAY_US, Codes, Histories, Offsets, microseconds
from foretide.schema import Floats


@dataclass(frozen=True)
class Repeats:
    """Score items by the user's own occasions with them, each worth ``0.5 ** (age / half_life_days)``.

    Parameters
    ----------
    half_life_days
        Age after which an occasion counts half.
    n_candidates
        How many candidates a user gets.
    """

    half_life_days: float = 60.0
    n_candidates: int = 60

    def fit(self, histories: Histories, at: datetime) -> Self:  # noqa: ARG002 - nothing is common to all users
        """Return itself: users have their repeats to themselves."""
        return self

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Add up each user's occasions with each item."""
        known = histories.until(at)
        weight = 0.5 ** ((microseconds(at) - known.ts) / (self.half_life_days * DAY_US))
        if among is None:
            return Candidates(*_propose(known.offsets, known.item, weight, known.n_items, self.n_candidates))
        score = _score(known.offsets, known.item, weight, known.n_items, among.offsets, among.item)
        return among.scored(score)


@njit(cache=True, nogil=True)
def _propose(
    offsets: Offsets, item: Codes, weight: Floats, n_items: int, n: int
) -> tuple[Offsets, Codes, Floats]:
    total = np.zeros(n_items)
    kept = np.zeros(len(offsets), np.int64)
    out_item = np.empty(len(item), np.int32)
    out_score = np.empty(len(item))
    for u in range(len(offsets) - 1):
        own = item[offsets[u] : offsets[u + 1]]
        for place in range(offsets[u], offsets[u + 1]):
            total[item[place]] += weight[place]
        distinct = np.unique(own)
        score = total[distinct]
        chosen = best(score, distinct, n)
        kept[u + 1] = kept[u] + len(chosen)
        out_item[kept[u] : kept[u + 1]] = distinct[chosen]
        out_score[kept[u] : kept[u + 1]] = score[chosen]
        total[distinct] = 0
    return kept, out_item[: kept[-1]].copy(), out_score[: kept[-1]].copy()


@njit(cache=True, nogil=True)
def _score(
    offsets: Offsets, item: Codes, weight: Floats, n_items: int, among: Offsets, wanted: Codes
) -> Floats:
    total = np.zeros(n_items)
    score = np.empty(len(wanted))
    for u in range(len(offsets) - 1):
        for place in range(offsets[u], offsets[u + 1]):
            total[item[place]] += weight[place]
        for place in range(among[u], among[u + 1]):
            score[place] = total[wanted[place]]
        total[item[offsets[u] : offsets[u + 1]]] = 0
    return score
