"""What users are interested in: categories decayed by age, how many of them, how much is new.

The piece of the fold keeps a count and a decayed weight for each category of a user (``tallies``). Weights grow
with time instead of shrinking: an event weighs ``2 ** (its age at the user's first event / half-life)``, so that
nothing has to be touched when time passes, and the order of events does not matter.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.events.engine import Engine, concat_buckets
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

#: Of each user and category: events, each counted as ``0.5 ** (age / half-life)``.
DECAYED = pl.Schema({"user_id": pl.String(), "category": pl.String(), "n": pl.Float64()})
#: The same of each category.
MIX = pl.Schema({"category": pl.String(), "n": pl.Float64()})

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


def decayed_counts(
    buckets: Buckets, as_of: datetime, half_life_days: float = HALF_LIFE_DAYS, engine: Engine | None = None
) -> pl.DataFrame:
    """Return ``DECAYED`` in the order of user and category; parameters as in ``interests``."""
    job = partial(decayed_part, as_of=as_of, half_life_days=half_life_days)
    return concat_buckets(job, buckets, DECAYED, engine).sort("user_id", "category")


def decayed_part(buckets: Buckets, i: int, as_of: datetime, half_life_days: float) -> pl.DataFrame:
    """Return ``DECAYED`` of a bucket."""
    weight = 0.5 ** ((pl.lit(as_of) - pl.col("ts")).dt.total_microseconds() / (half_life_days * DAY_US))
    rows = buckets.bucket(i, ["user_id", "category", "ts"], as_of).filter(pl.col("category").is_not_null())
    return rows.group_by("user_id", "category").agg(n=weight.sum())


def population_interests(
    buckets: Buckets, as_of: datetime, half_life_days: float = HALF_LIFE_DAYS, engine: Engine | None = None
) -> pl.DataFrame:
    """Return ``category, share``: the population's mix pi_c, largest first; parameters as in ``interests``."""
    job = partial(mix_part, as_of=as_of, half_life_days=half_life_days)
    return population_mix(concat_buckets(job, buckets, MIX, engine))


def mix_part(buckets: Buckets, i: int, as_of: datetime, half_life_days: float) -> pl.DataFrame:
    """Return ``MIX`` of a bucket."""
    of_users = decayed_part(buckets, i, as_of, half_life_days).sort("user_id", "category")
    return of_users.group_by("category").agg(pl.col("n").sum())


def population_mix(counts: pl.DataFrame) -> pl.DataFrame:
    """Return ``category, share`` of decayed counts, largest first."""
    totals = counts.group_by("category").agg(pl.col("n").sum())
    shares = totals.select("category", share=pl.col("n") / pl.col("n").sum())
    return shares.sort("share", "category", descending=[True, False])


def interests(
    buckets: Buckets,
    as_of: datetime,
    half_life_days: float = HALF_LIFE_DAYS,
    kappa: float = KAPPA,
    engine: Engine | None = None,
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
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    pl.DataFrame
        ``user_id, category, n, share`` in the order of user and category.
    """
    counts = decayed_counts(buckets, as_of, half_life_days, engine)
    prior = population_mix(counts).rename({"share": "pi"})
    share = (pl.col("n") + kappa * pl.col("pi")) / (pl.col("n").sum().over("user_id") + kappa)
    rows = counts.join(prior, on="category", maintain_order="left")
    return rows.select("user_id", "category", "n", share=share)
