"""Why an item is shown: the evidence behind each part of a score, and the strongest of them in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import numpy as np
import polars as pl

from foretide.compiled import njit
from foretide.recommend.candidates import Candidates, Recommender
from foretide.recommend.histories import DAY_US, NO_CATEGORY, Codes, Histories, Offsets, microseconds
from foretide.recommend.item_knn import Neighbours, SeqItemKNN
from foretide.recommend.trend import Trend
from foretide.schema import Floats
from foretide.text import say

#: Growth from which an item is called rising rather than popular.
RISING = 0.1


def evidence(shown: Candidates, histories: Histories, at: datetime, sources: Mapping[str, Recommender]) -> pl.DataFrame:
    """Return what is known behind each item shown, a row each in the order of ``shown``.

    Returns
    -------
    polars.DataFrame
        ``times`` and ``days_since`` of the user's own occasions, ``after`` the user's item it is closest to,
        ``growth`` over the window before (0 is level), ``category``, and ``known``: whether the user has a
        history.
    """
    trend, neighbours = cast("Trend", sources["trend"]), cast("SeqItemKNN", sources["neighbours"])
    known = histories.until(at)
    times, last = _own(known.offsets, known.item, known.ts, shown.offsets, shown.item, known.n_items)
    memory, weight = neighbours.memory(known)
    after = _closest(memory.offsets, memory.item, weight, neighbours.neighbours_, shown.offsets, shown.item)
    kind = histories.category[shown.item]
    return pl.DataFrame(
        {
            "times": times,
            "days_since": _or_null(np.where(times > 0, (microseconds(at) - last) // DAY_US, -1)),
            "after": histories.items.gather(_or_null(after)),
            "growth": trend.growth_[shown.item] - 1,
            "category": histories.categories.gather(_or_null(kind)),
            "known": np.diff(known.offsets)[shown.user] > 0,
        }
    )


def in_words(row: Mapping[str, Any]) -> str:
    """Return the reason of an item shown: the largest part of its score, told with its evidence.

    Parameters
    ----------
    row
        The parts ``repeats``, ``trend``, ``neighbours``, ``interests`` and the columns of ``evidence``.
    """
    if not row["known"]:
        return say("recommend.reason.unknown")
    part = max(("repeats", "trend", "neighbours", "interests"), key=lambda name: row[name])
    if part == "repeats" and row["times"]:
        key = "once" if row["times"] == 1 else "again"
        return say(f"recommend.reason.{key}", times=row["times"], ago=_ago(row["days_since"]))
    if part == "neighbours" and row["after"] is not None:
        return say("recommend.reason.after", item=row["after"])
    if part == "interests":
        return say("recommend.reason.interest", category=row["category"])
    if row["growth"] >= RISING:
        return say("recommend.reason.rising", growth=row["growth"])
    return say("recommend.reason.popular")


def _ago(days: int) -> str:
    """Return whole days before now in words."""
    return say(f"recommend.ago.{('today', 'day')[days]}" if days < 2 else "recommend.ago.days", days=days)


def _or_null(numbers: Codes | Offsets) -> pl.Series:
    """Return the numbers with null for the negative ones."""
    whole = pl.Series(numbers, dtype=pl.Int64)
    return whole.set(whole < 0, None)


@njit
def _own(
    offsets: Offsets, item: Codes, ts: Offsets, shown: Offsets, wanted: Codes, n_items: int
) -> tuple[Offsets, Offsets]:
    """Return how often each item shown was chosen by its user, and when last."""
    times, last = np.zeros(n_items, np.int64), np.zeros(n_items, np.int64)
    out_times, out_last = np.empty(len(wanted), np.int64), np.empty(len(wanted), np.int64)
    for u in range(len(offsets) - 1):
        for place in range(offsets[u], offsets[u + 1]):
            times[item[place]] += 1
            last[item[place]] = ts[place]
        mine = wanted[shown[u] : shown[u + 1]]
        out_times[shown[u] : shown[u + 1]] = times[mine]
        out_last[shown[u] : shown[u + 1]] = last[mine]
        times[item[offsets[u] : offsets[u + 1]]] = 0
    return out_times, out_last


@njit
def _closest(
    offsets: Offsets, item: Codes, weight: Floats, neighbours: Neighbours, shown: Offsets, wanted: Codes
) -> Codes:
    """Return the user's item that says most for each item shown, NO_CATEGORY where none does."""
    starts, neighbour, similarity = neighbours
    n_items = len(starts) - 1
    most, source = np.zeros(n_items), np.full(n_items, NO_CATEGORY, np.int32)
    out = np.empty(len(wanted), np.int32)
    for u in range(len(offsets) - 1):
        for place in range(offsets[u], offsets[u + 1]):
            for pair in range(starts[item[place]], starts[item[place] + 1]):
                b = neighbour[pair]
                if weight[place] * similarity[pair] > most[b]:
                    most[b], source[b] = weight[place] * similarity[pair], item[place]
        out[shown[u] : shown[u + 1]] = source[wanted[shown[u] : shown[u + 1]]]
        for place in range(offsets[u], offsets[u + 1]):
            for pair in range(starts[item[place]], starts[item[place] + 1]):
                most[neighbour[pair]], source[neighbour[pair]] = 0, NO_CATEGORY
    return out
