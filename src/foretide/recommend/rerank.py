"""Put candidates in the order in which they are shown, in the light of where a user's interests are heading.

Items of a category whose share in the user's interests is expected to rise are lifted. And a list of ten things
of one kind is a poor list: each item picked from a category lowers the next ones from it a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.recommend.candidates import Candidates
from foretide.recommend.histories import NO_CATEGORY, Codes, Histories, Offsets
from foretide.schema import Floats

#: Power of expected share over present share by which a score is multiplied; 0 leaves interests out.
INTEREST_STRENGTH = 0.2
#: No category is lifted by more than this factor.
MAX_LIFT = 1.5
#: Part of the score that an item loses for each item of its category above it; 0 leaves diversity out.
DIVERSITY_STRENGTH = 0.02
#: How many candidates for each place the picking looks at.
POOL = 5


@dataclass(frozen=True)
class Picked:
    """Lists to show, user by user and best first: ``place`` points into the candidates."""

    place: NDArray[np.int64]  # (n_shown,)
    score: Floats  # (n_shown,) after diversity; it never rises down a list
    rank: Codes  # (n_shown,) from 1


def interest_lift(
    candidates: Candidates,
    histories: Histories,
    interests: pl.DataFrame | None,
    strength: float = INTEREST_STRENGTH,
) -> Floats:
    """Return the factor by which each candidate is lifted because its category is expected to rise.

    Parameters
    ----------
    candidates
        Of the users of ``histories``.
    histories
        They name users and categories.
    interests
        ``user_id, category, share_now, share_expected``; what is not in it keeps its score.
    strength
        Power of the ratio of the shares.

    Returns
    -------
    Array
        ``(n_candidates,)``, from 1 (nothing is known, or no rise) to ``MAX_LIFT``.
    """
    lift = np.ones(len(candidates.item))
    if interests is None or strength == 0:
        return lift
    changes = _changes(histories, interests)
    category = histories.category[candidates.item].astype(np.int64)
    wanted = candidates.user * np.int64(histories.categories.len()) + category
    place = np.searchsorted(changes["cell"], wanted).clip(max=max(changes.height - 1, 0))
    found = category != NO_CATEGORY
    if changes.height:
        found &= changes["cell"].to_numpy()[place] == wanted
        lift[found] = changes["change"].to_numpy()[place[found]] ** strength
    return lift.clip(1.0, MAX_LIFT)  # what fades has faded from the user's own repeats already


def _changes(histories: Histories, interests: pl.DataFrame) -> pl.DataFrame:
    """Return expected over present share by cell, ``user * n_categories + category``, sorted by cell."""
    users = pl.DataFrame({"user_id": histories.users}).with_row_index("user")
    names = pl.DataFrame({"category": histories.categories}).with_row_index("kind")
    cell = pl.col("user").cast(pl.Int64) * names.height + pl.col("kind")
    return (
        interests.filter(pl.col("share_now") > 0)
        .join(users, on="user_id")
        .join(names, on="category")
        .select(cell=cell, change=pl.col("share_expected") / pl.col("share_now"))
        .sort("cell")
    )


def pick(candidates: Candidates, priority: Codes, category: Codes, k: int, diversity: float) -> Picked:
    """Choose ``k`` items for each user.

    Parameters
    ----------
    candidates
        With their scores.
    priority
        ``(n_items,)``: of equal scores the item with the smaller number comes first.
    category
        ``(n_items,)``; items without one are not alike.
    k
        Length of a list; shorter where there are fewer candidates.
    diversity
        Part of the score lost for each item of the category above.
    """
    order = np.lexsort((priority[candidates.item], -candidates.score, candidates.user))
    kinds = category[candidates.item]
    place, score, counts = _pick(candidates.offsets, order, candidates.score, kinds, k, POOL * k, 1 - diversity)
    rank = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return Picked(place, score, rank.astype(np.int32))


@njit
def _pick(
    offsets: Offsets, order: NDArray[np.int64], score: Floats, kinds: Codes, k: int, pool: int, keep: float
) -> tuple[NDArray[np.int64], Floats, Offsets]:
    """Take the best left again and again, its like then counting ``keep`` times as much."""
    n_users = len(offsets) - 1
    sizes = np.minimum(np.diff(offsets), k)
    place = np.empty(sizes.sum(), np.int64)
    shown = np.empty(len(place))
    end = 0
    for u in range(n_users):
        left = order[offsets[u] : min(offsets[u + 1], offsets[u] + pool)].copy()
        current = score[left]
        for _ in range(sizes[u]):
            first = np.argmax(current)  # of equals the first in order
            place[end], shown[end] = left[first], current[first]
            end += 1
            current[first] = -np.inf
            kind = kinds[place[end - 1]]
            if kind != NO_CATEGORY:
                current[kinds[left] == kind] *= keep
    return place, shown, sizes
