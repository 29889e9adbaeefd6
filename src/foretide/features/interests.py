"""What users are interested in: shares of categories, decayed by age and shrunk to the population."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from foretide.events.records import Buckets

HALF_LIFE_DAYS = 28.0
#: Weight of the population's mix, in decayed events.
KAPPA = 5.0


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
