"""What everybody is taking now: popularity that forgets, lifted where it grows and lowered where it fades."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.recommend.candidates import Candidates, recency
from foretide.recommend.histories import Codes, Histories, Offsets, item_counts
from foretide.schema import Floats

#: Occasions added to both windows before their ratio is taken: growth from 1 to 3 is not news.
GROWTH_PRIOR = 5.0


@dataclass(frozen=True)
class Trend:
    """Score items by how often anybody takes them lately, the same for every user.

    The score is ``popularity * growth ** growth_power``, where popularity is the sum of
    ``0.5 ** (age / half_life_days)`` over all occasions and growth compares the last window with the one
    before. What it proposes is new to the user; a user's own items are for ``Repeats`` to propose.

    Parameters
    ----------
    half_life_days
        Age after which an occasion counts half.
    window_days
        Length of the two windows that growth compares.
    growth_power
        How much growth counts; 0 leaves popularity alone.
    n_candidates
        How many candidates a user gets.
    """

    half_life_days: float = 3.0
    window_days: float = 7.0
    growth_power: float = 0.5
    n_candidates: int = 50
    level_: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)  # (n_items,)
    growth_: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)  # (n_items,) 1 is level

    def fit(self, histories: Histories, at: datetime) -> Self:
        """Count what everybody took."""
        known = histories.until(at)
        weight = recency(known.ts, at, self.half_life_days)
        popularity = np.bincount(known.item, weight, known.n_items)
        window = timedelta(days=self.window_days)
        now = item_counts(known.since(at - window))
        before = item_counts(known.since(at - 2 * window).until(at - window))
        growth = (now + GROWTH_PRIOR) / (before + GROWTH_PRIOR)
        return replace(self, level_=popularity * growth**self.growth_power, growth_=growth)

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Score the items at the top that are new to each user."""
        if among is not None:
            return among.scored(self.level_[among.item])
        known = histories.until(at)
        order = np.argsort(-self.level_, kind="stable")  # of equals the smaller item
        offsets, item = _first_new(known.offsets, known.item, order, self.n_candidates)
        return Candidates(offsets, item, self.level_[item])


@njit
def _first_new(offsets: Offsets, item: Codes, order: NDArray[np.int64], n: int) -> tuple[Offsets, Codes]:
    """Return for each user the first ``n`` items of ``order`` that the user has not had."""
    had = np.zeros(len(order), np.bool_)
    kept = np.zeros(len(offsets), np.int64)
    proposed = np.empty((len(offsets) - 1) * min(n, len(order)), np.int32)
    for u in range(len(offsets) - 1):
        own = item[offsets[u] : offsets[u + 1]]
        had[own] = True
        end = kept[u]
        for candidate in order:
            if end - kept[u] == n:
                break
            if not had[candidate]:
                proposed[end] = candidate
                end += 1
        had[own] = False
        proposed[kept[u] : end] = np.sort(proposed[kept[u] : end])
        kept[u + 1] = end
    return kept, proposed[: kept[-1]].copy()
