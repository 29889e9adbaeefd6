"""How much each source of candidates counts, learned from what users did next.

In groceries people come back to their own items, with films never: no constant fits both. So the sources are
fitted as of some days ago, scored for users who were active since, and the weights are taken that would have
ranked best what those users then did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.recommend.candidates import Candidates, Recommender, contains, pairs, union
from foretide.recommend.histories import Histories, Offsets, active, spread
from foretide.schema import Floats

#: Days after the cut in which users are watched; the first with enough users is taken.
HORIZONS_DAYS = (7, 28)
MIN_USERS, MAX_USERS = 50, 1000
#: Every combination of these with at least one 1 is tried; the mean of the best few is less of an accident.
WEIGHT_GRID = (0.0, 0.02, 0.05, 0.1, 0.3, 1.0)
N_BEST = 3
#: Where too few users can be watched. A source that is not named counts as the least of these.
DEFAULT_WEIGHTS: Mapping[str, float] = {"repeats": 1.0, "trend": 0.1, "neighbours": 0.02}
#: Length of the list that is judged.
K = 10


@dataclass(frozen=True)
class Blend:
    """Sources, each fitted, and what one unit of their scores counts."""

    sources: Mapping[str, Recommender]
    weights: Floats  # (n_sources,) adding to one
    scale: Floats  # (n_sources,) score of the average user's best candidate
    learned: bool  # false if the default weights had to do

    def refit(self, histories: Histories, at: datetime) -> Blend:
        """Return the same weights over sources fitted at another moment."""
        return Blend(fit(self.sources, histories, at), self.weights, self.scale, self.learned)

    def score(self, histories: Histories, at: datetime, repeats: bool) -> tuple[Candidates, Floats]:
        """Return candidates with their score, and its parts by source, ``(n_candidates, n_sources)``."""
        found, scores = gather(self.sources, histories, at, repeats)
        parts = scores * (self.weights / self.scale)
        return found.scored(parts.sum(axis=1)), parts


def fit(sources: Mapping[str, Recommender], histories: Histories, at: datetime) -> dict[str, Recommender]:
    """Fit each source on what was known at a moment."""
    return {name: source.fit(histories, at) for name, source in sources.items()}


def gather(
    sources: Mapping[str, Recommender], histories: Histories, at: datetime, repeats: bool
) -> tuple[Candidates, Floats]:
    """Return the candidates of all sources and each source's scores, ``(n_candidates, n_sources)``."""
    found = union([source.score(histories, at) for source in sources.values()], histories.n_items)
    if not repeats:
        found = found.keep(~contains(found, pairs(histories.until(at)), histories.n_items))
    return found, np.column_stack([source.score(histories, at, found).score for source in sources.values()])


def learn(sources: Mapping[str, Recommender], histories: Histories, at: datetime, repeats: bool) -> Blend:
    """Choose the weights by what users did in the last days before ``at``.

    Parameters
    ----------
    sources
        Recommenders by name; they are fitted here.
    histories
        Of all users.
    at
        Nothing from then on is looked at.
    repeats
        Whether items that a user has had may be shown.

    Returns
    -------
    Blend
        The sources as they were fitted at the cut; ``refit`` brings them up to date.
    """
    known = histories.until(at)
    for horizon_days in HORIZONS_DAYS:
        cut = at - timedelta(days=horizon_days)
        users = spread(active(known.until(cut), known.since(cut)), MAX_USERS)
        if len(users) >= MIN_USERS:
            return _learn(fit(sources, known, cut), known.of(known.users.gather(users)), cut, repeats)
    fitted = fit(sources, known, at)
    sample = known.of(known.users.gather(spread(np.arange(known.n_users, dtype=np.int32), MAX_USERS)))
    _, scores = gather(fitted, sample, at, repeats)
    return Blend(fitted, _default(fitted), _scale(scores), learned=False)


def _default(sources: Mapping[str, Recommender]) -> Floats:
    weights = np.array([DEFAULT_WEIGHTS.get(name, min(DEFAULT_WEIGHTS.values())) for name in sources])
    return weights / weights.sum()


def _learn(fitted: Mapping[str, Recommender], watched: Histories, cut: datetime, repeats: bool) -> Blend:
    found, scores = gather(fitted, watched, cut, repeats)
    wanted = pairs(watched.since(cut))
    if not repeats:
        wanted = wanted.keep(~contains(wanted, pairs(watched.until(cut)), watched.n_items))
    relevant = contains(found, wanted, watched.n_items)
    scale = _scale(scores)
    tried = [np.array(w) for w in product(WEIGHT_GRID, repeat=len(fitted)) if max(w) == 1]
    ideal = ideal_gain(np.diff(wanted.offsets))
    merit = [_gain(found.offsets, (scores / scale) @ w, relevant, K) @ ideal for w in tried]
    shares = np.array(tried) / np.sum(tried, axis=1, keepdims=True)
    usual = -np.abs(shares - _default(fitted)).sum(axis=1)
    best = np.lexsort((usual, np.round(merit, 9)))[-N_BEST:]  # of equals those nearest to the default
    weights = shares[best].mean(axis=0)
    return Blend(fitted, weights, scale, learned=True)


def _scale(scores: Floats) -> Floats:
    """Return the 99th percentile of the positive scores of each source, 1 where it has none."""
    return np.array([np.quantile(s[s > 0], 0.99) if (s > 0).any() else 1.0 for s in scores.T])


def ideal_gain(n_relevant: Offsets) -> Floats:
    """Return one over the gain of a perfect list of ``K``, 0 where nothing is relevant, ``(n_users,)``."""
    best = np.concatenate([[np.inf], np.cumsum(1 / np.log2(np.arange(2, K + 2)))])
    return np.asarray(1 / best[np.minimum(n_relevant, K)])


@njit
def _gain(offsets: Offsets, score: Floats, relevant: NDArray[np.bool_], k: int) -> Floats:
    """Return the discounted gain of each user's first ``k``; of equal scores the smaller item comes first."""
    gain = np.zeros(len(offsets) - 1)
    first = np.empty(k, np.int64)
    for u in range(len(gain)):
        n = 0
        for place in range(offsets[u], offsets[u + 1]):
            rank = n
            while rank > 0 and score[first[rank - 1]] < score[place]:
                rank -= 1
            if rank < k:
                n = min(n + 1, k)
                first[rank + 1 : n] = first[rank : n - 1].copy()
                first[rank] = place
        for rank in range(n):
            if relevant[first[rank]]:
                gain[u] += 1 / np.log2(rank + 2)
    return gain
