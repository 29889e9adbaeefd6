"""When a user will be back: one model for every horizon.

What remains of the users after all stretches of a horizon (see ``stretches``) is the chance of no activity, so that
the answers agree: a longer horizon never has the larger chance. Beyond the longest horizon that was learnt from the
hazard goes on changing with the logarithm of the time; ``carried_on_`` says so. On CDNOW that was better than to keep
the last hazard.

How many of the days are active once one is, is told by the same regression as in the logistic hurdle.

References
----------
Singer, Willett (1993), It's about time: using discrete-time survival analysis to study duration and the timing of
events, Journal of Educational Statistics 18.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

import numpy as np
import polars as pl

from foretide.schema import Floats
from foretide.users.activity import RETURN_ROWS, eligible, learnable, of_horizon, thinned
from foretide.users.contributions import Contributions, fill_group, of_rates
from foretide.users.covariates import covariates, names
from foretide.users.examples import longest_pairs
from foretide.users.logistic import PENALTY_C, logistic
from foretide.users.rates import Rates, expected_days, fill
from foretide.users.stretches import ReturnHazard, return_hazard


class Parts(NamedTuple):
    """The two regressions of a group of users."""

    back: ReturnHazard
    filled: Any  # share of the other days; None if no horizon has others


@dataclass
class HazardModel:
    """Chance of no activity and expected active days of users, in any horizon.

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
    longest_: int = field(init=False)  # longest horizon learnt from, in days
    rates_: Rates = field(init=False)
    groups_: dict[bool, Parts] = field(init=False)  # by eligibility; only those with enough to learn from

    @property
    def carried_on_(self) -> bool:
        """Whether the horizon is longer than all that were learnt from."""
        return self.horizon_days > self.longest_

    def fit(self, examples: pl.DataFrame) -> HazardModel:
        """Learn from the rows of ``foretide.users.examples.examples``, at least one."""
        self.last_ = examples["as_of"].max()  # type: ignore[assignment]
        self.longest_ = int(examples["horizon_days"].max())  # type: ignore[arg-type]
        self.rates_ = Rates().fit(examples)
        rng = np.random.default_rng(self.rng)
        groups = {group: examples.filter(pl.col("eligible") == group) for group in (True, False)}
        self.groups_ = {
            group: Parts(self._hazard(rows, rng), self._filled(rows, rng))
            for group, rows in groups.items()
            if learnable(rows)
        }
        return self

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order."""
        return self.predict_for(users, self.horizon_days)

    def predict_for(self, users: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
        """Return what ``predict`` does, for another horizon."""
        p, filled = (column.copy() for column in self.rates_.predict(users, horizon_days))
        here = eligible(users).to_numpy()
        for group, parts in self.groups_.items():
            rows = np.flatnonzero(here == group)
            x = self._covariates(of_horizon(users[rows], horizon_days))
            p[rows] = parts.back.remaining(x, horizon_days)
            filled[rows] = parts.filled.predict_proba(x)[:, 1] if parts.filled and len(rows) else 0.0
        return pl.DataFrame({"p_inactive": p, "expected_active_days": expected_days(p, filled, horizon_days)})

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return what each covariate adds to the log-odds of no activity, beside the usual user of its group.

        They add up to within 1e-6 (see ``stretches``). What sets the group apart from all users is in ``stage``, and so
        is all of a group without a model of its own.
        """
        told = of_rates(self.rates_, users, self.horizon_days, names())
        here = eligible(users).to_numpy()
        for group, model in self.groups_.items():
            rows = np.flatnonzero(here == group)
            x = self._covariates(of_horizon(users[rows], self.horizon_days))
            fill_group(told, rows, *model.back.contributions(x, self.horizon_days))
        return told

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether some of the users get the rates of their stage, for want of examples."""
        return not set(eligible(users).unique()) <= self.groups_.keys()

    def _hazard(self, examples: pl.DataFrame, rng: np.random.Generator) -> ReturnHazard:
        once = thinned(longest_pairs(examples), rng, RETURN_ROWS)
        x = self._covariates(of_horizon(once, self.horizon_days))  # its length is no covariate here
        return return_hazard(once, x, self.penalty_c)

    def _filled(self, examples: pl.DataFrame, rng: np.random.Generator) -> Any:
        rows = thinned(examples.filter(~pl.col("inactive") & (pl.col("horizon_days") > 1)), rng)
        filled = rows.select(fill()).to_series().to_numpy()
        return logistic(self._covariates(rows), filled, self.penalty_c) if filled.any() else None

    def _covariates(self, rows: pl.DataFrame) -> Floats:
        return covariates(rows, self.horizon_days, self.last_)
