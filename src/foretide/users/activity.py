"""Whether a user will be active, and on how many days.

A hurdle model: one logistic regression for the chance of no activity at all, another for the share of days
that are active once there is any. Both learn from many cut-offs at once and from horizons of several
lengths; a logistic regression fitted so is calibrated by construction, and followed a drift of the whole
population best among what was tried (gradient-boosted trees, the last cut-off only, weights by age, a shift
of the intercept).

Users who are churned at the cut-off form a group with a model of its own: they are many, rarely come back,
and would otherwise bend the model of those who are still there. A group with too little to learn from falls
back to the rates of its stages.

Horizons shorter than all that were learnt from are told by the hazard of the return (see ``stretches``), which is
learnt when the first of them is asked for: a line through the log-odds of longer ones is too steep or too flat there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

import numpy as np
import polars as pl
from scipy.special import expit

from foretide.schema import Floats
from foretide.users.contributions import Contributions, fill_group, of_rates
from foretide.users.covariates import covariates, names
from foretide.users.examples import longest_pairs
from foretide.users.logistic import PENALTY_C, logistic
from foretide.users.rates import Rates, expected_days, fill
from foretide.users.stretches import ReturnHazard, return_hazard

#: A group needs this many examples of either outcome for a model of its own.
MIN_OUTCOMES = 30
#: A group's examples are thinned to this many ...
TRAINING_ROWS = 400_000
#: ... and to this many users at cut-offs for the hazard of the return, each with a row for every stretch.
RETURN_ROWS = 60_000
#: Log-odds of a share of nothing.
NO_SHARE = -1e3
#: How fast the log-odds of no activity, and of the fill, may change with the logarithm of the horizon's length, so that
#: a longer one never has the larger chance of no activity, nor the fewer active days: ``(2, 1)``.
LEAST_SLOPE, MOST_SLOPE = np.array([[-np.inf], [-1.0]]), np.array([[0.0], [np.inf]])


@dataclass
class Hurdle:
    """The two regressions of one group of users."""

    penalty_c: float = PENALTY_C
    idle_: Any = field(init=False)  # no activity at all
    fill_: Any = field(init=False)  # share of the other days; None if no horizon has others

    def fit(self, x: Floats, examples: pl.DataFrame) -> Hurdle:
        """Learn from covariates ``(n_rows, n_covariates)`` and the targets beside them."""
        inactive = examples["inactive"].to_numpy()
        self.idle_ = logistic(x, inactive.astype(np.float64), self.penalty_c)
        seen = ~inactive & (examples["horizon_days"].to_numpy() > 1)
        filled = examples.select(fill()).to_series().to_numpy()[seen]
        self.fill_ = logistic(x[seen], filled, self.penalty_c) if filled.any() else None
        return self

    def odds(self, x: Floats) -> Floats:
        """Return the log-odds of no activity and of the fill, ``(2, n_rows)``."""
        filled = np.full(len(x), NO_SHARE) if self.fill_ is None else self.fill_.decision_function(x)
        return np.array([self.idle_.decision_function(x), filled])


@dataclass
class ActivityModel:
    """Chance of no activity and expected active days of users.

    Parameters
    ----------
    horizon_days
        The horizon to tell about.
    rng
        Seed or generator for the thinning of large training sets.
    penalty_c
        Inverse strength of the ridge penalty of all regressions.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    horizon_days: int
    rng: int | np.random.Generator = 0
    penalty_c: float = PENALTY_C
    last_: datetime = field(init=False)  # last training cut-off
    rates_: Rates = field(init=False)
    shortest_: int = field(init=False)  # shortest horizon learnt from, in days
    groups_: dict[bool, Hurdle] = field(init=False)  # by eligibility; only those with enough to learn from
    returns_: Callable[[bool], ReturnHazard] = field(init=False)  # of one of these groups, learnt when first asked for

    def fit(self, examples: pl.DataFrame) -> ActivityModel:
        """Learn from the rows of ``foretide.users.examples.examples``, at least one."""
        self.last_ = examples["as_of"].max()  # type: ignore[assignment]
        self.shortest_ = int(examples["horizon_days"].min())  # type: ignore[arg-type]
        self.rates_ = Rates().fit(examples)
        rng = np.random.default_rng(self.rng)
        groups = {group: examples.filter(pl.col("eligible") == group) for group in (True, False)}
        groups = {group: rows for group, rows in groups.items() if learnable(rows)}
        self.groups_ = {group: self._hurdle(thinned(rows, rng)) for group, rows in groups.items()}
        once = {group: thinned(longest_pairs(rows), rng, RETURN_ROWS) for group, rows in groups.items()}
        self.returns_ = cache(lambda group: self._return(once[group]))
        return self

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order."""
        return self.predict_for(users, self.horizon_days)

    def predict_for(self, users: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
        """Return what ``predict`` does, for another horizon.

        The answers agree: a longer horizon never has the larger chance of no activity, nor the fewer expected days. The
        first one below ``shortest_`` takes longer, as the hazard of the return is learnt then.
        """
        p, filled = (column.copy() for column in self.rates_.predict(users, horizon_days))
        here = eligible(users).to_numpy()
        for group, model in self.groups_.items():
            rows = np.flatnonzero(here == group)
            if len(rows):
                p[rows], filled[rows] = expit(self._odds(model, users[rows], horizon_days))
                if horizon_days < self.shortest_:
                    p[rows] = self._soon(group, users[rows], horizon_days)
        days = expected_days(p, filled, horizon_days)
        return pl.DataFrame({"p_inactive": p, "expected_active_days": days})

    def _odds(self, model: Hurdle, users: pl.DataFrame, horizon_days: int) -> Floats:
        """Return ``Hurdle.odds`` for a horizon, ``(2, n_rows)``: lines in the logarithm of its length."""
        asked = model.odds(self._covariates(of_horizon(users, self.horizon_days)))
        if horizon_days == self.horizon_days:
            return asked
        other = model.odds(self._covariates(of_horizon(users, horizon_days)))
        way = np.log(horizon_days / self.horizon_days)
        return asked + np.clip((other - asked) / way, LEAST_SLOPE, MOST_SLOPE) * way

    def _soon(self, group: bool, users: pl.DataFrame, horizon_days: int) -> Floats:
        """Return the chance of no activity in a horizon shorter than all that were learnt from, ``(n_rows,)``."""
        x = self._covariates(of_horizon(users, self.horizon_days))
        at_shortest = expit(self._odds(self.groups_[group], users, self.shortest_)[0])
        return np.maximum(self.returns_(group).remaining(x, horizon_days), at_shortest)

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return what each covariate adds to the log-odds of no activity, beside the usual user of its group.

        What sets the group apart from all users is in ``stage``, and so is all of a group without a model of its own.
        """
        users = of_horizon(users, self.horizon_days)
        told = of_rates(self.rates_, users, self.horizon_days, names())
        here = eligible(users).to_numpy()
        for group, model in self.groups_.items():
            rows = np.flatnonzero(here == group)
            if len(rows):
                scaler, linear = (step for _, step in model.idle_.steps)
                parts = scaler.transform(self._covariates(users[rows])) * linear.coef_[0]
                fill_group(told, rows, parts, linear.intercept_[0])
        return told

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether some of the users get the rates of their stage, for want of examples."""
        return not set(eligible(users).unique()) <= self.groups_.keys()

    def _hurdle(self, examples: pl.DataFrame) -> Hurdle:
        return Hurdle(self.penalty_c).fit(self._covariates(examples), examples)

    def _return(self, once: pl.DataFrame) -> ReturnHazard:
        return return_hazard(once, self._covariates(of_horizon(once, self.horizon_days)), self.penalty_c)

    def _covariates(self, rows: pl.DataFrame) -> Floats:
        return covariates(rows, self.horizon_days, self.last_)


def of_horizon(users: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """Return a feature table with ``horizon_days``."""
    return users.with_columns(horizon_days=pl.lit(horizon_days, pl.Int32))


def eligible(users: pl.DataFrame) -> pl.Series:
    """Tell for each user of a feature table whether they are not churned."""
    return users["stage"] != "churned"


def learnable(examples: pl.DataFrame) -> bool:
    """Tell whether both outcomes are frequent enough for a regression."""
    idle = int(examples["inactive"].sum())
    return min(idle, examples.height - idle) >= MIN_OUTCOMES


def thinned(examples: pl.DataFrame, rng: np.random.Generator, most: int = TRAINING_ROWS) -> pl.DataFrame:
    """Return at most so many of the rows, at random and in their order."""
    if examples.height <= most:
        return examples
    return examples[np.sort(rng.choice(examples.height, most, replace=False))]
