"""What users are interested in: categories decayed by age, how many of them, how much is new.

The piece of the fold keeps a count and a decayed weight for each category of a user (``tallies``). Weights grow
with time instead of shrinking: an event weighs ``2 ** (its age at the user's first event / half-life)``, so that
nothing has to be touched when time passes, and the order of events does not matter.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.events.records import Buckets
from foretide.features.clock import DAY_US
from foretide.features.diversity import RAREFIED_EVENTS, hill, rarefied
from foretide.features.lifecycle import State
from foretide.features.tallies import EMPTY, Slots, find

HALF_LIFE_DAYS = 28.0
#: Weight of the population's mix, in decayed events.
KAPPA = 5.0
#: Weights are scaled down before they exceed 2 to this power (20 years after the first event); a square still fits.
LARGEST_EXPONENT = 256.0

INTERESTS = np.dtype([("anchor", "i8"), ("n_events", "u4"), ("n_categories", "u4"), ("firsts", "f8"), ("total", "f8")])

FEATURES = (
    "categories",
    "categories_hill_1",
    "categories_hill_2",
    f"categories_hill_0_of_{RAREFIED_EVENTS}",
    f"categories_hill_1_of_{RAREFIED_EVENTS}",
    f"categories_hill_2_of_{RAREFIED_EVENTS}",
    "top_category_share",
    "new_category_share",
    "new_category_expected",
)

Floats = NDArray[np.float64]


@njit
def update(state: State, slots: Slots, ts: int, category: int) -> None:
    """Take in an event of a category (a code, ``EMPTY`` for none)."""
    if category == EMPTY:
        return
    if state.n_events == 0:
        state.anchor = ts
    exponent = (ts - state.anchor) / (HALF_LIFE_DAYS * DAY_US)
    while exponent > LARGEST_EXPONENT:
        _scale_down(state, slots)
        exponent -= LARGEST_EXPONENT
    weight = np.exp2(exponent)
    i = find(slots, category)
    if slots[i].category == EMPTY:
        slots[i].category = category
        state.n_categories += np.uint32(1)
        state.firsts += weight
    slots[i].n += np.uint32(1)
    slots[i].weight += weight
    state.total += weight
    state.n_events += np.uint32(1)


@njit
def _scale_down(state: State, slots: Slots) -> None:
    factor = 2.0**-LARGEST_EXPONENT
    state.anchor += np.int64(LARGEST_EXPONENT * HALF_LIFE_DAYS * DAY_US)
    state.firsts *= factor
    state.total *= factor
    for i in range(slots.size):
        slots[i].weight *= factor


@njit
def values(state: State, slots: Slots, out: Floats) -> None:
    """Write ``FEATURES`` to ``out``; NaN where one is not defined.

    Shares do not change while nothing happens, so they need no ``as_of``. ``new_category_share`` is the decayed
    share of events in a category that was new to the user at the time; ``new_category_expected`` is the chance
    that the next event is in a new one, by the share of categories seen once (Good and Turing).
    """
    out[:] = np.nan
    out[0] = state.n_categories
    if state.n_events == 0:
        return
    out[1], out[2], out[6] = hill(slots)
    out[3], out[4], out[5] = rarefied(slots, state.n_events)
    out[7] = state.firsts / state.total
    once = 0
    for i in range(slots.size):
        once += slots[i].n == 1
    out[8] = once / state.n_events


def decayed_counts(buckets: Buckets, as_of: datetime, half_life_days: float = HALF_LIFE_DAYS) -> pl.DataFrame:
    """Return ``user_id, category, n``: events with a category, each counted as ``0.5 ** (age / half-life)``.

    ``as_of`` is in UTC and exclusive; rows in the order of user and category.
    """
    weight = 0.5 ** ((pl.lit(as_of) - pl.col("ts")).dt.total_microseconds() / (half_life_days * 86.4e9))
    empty = pl.DataFrame(schema={"user_id": pl.String, "category": pl.String, "n": pl.Float64})
    parts = [
        buckets.bucket(i, ["user_id", "category", "ts"], as_of)
        .lazy()
        .filter(pl.col("category").is_not_null())
        .group_by("user_id", "category")
        .agg(n=weight.sum())
        .collect()
        for i in buckets.ids
    ]
    return pl.concat([empty, *parts]).sort("user_id", "category")


def population_interests(buckets: Buckets, as_of: datetime, half_life_days: float = HALF_LIFE_DAYS) -> pl.DataFrame:
    """Return ``category, share``: the population's mix pi_c, largest first."""
    return population_mix(decayed_counts(buckets, as_of, half_life_days))


def population_mix(counts: pl.DataFrame) -> pl.DataFrame:
    """Return ``category, share`` of decayed counts, largest first."""
    totals = counts.group_by("category").agg(pl.col("n").sum())
    shares = totals.select("category", share=pl.col("n") / pl.col("n").sum())
    return shares.sort("share", "category", descending=[True, False])


def interests(
    buckets: Buckets, as_of: datetime, half_life_days: float = HALF_LIFE_DAYS, kappa: float = KAPPA
) -> pl.DataFrame:
    """Return each user's smoothed share of the categories that the user has touched.

    ``p_c = (n_c + kappa * pi_c) / (n + kappa)`` with decayed counts n and the population's share pi. A
    category that the user has not touched has the share ``kappa * pi_c / (n + kappa)``.

    Parameters
    ----------
    buckets
        The events; those without a category do not count.
    as_of
        In UTC, exclusive.
    half_life_days
        Age at which an event counts half.
    kappa
        Weight of the population's mix, in decayed events.

    Returns
    -------
    pl.DataFrame
        ``user_id, category, n, share`` in the order of user and category.
    """
    counts = decayed_counts(buckets, as_of, half_life_days)
    prior = population_mix(counts).rename({"share": "pi"})
    share = (pl.col("n") + kappa * pl.col("pi")) / (pl.col("n").sum().over("user_id") + kappa)
    rows = counts.join(prior, on="category", maintain_order="left")
    return rows.select("user_id", "category", "n", share=share)
