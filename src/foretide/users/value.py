"""What users will spend in the horizon: the active days expected times the value of one.

A user's mean value an active day is drawn to the population's mean as credibility theory does (Buehlmann and
Straub; the gamma-gamma model of customer value gives a mean of the same form)::

    mean = (value + kappa * population mean) / (days + kappa)

with days and value decayed by age. The half-life and ``kappa``, the days that the population's mean counts for,
are the ones that would have told best what was spent in past horizons.

References
----------
Buehlmann, Straub (1970), Glaubwuerdigkeit fuer Schadensaetze.
Fader, Hardie, Lee (2005), RFM and CLV: using iso-value curves for customer base analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import product

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import TS, Floats

#: Half-lives in days that are tried, and the active days that the population's mean may count for.
HALF_LIVES_DAYS = (28, 84, 336)
KAPPAS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
#: What is taken where there is nothing to choose by.
USUAL_HALF_LIFE_DAYS, USUAL_KAPPA = 84, 4.0

SPENDING = pl.Schema(
    {
        "user_id": pl.String(),
        "as_of": TS,
        **{f"{kind}_{days}": pl.Float64() for days in HALF_LIVES_DAYS for kind in ("days", "value")},
    }
)
SECONDS_A_DAY = 86_400


def spending(
    buckets: Buckets, cutoffs: Sequence[datetime], rule: LifecycleRule, engine: Engine | None = None
) -> pl.DataFrame:
    """Return each user's active days and their value before each cut-off, decayed, ``SPENDING``.

    A day counts ``0.5 ** (age / half-life)``, its age from its last critical event. The values of a user are
    null until one of the user's critical events has a value; after that an event without one counts as 0.
    Threads read the buckets if there is no engine.
    """
    if not cutoffs:
        return SPENDING.to_frame()
    job = partial(spending_part, cutoffs=sorted(set(cutoffs)), rule=rule)
    return concat_buckets(job, buckets, SPENDING, engine).sort("user_id", "as_of")


def spending_part(buckets: Buckets, i: int, cutoffs: Sequence[datetime], rule: LifecycleRule) -> pl.DataFrame:
    """Return ``SPENDING`` of a bucket at one or more ascending cut-offs."""
    events = buckets.bucket(i, ["user_id", "ts", "value", *rule.columns], until=cutoffs[-1]).filter(rule.critical)
    days = by_day(events, cutoffs, buckets.timezone)
    return pl.concat(_at(days, n, cutoff) for n, cutoff in enumerate(cutoffs))


def by_day(events: pl.DataFrame, cutoffs: Sequence[datetime], timezone: str) -> pl.DataFrame:
    """Return ``user_id, day, passed, ts, value, valued``: active days, a day with a cut-off in it in two parts."""
    passed = pl.Series(cutoffs, dtype=TS).search_sorted(events["ts"], side="right")
    return (
        events.lazy()
        .with_columns(passed=pl.lit(passed), day=pl.col("ts").dt.convert_time_zone(timezone).dt.date())
        .group_by("user_id", "day", "passed")
        .agg(pl.col("ts").max(), pl.col("value").sum(), valued=pl.col("value").is_not_null().any())
        .collect()
    )


def _at(days: pl.DataFrame, n: int, cutoff: datetime) -> pl.DataFrame:
    """Return ``SPENDING`` at the n-th cut-off."""
    age_days = (pl.lit(cutoff, TS) - pl.col("ts")).dt.total_seconds() / SECONDS_A_DAY
    sums: dict[str, pl.Expr] = {}
    for half_life in HALF_LIVES_DAYS:
        weight = 0.5 ** (age_days / half_life)
        sums[f"days_{half_life}"] = weight.sum()
        sums[f"value_{half_life}"] = pl.when(pl.col("valued").any()).then((weight * pl.col("value")).sum())
    return (
        days.lazy()
        .filter(pl.col("passed") <= n)
        .group_by("user_id", "day")
        .agg(pl.col("ts").max(), pl.col("value").sum(), pl.col("valued").any())
        .group_by("user_id")
        .agg(**sums)
        .select(pl.lit(cutoff, TS).alias(name) if name == "as_of" else pl.col(name) for name in SPENDING)
        .collect()
    )


@dataclass
class ValueModel:
    """Expected value in the horizon: expected active days times a user's shrunk mean value of one."""

    half_life_days_: int = field(init=False)
    kappa_: float = field(init=False)
    mean_: float | None = field(init=False)  # the population's value an active day; None if no event has a value

    def fit(self, examples: pl.DataFrame, expected_active_days: Floats, spent: pl.DataFrame) -> ValueModel:
        """Choose the half-life and kappa with the least squared error over past horizons.

        Parameters
        ----------
        examples
            ``user_id, as_of, value`` of users at cut-offs, ``value`` in one length of horizon; may be empty.
        expected_active_days
            ``(n_rows,)`` in that horizon, as a model tells.
        spent
            ``SPENDING`` at these cut-offs, and at the moment that is to be told of, which is its last.
        """
        rows = examples.select("user_id", "as_of", "value").with_columns(days=pl.Series(expected_active_days))
        rows = rows.rename({"value": "happened"}).join(spent, on=["user_id", "as_of"])
        tried = {(days, kappa): loss(rows, days, kappa) for days, kappa in product(HALF_LIVES_DAYS, KAPPAS)}
        best = min(tried, key=tried.__getitem__)
        told = rows.height and np.isfinite(tried[best])
        self.half_life_days_, self.kappa_ = best if told else (USUAL_HALF_LIFE_DAYS, USUAL_KAPPA)
        now = spent.filter(pl.col("as_of") == pl.col("as_of").max())
        self.mean_ = now.select(population_mean(self.half_life_days_)).item()
        return self

    def predict(self, users: pl.DataFrame, expected_active_days: Floats, spent: pl.DataFrame) -> pl.DataFrame:
        """Return ``value_a_day, expected_value`` of each user, in their order; null if no event has a value.

        Parameters
        ----------
        users
            ``user_id``; one that ``spent`` does not know has the population's mean.
        expected_active_days
            ``(n_users,)``.
        spent
            ``SPENDING`` at the moment that is to be told of.
        """
        days = pl.Series(np.asarray(expected_active_days))
        mean = shrunk(self.half_life_days_, self.kappa_, pl.lit(self.mean_, pl.Float64)).alias("value_a_day")
        told = users.select("user_id").join(spent, on="user_id", how="left", maintain_order="left").select(mean)
        return told.with_columns((pl.col("value_a_day") * days).alias("expected_value"))


def population_mean(half_life_days: int) -> pl.Expr:
    """Return the population's value an active day; null if no event has a value."""
    value = pl.col(f"value_{half_life_days}")
    return pl.when(value.is_not_null().any()).then(value.sum() / pl.col(f"days_{half_life_days}").sum())


def shrunk(half_life_days: int, kappa: float, mean: pl.Expr) -> pl.Expr:
    """Return users' mean value an active day, drawn to the population's."""
    days, value = (pl.col(f"{kind}_{half_life_days}").fill_null(0.0) for kind in ("days", "value"))
    return (value + kappa * mean) / (days + kappa)


def loss(rows: pl.DataFrame, half_life_days: int, kappa: float) -> float:
    """Return the mean squared error of the expected value of past horizons; infinite if it is not defined."""
    mean = shrunk(half_life_days, kappa, population_mean(half_life_days).over("as_of"))
    error = rows.select(((pl.col("days") * mean - pl.col("happened")) ** 2).mean()).item()
    return float("inf") if error is None else float(error)
