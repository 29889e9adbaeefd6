"""Whether a user will take an own item again soon: a chance, learned from what everybody did in the last weeks.

Decayed counts (``Repeats``) say how much a user likes an item, but not that milk is due and that last week's
rice will last. Boosted trees learn that from the user's rhythm with the item, the item's own nature and how
often the user comes at all.

References
----------
.. [1] Bhagat, R., Muralidharan, S., Lobzhanidze, A. and Vishwanath, S. "Buy it again: modeling repeat purchase
   recommendations." KDD 2018: 62-70.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretide.recommend.candidates import Candidates, contains, pairs, recency
from foretide.recommend.histories import DAY_US, Codes, Histories, Offsets, active, microseconds, spread
from foretide.recommend.item_knn import baskets
from foretide.recommend.repeats import Repeats
from foretide.schema import Floats

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

#: Fewer own items taken again than this, and the trees have nothing to learn from.
MIN_RETURNED = 300
#: Half-life of an item's popularity, and of the user's recent occasions, in days.
RECENT_DAYS = 14.0


@dataclass(frozen=True)
class Returns:
    """Score a user's own items by the chance that the user takes them in the next days.

    Parameters
    ----------
    horizon_days
        Days in which an item counts as taken again.
    n_cuts
        How many past horizons are learned from, one before the other.
    max_users
        How many users are learned from.
    n_trees, learning_rate, max_leaf_nodes, l2_regularization
        Of the boosted trees.
    n_candidates
        How many candidates a user gets: the best of ``Repeats``, which also scores where there is too little to
        learn from.
    """

    horizon_days: float = 7.0
    n_cuts: int = 2
    max_users: int = 1000
    n_trees: int = 60
    learning_rate: float = 0.12
    max_leaf_nodes: int = 15
    l2_regularization: float = 5.0
    n_candidates: int = 60
    repeats_: Repeats = field(default_factory=Repeats, repr=False, compare=False)
    popularity_: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)  # (n_items,)
    trees_: HistGradientBoostingClassifier | None = field(default=None, repr=False, compare=False)

    def fit(self, histories: Histories, at: datetime) -> Self:
        """Learn from the last horizons before ``at`` which own items users took again."""
        cuts = [at - timedelta(days=self.horizon_days * back) for back in range(1, self.n_cuts + 1)]
        seen, again = zip(*(self._examples(histories, cut) for cut in cuts), strict=True)
        taken = np.concatenate(again)
        trees = self._trees(np.concatenate(seen), taken) if taken.sum() >= MIN_RETURNED else None
        return replace(self._known(histories, at), trees_=trees)

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Return the chance of each user's own items; zero for items the user has not had."""
        found = self.repeats_.score(histories, at, among)
        if self.trees_ is None or not len(found.item):
            return found
        chance = self.trees_.predict_proba(self._features(histories.until(at), at, found))[:, 1]
        return found.scored(np.where(found.score > 0, chance, 0.0))

    def _known(self, histories: Histories, at: datetime) -> Self:
        """Return itself with what is known of the items at a moment."""
        known = histories.until(at)
        repeats = Repeats(n_candidates=self.n_candidates).fit(known, at)
        popularity = np.bincount(known.item, recency(known.ts, at, RECENT_DAYS), known.n_items)
        return replace(self, repeats_=repeats, popularity_=popularity / max(known.n_users, 1))

    def _examples(self, histories: Histories, cut: datetime) -> tuple[Floats, NDArray[np.bool_]]:
        """Return features of users' own items at a cut, and whether they were taken in the horizon."""
        then = self._known(histories, cut)
        horizon = histories.since(cut).until(cut + timedelta(days=self.horizon_days))
        users = histories.users.gather(spread(active(histories.until(cut), horizon), self.max_users))
        own = then.repeats_.score(histories.of(users), cut)
        taken = contains(own, pairs(horizon.of(users)), histories.n_items)
        return then._features(histories.of(users).until(cut), cut, own), taken

    def _trees(self, features: Floats, taken: NDArray[np.bool_]) -> HistGradientBoostingClassifier:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=self.n_trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            l2_regularization=self.l2_regularization,
            early_stopping=False,
            random_state=0,
        ).fit(features, taken)

    def _features(self, known: Histories, at: datetime, own: Candidates) -> Floats:
        """Return ``(n_candidates, n_features)``: the user's rhythm with the item, the item, the user."""
        recent = recency(known.ts, at, RECENT_DAYS)
        lasting = recency(known.ts, at, self.repeats_.half_life_days)
        age = (microseconds(at) - known.ts) / DAY_US
        times, recent, lasting, first, last = _rhythm(
            known.offsets, known.item, age, recent, lasting, own.offsets, own.item, known.n_items
        )
        gap = np.where(times > 1, (first - last) / np.maximum(times - 1, 1), np.nan)
        number = np.append(baskets(known.offsets, known.ts), 0)
        n_baskets = (number[known.offsets[1:] - 1] - number[known.offsets[:-1] - 1])[own.user]
        return np.column_stack(
            [
                times, recent, lasting, last, gap, last / (gap + 1),
                self.repeats_.returns_[own.item], self.popularity_[own.item],
                n_baskets, times / np.maximum(n_baskets, 1),
            ]
        ).astype(np.float32)  # fmt: skip


@njit(cache=True, nogil=True)
def _rhythm(
    offsets: Offsets,
    item: Codes,
    age: Floats,
    recent: Floats,
    lasting: Floats,
    own: Offsets,
    wanted: Codes,
    n_items: int,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return per candidate: occasions, their decayed sums, and the ages of the first and the last."""
    table = np.zeros((5, n_items))
    out = np.empty((5, len(wanted)))
    for u in range(len(offsets) - 1):
        for place in range(offsets[u], offsets[u + 1]):
            i = item[place]
            if table[0, i] == 0:
                table[3, i] = age[place]
            table[0, i] += 1
            table[1, i] += recent[place]
            table[2, i] += lasting[place]
            table[4, i] = age[place]
        for place in range(own[u], own[u + 1]):
            out[:, place] = table[:, wanted[place]]
        for place in range(offsets[u], offsets[u + 1]):
            table[:, item[place]] = 0
    return out[0], out[1], out[2], out[3], out[4]
