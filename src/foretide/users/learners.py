"""Learners of scikit-learn and LightGBM as models of what a user will do.

Each model has two parts, as the logistic hurdle has: the chance of no activity, and the share of the other days that
are active once one is. Both see the covariates of the hurdle and every feature as it is. The length of the horizon is
one of them, so that all pairs of cut-off and horizon teach the same two learners.

No tree knows what lies beyond the longest horizon it was shown. For a longer one, the log-odds at that length are
moved on with the logarithm of the length, as fast as they changed on average since the shortest.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
import polars as pl
from scipy.special import expit, logit

from foretide.errors import UsageError
from foretide.schema import Floats
from foretide.users.activity import learnable, thinned
from foretide.users.coalitions import contributions_of, usual_user
from foretide.users.contributions import Contributions, of_rates
from foretide.users.covariates import covariates, names
from foretide.users.estimators import LEARNERS, configured, trained
from foretide.users.examples import feature_names
from foretide.users.rates import Rates, expected_days, fill

#: Chances and shares are kept this far from 0 and 1, so that their log-odds can be moved.
CLIP = 1e-4
#: The learner whose log-odds are a sum over its trees.
ADDITIVE = "lightgbm"
#: Below this many active rows there is no regression of their days: the rates of the stages are told.
LEAST_ACTIVE = 30
#: The average change with the length of the horizon is taken over this many rows.
ROWS_OF_SLOPE = 10_000


@dataclass
class LearnerModel:
    """Chance of no activity and expected active days of users, by a learner.

    Where nearly all were active, or nearly none, there is nothing to tell apart: the rates of the stages are told, and
    ``coarse`` says so.

    Parameters
    ----------
    learner
        One of ``LEARNERS``.
    horizon_days
        The horizon to tell about.
    rng
        Seed or generator: for the learner, and for the thinning of large training sets.
    settings
        Parameters of the learner of the chance that are not the defaults of ``LEARNERS``.

    Raises
    ------
    UsageError
        If there is no such learner.
    MissingExtraError
        If its library is not installed.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    learner: str
    horizon_days: int
    rng: int | np.random.Generator = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    last_: datetime = field(init=False)  # last training cut-off
    names_: list[str] = field(init=False)  # features that are seen as they are
    usual_: pl.DataFrame = field(init=False)  # one row
    lengths_: tuple[int, int] = field(init=False)  # shortest and longest horizon learnt from, in days
    rates_: Rates = field(init=False)
    parts_: tuple[Any, Any] = field(init=False)  # of the chance and of the share; None falls back to the rates
    slopes_: Floats = field(init=False)  # (2,) change of the log-odds with the log of the length, mean over users

    def __post_init__(self) -> None:
        if self.learner not in LEARNERS:
            raise UsageError(f"there is no learner {self.learner!r}; choose one of {', '.join(LEARNERS)}")

    @property
    def carried_on_(self) -> bool:
        """Whether the horizon is longer than all that were learnt from."""
        return self.horizon_days > self.lengths_[1]

    def fit(self, examples: pl.DataFrame) -> LearnerModel:
        """Learn from the rows of ``foretide.users.examples.examples``, at least one."""
        self.last_ = examples["as_of"].max()  # type: ignore[assignment]
        self.names_ = feature_names(examples)
        days = examples["horizon_days"]
        self.lengths_ = (int(days.min()), int(days.max()))  # type: ignore[arg-type]
        self.rates_ = Rates().fit(examples)
        rng = np.random.default_rng(self.rng)
        rows = thinned(examples, rng, LEARNERS[self.learner].most_rows)
        self.usual_ = usual_user(rows, self.names_)
        self.parts_ = self._parts(rows, int(rng.integers(2**31)))
        self.slopes_ = self._slopes(thinned(rows, rng, ROWS_OF_SLOPE)) if self.carried_on_ else np.zeros(2)
        return self

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order."""
        days = self.horizon_days
        further = np.log(days / min(days, self.lengths_[1]))
        odds = logit(self._shares(users, min(days, self.lengths_[1]))) + self.slopes_[:, None] * further
        p, filled = expit(odds)  # (2, n_users)
        return pl.DataFrame({"p_inactive": p, "expected_active_days": expected_days(p, filled, days)})

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return what makes the log-odds of no activity, exactly: each feature of boosted trees, each reason of others.

        Those of boosted trees add up to the log-odds before these are kept from 0 and 1 by ``CLIP``.

        References
        ----------
        Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees, Nature
        Machine Intelligence 2.
        """
        if self.learner != ADDITIVE:
            alone = copy(self)  # is asked for the chance only: half of the work
            alone.parts_ = (self.parts_[0], None)
            return contributions_of(alone.predict, users, self.usual_)
        days = min(self.horizon_days, self.lengths_[1])
        told = of_rates(self.rates_, users, days, [*names(), *self.names_])
        if self.parts_[0] is not None and users.height:
            x = self._inputs(users.with_columns(horizon_days=pl.lit(days, pl.Int32)))
            shares = self.parts_[0].predict(x, pred_contrib=True)  # (n_users, n_features + 1), the last the base
            told.parts[:, :-1], told.parts[:, -1], told.base[:] = shares[:, :-1], 0.0, shares[:, -1]
        return told._replace(base=told.base + self.slopes_[0] * np.log(self.horizon_days / days))

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether the rates of the stages stand in for the learner."""
        return self.parts_[0] is None and not users.is_empty()

    def _parts(self, rows: pl.DataFrame, seed: int) -> tuple[Any, Any]:
        """Train both parts on examples."""
        if not learnable(rows):
            return None, None
        x, idle = self._inputs(rows), rows["inactive"].to_numpy()
        untrained = configured(LEARNERS[self.learner].of_chance(seed), self.settings)
        of_chance = trained(untrained, x, idle.astype(np.int8))
        more = ~idle & (rows["horizon_days"].to_numpy() > 1)
        if more.sum() < LEAST_ACTIVE:
            return of_chance, None
        share = rows.select(fill()).to_series().to_numpy()[more]
        return of_chance, trained(LEARNERS[self.learner].of_share(seed), x[more], share)

    def _shares(self, users: pl.DataFrame, days: int) -> Floats:
        """Return the chance of no activity and the fill in a horizon that was learnt from, ``(2, n_users)``."""
        told = np.array(self.rates_.predict(users, days))
        if users.height:
            x = self._inputs(users.with_columns(horizon_days=pl.lit(days, pl.Int32)))
            for row, part in zip(told, self.parts_, strict=True):
                row[:] = row if part is None else chance(part, x)
        return np.clip(told, CLIP, 1 - CLIP)

    def _slopes(self, rows: pl.DataFrame) -> Floats:
        """Return how fast the log-odds of both parts change with the log of the length, ``(2,)``."""
        shortest, longest = self.lengths_
        if shortest == longest:
            return np.zeros(2)
        change = logit(self._shares(rows, longest)) - logit(self._shares(rows, shortest))
        return change.mean(axis=1) / np.log(longest / shortest)

    def _inputs(self, rows: pl.DataFrame) -> Floats:
        known = rows.select(self.names_).to_numpy().astype(np.float64)
        return np.hstack([covariates(rows, self.horizon_days, self.last_), known])


def chance(part: Any, x: Floats) -> Floats:
    """Return what a trained part says, as a number that is meant to be in [0, 1], ``(n_rows,)``."""
    return part.predict_proba(x)[:, 1] if hasattr(part, "predict_proba") else part.predict(x)
