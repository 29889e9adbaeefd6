"""Interest mixes: how a user's and the population's events spread over categories, at several memories.

An event ``a`` days old counts ``0.5 ** (a / half_life)``. A short half-life knows what somebody is after
just now, a long one what they always come back to. A mix is a sparse table: a category that a user never
touched has no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import log

import polars as pl

from foretide.features.interests import HALF_LIFE_DAYS, KAPPA

HALF_LIVES_DAYS = (7, 28, 112, 448)
#: The half-life of the share that is called the present one.
USUAL_DAYS = int(HALF_LIFE_DAYS)
#: Half-lives between which the trend of a population share is measured.
TREND_DAYS = (28, 112)

SECONDS_A_DAY = 86_400
#: The decayed counts.
N_COLUMNS = tuple(f"n_{days}" for days in HALF_LIVES_DAYS)


def decayed(events: pl.DataFrame, as_of: datetime, by: Sequence[str]) -> pl.DataFrame:
    """Return the decayed counts ``n_7, n_28, ...`` of events with a category before ``as_of``."""
    age_days = (pl.lit(as_of) - pl.col("ts")).dt.total_seconds() / SECONDS_A_DAY
    return (
        events.lazy()
        .filter(pl.col("ts") < as_of, pl.col("category").is_not_null())
        .select(*by, (-log(2) * age_days).alias("aged"))
        .group_by(by)
        .agg((pl.col("aged") / days).exp().sum().alias(f"n_{days}") for days in HALF_LIVES_DAYS)
        .collect()
    )


def counted(
    events: pl.DataFrame, cutoff: datetime, window: tuple[datetime, datetime], by: Sequence[str]
) -> pl.DataFrame:
    """Return the decayed counts before a cut-off, and the events ``n`` in a window after it (end exclusive)."""
    begin, end = window
    ahead = events.filter(pl.col("ts") >= begin, pl.col("ts") < end, pl.col("category").is_not_null())
    n = ahead.group_by(by).agg(n=pl.len().cast(pl.Float64))
    return decayed(events, cutoff, by).join(n, on=by, how="full", coalesce=True).fill_null(0.0)


def population(counts: pl.DataFrame, ahead_days: float) -> pl.DataFrame:
    """Return the population's mixes ``pi_7, pi_28, ...`` by category, and the one it is moving to.

    Parameters
    ----------
    counts
        ``category`` and the decayed counts, of parts of the population.
    ahead_days
        How far ahead the mix ``pi_moved`` is.
    """
    shares = counts.group_by("category").agg(pl.col(N_COLUMNS).sum()).sort("category")
    mixes = shares.select(
        "category",
        *((pl.col(f"n_{days}") / pl.col(f"n_{days}").sum()).alias(f"pi_{days}") for days in HALF_LIVES_DAYS),
    )
    return mixes.with_columns(moved(ahead_days).alias("pi_moved")).with_columns(
        pl.col("pi_moved") / pl.col("pi_moved").sum()
    )


def moved(ahead_days: float) -> pl.Expr:
    """Return the population's usual mix moved along its trend, not yet scaled to one.

    The mean age of events decayed with half-life h is h / log 2: the log of a share is a straight line
    through its values at the two ages.
    """
    recent, before = (pl.col(f"pi_{days}") for days in TREND_DAYS)
    recent_age, before_age = (days / log(2) for days in TREND_DAYS)
    steps = (recent_age + ahead_days) / (before_age - recent_age)
    return pl.when(recent > 0).then(recent * (recent / before) ** steps).otherwise(0.0)


def own(days: int) -> pl.Expr:
    """Return a user's shrunk mix at a half-life, from columns ``n_``, ``total_`` and ``pi_``."""
    n, total, pi = (pl.col(f"{kind}_{days}") for kind in ("n", "total", "pi"))
    return (n.fill_null(0.0) + KAPPA * pi) / (total.fill_null(0.0) + KAPPA)


def totals(counts: pl.DataFrame) -> pl.DataFrame:
    """Return each user's decayed events ``total_7, total_28, ...`` over all categories."""
    return counts.group_by("user_id").agg(pl.col(f"n_{days}").sum().alias(f"total_{days}") for days in HALF_LIVES_DAYS)
