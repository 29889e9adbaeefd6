"""The covariates of the outlook models: what a user's past says about the days ahead.

Activity is roughly log-normal over users, so counts and times enter as logarithms. How overdue a user is
(the time since the last visit against the usual gap) enters as a square too: both back already and long gone
differ from due.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from foretide.features.user_events import EPOCH
from foretide.schema import STAGES, Floats

LOGGED = (
    "recency_days",
    "tenure_days",
    "n_events",
    "active_days_7",
    "active_days_28",
    "active_days_56",
    "active_days",
    "events_decayed_7",
    "events_decayed_28",
    "events_decayed_84",
    "value_decayed_28",
    "gap_mean_days",
    "gap_std_days",
)
#: The effect of these changes with the length of the horizon.
CHANGING = ("recency_days", "active_days", "events_decayed_84")
#: A drift of the whole population is followed this share of the way from the last cut-off to the present.
DRIFT_DAMPING = 0.5
DAYS_A_MONTH = 28


def covariates(examples: pl.DataFrame, asked_days: int, last: datetime) -> Floats:
    """Return the covariates of users at cut-offs.

    Parameters
    ----------
    examples
        Feature table with ``horizon_days``.
    asked_days
        The horizon that is asked about; other horizons are measured against it.
    last
        Last cut-off of the training set; rows after it are predictions.

    Returns
    -------
    numpy.ndarray
        ``(n_rows, n_covariates)``, finite.
    """
    return examples.select(expressions(asked_days, last)).to_numpy().astype(np.float64)


def expressions(asked_days: int, last: datetime) -> list[pl.Expr]:
    """Return the covariates as named expressions over a feature table with ``horizon_days``."""
    longer = (pl.col("horizon_days") / asked_days).log()
    return [
        *(logged(name).alias(name) for name in LOGGED),
        *overdue(),
        density().alias("density"),
        *(pl.col(name).sqrt().alias(f"sqrt_{name}") for name in ("active_days_28", "active_days_56")),
        *((pl.col("stage") == stage).cast(pl.Float64).alias(stage) for stage in STAGES),
        drift(last).alias("drift"),
        longer.alias("longer"),
        *((longer * logged(name)).alias(f"longer_{name}") for name in CHANGING),
    ]


def names() -> list[str]:
    """Return the names of the covariates, in the order of their columns."""
    return [column.meta.output_name() for column in expressions(1, EPOCH)]


def logged(name: str) -> pl.Expr:
    """Return log(1 + x); an undefined gap and a negative sum of values (refunds) count as 0."""
    return pl.col(name).cast(pl.Float64).fill_nan(0.0).fill_null(0.0).clip(lower_bound=0.0).log1p()


def overdue() -> list[pl.Expr]:
    """Return how overdue the next visit is, its square, and whether there was a gap to compare with."""
    gap = pl.col("gap_mean_days")
    known = (gap.is_not_nan() & gap.is_not_null()).cast(pl.Float64)
    late = (logged("recency_days") - logged("gap_mean_days")) * known
    recency = logged("recency_days")
    return [
        late.alias("late"),
        (late**2).alias("late_squared"),
        (recency**2).alias("recency_squared"),
        known.alias("gap_known"),
    ]


def density() -> pl.Expr:
    """Return the log of active days a day; a month is added to the tenure: a first visit is no habit."""
    return ((pl.col("active_days") + 0.5) / (pl.col("tenure_days") + DAYS_A_MONTH)).log()


def drift(last: datetime) -> pl.Expr:
    """Return months since the last training cut-off: negative in training, damped after it."""
    months = (pl.col("as_of") - pl.lit(last)).dt.total_seconds() / (DAYS_A_MONTH * 86_400)
    return pl.when(months > 0).then(months * DRIFT_DAMPING).otherwise(months)
