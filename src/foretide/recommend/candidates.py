"""Items that might be shown to each user, with a score: few per user out of many items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.recommend.histories import DAY_US, Codes, Histories, Offsets, microseconds
from foretide.schema import Floats


@dataclass(frozen=True)
class Candidates:
    """Scored items of users: those of user ``u`` are ``item[offsets[u]:offsets[u + 1]]``, sorted by item."""

    offsets: Offsets  # (n_users + 1,)
    item: Codes  # (n_candidates,)
    score: Floats  # (n_candidates,) larger is better, zero says nothing for the item

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.offsets) - 1

    @property
    def user(self) -> Codes:
        """Code of the user of each candidate, ``(n_candidates,)``."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.offsets))

    def keep(self, mask: NDArray[np.bool_]) -> Candidates:
        """Return the candidates where ``mask`` holds."""
        before = np.concatenate([[0], np.cumsum(mask)])
        return Candidates(before[self.offsets], self.item[mask], self.score[mask])

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """Return the candidates at these places, which go from user to user; within a user in any order."""
        counts = np.bincount(self.user[places], minlength=self.n_users)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Candidates(offsets, self.item[places], self.score[places])

    def scored(self, score: Floats) -> Candidates:
        """Return the same candidates with other scores."""
        return replace(self, score=score)


class Recommender(Protocol):
    """One source of candidates. It learns from everybody's histories and scores for any user's.

    Both methods use only what is before ``at``.
    """

    def fit(self, histories: Histories, at: datetime) -> Self:
        """Learn what is common to all users; return the recommender that has."""
        ...

    def score(self, histories: Histories, at: datetime, among: Candidates | None = None) -> Candidates:
        """Score the best candidates of each user, or exactly those of ``among``."""
        ...


def recency(ts: NDArray[np.int64], at: datetime, half_life_days: float) -> Floats:
    """Return what occasions still weigh at a moment: ``0.5 ** (age / half_life_days)``."""
    return np.asarray(0.5 ** ((microseconds(at) - ts) / (half_life_days * DAY_US)))


def pairs(histories: Histories) -> Candidates:
    """Return what each user has had, each item once, with score zero."""
    return union([Candidates(histories.offsets, histories.item, np.empty(0))], histories.n_items)


def union(sources: Sequence[Candidates], n_items: int) -> Candidates:
    """Return every pair of user and item that a source has, with score zero."""
    keys = np.unique(np.concatenate([_keys(source, n_items) for source in sources]))
    counts = np.bincount(keys // n_items, minlength=sources[0].n_users)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Candidates(offsets, (keys % n_items).astype(np.int32), np.zeros(len(keys)))


def contains(pairs: Candidates, other: Candidates, n_items: int) -> NDArray[np.bool_]:
    """Tell for each of ``pairs`` whether ``other`` has it, ``(n_candidates,)``."""
    return np.isin(_keys(pairs, n_items), _keys(other, n_items), assume_unique=True)


def _keys(pairs: Candidates, n_items: int) -> NDArray[np.int64]:
    return pairs.user.astype(np.int64) * n_items + pairs.item


@njit
def best(score: Floats, item: Codes, n: int) -> NDArray[np.int64]:
    """Return the places of the ``n`` best positive scores in the order of items; of equals the smaller item.

    Parameters
    ----------
    score
        ``(n_candidates,)``.
    item
        ``(n_candidates,)``, no item twice.
    n
        How many at most.
    """
    places = np.flatnonzero(score > 0)
    if len(places) > n:
        # equal scores at the edge are settled by the item, so the order of candidates does not matter
        edge = nth_largest(score[places], n)
        above = places[score[places] > edge]
        level = places[score[places] == edge]
        level = level[np.argsort(item[level])][: n - len(above)]
        places = np.concatenate((above, level))
    return places[np.argsort(item[places])]


@njit
def nth_largest(values: Floats, n: int) -> float:
    """Return the n-th largest value, n at least 1; the values are put in another order.

    As ``numpy.partition``, which numba takes ten times as long to compile.

    References
    ----------
    Hoare (1961), Algorithm 65: find, Communications of the ACM 4.
    """
    low, high, at = 0, len(values) - 1, len(values) - n
    while low < high:
        pivot, i, j = values[at], low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i, j = i + 1, j - 1
        low, high = (i if j < at else low), (j if at < i else high)
    return values[at]
