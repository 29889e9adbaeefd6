"""Which stage each user will be in at the end of the horizon.

The chances follow from whether the user comes at all::

    P(stage) = p_inactive * P(stage | no event) + (1 - p_inactive) * P(stage | some event)

``p_inactive`` is given, so the stages agree with it whatever model it is from; ``next_stage_bounds`` says how
exactly. Each of the two conditional parts is a multinomial logistic regression on the covariates of the
outlook, for users who are churned at the cut-off and for the others apart; stages that the lifecycle rule puts
out of reach have no chance, and the others share it.

The stage at the end depends on the length of the horizon in ways that no slope describes, so only cut-offs
with the longest horizon teach. Where that is shorter than what is asked, its conditional parts are kept: only
``p_inactive`` and what is out of reach are of the horizon asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import STAGES, TS, Floats
from foretide.users.activity import MIN_OUTCOMES, eligible, thinned
from foretide.users.covariates import covariates
from foretide.users.cutoffs import Pair, horizon
from foretide.users.next_stage_bounds import possible

#: The chances of stages at the end of the horizon, in the order of ``STAGES``.
CHANCES = tuple(f"p_{stage}" for stage in STAGES)
#: Inverse strength of the ridge penalty (scikit-learn's C).
PENALTY_C = 0.03
#: Each stage counts as if it had been seen this often more: one that never occurred keeps a small chance.
PRIOR_SEEN = 0.5
#: Rates of a stage are drawn to those of all with the weight of this many users.
PRIOR_USERS = 10.0
#: Where less than this of what was learnt is within reach, nothing like it was seen.
LEAST_WITHIN = 0.5

Codes = NDArray[np.int64]


def stages_ahead(
    buckets: Buckets, pairs: Sequence[Pair], rule: LifecycleRule, engine: Engine | None = None
) -> pl.DataFrame:
    """Return the stage of every user at the end of the horizon of each pair, in one pass over the events.

    Threads read the buckets if there is no engine.

    Returns
    -------
    pl.DataFrame
        ``user_id, as_of, horizon_days, stage_ahead``; also of users who came after the cut-off.
    """
    ends = [(cutoff, days, horizon(cutoff, days, buckets.timezone)[1]) for cutoff, days in pairs]
    table = pl.DataFrame(ends, schema={"as_of": TS, "horizon_days": pl.Int32, "end": TS}, orient="row")
    stages = feature_table(buckets, [end for *_, end in ends], rule, themes=(), engine=engine)
    return stages.rename({"as_of": "end", "stage": "stage_ahead"}).join(table, on="end").drop("end")


def with_stages_ahead(
    rows: pl.DataFrame, buckets: Buckets, pairs: Sequence[Pair], rule: LifecycleRule, engine: Engine | None = None
) -> pl.DataFrame:
    """Return examples (``foretide.users.examples.examples``) with ``stage_ahead``; engine as in ``stages_ahead``."""
    keys = ["user_id", "as_of", "horizon_days"]
    return rows.join(stages_ahead(buckets, pairs, rule, engine), on=keys, maintain_order="left")


def codes(stages: pl.Series) -> Codes:
    """Return stages as indices into ``STAGES``."""
    return stages.replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64).to_numpy()


@dataclass
class TransitionRates:
    """The share of users of each stage who are in each stage a horizon later: a static Markov chain's matrix."""

    matrix_: Floats = field(init=False)  # (n_stages, n_stages), rows add to one

    def fit(self, now: Codes, ahead: Codes) -> TransitionRates:
        """Learn from stages at cut-offs and at the ends of their horizons, ``(n_users,)`` each."""
        counts = np.zeros((len(STAGES), len(STAGES)))
        np.add.at(counts, (now, ahead), 1.0)
        everyone = (counts.sum(axis=0) + PRIOR_SEEN) / (counts.sum() + PRIOR_SEEN * len(STAGES))
        self.matrix_ = (counts + PRIOR_USERS * everyone) / (counts.sum(axis=1, keepdims=True) + PRIOR_USERS)
        return self

    def predict(self, now: Codes) -> Floats:
        """Return the chances of stages, ``(n_users, n_stages)``."""
        return self.matrix_[now]


@dataclass
class StageLogit:
    """A multinomial logistic regression that knows of every stage, seen or not."""

    n_: int = field(init=False)
    seen_: Codes = field(init=False)  # (n_seen,) stages with examples
    model_: Any = field(init=False)

    def fit(self, x: Floats, ahead: Codes) -> StageLogit:
        """Learn from covariates ``(n_rows, n_covariates)`` and at least two stages ``(n_rows,)``."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.n_, self.seen_ = len(ahead), np.unique(ahead)
        logit = LogisticRegression(C=PENALTY_C, max_iter=300)
        self.model_ = make_pipeline(StandardScaler(), logit).fit(x, ahead)
        return self

    def predict(self, x: Floats) -> Floats:
        """Return the chances of stages, ``(n_rows, n_stages)``."""
        chances = np.full((len(x), len(STAGES)), PRIOR_SEEN)
        chances[:, self.seen_] += self.n_ * self.model_.predict_proba(x)
        return chances / (self.n_ + PRIOR_SEEN * len(STAGES))


@dataclass
class NextStageModel:
    """Chances of the stages at the end of the horizon.

    Parameters
    ----------
    horizon_days
        The horizon to tell about.
    rule
        The lifecycle rule.
    rng
        Seed or generator for the thinning of large training sets.
    """

    horizon_days: int
    rule: LifecycleRule = field(default_factory=LifecycleRule)
    rng: int | np.random.Generator = 0
    days_: int = field(init=False)  # length of the horizon learnt from
    last_: datetime = field(init=False)  # last training cut-off
    rates_: dict[bool, TransitionRates] = field(init=False)  # by whether users came
    groups_: dict[tuple[bool, bool], StageLogit] = field(init=False)  # by whether users came and were eligible

    def fit(self, examples: pl.DataFrame) -> NextStageModel:
        """Learn from the rows of ``with_stages_ahead`` with the longest horizon, at least one."""
        self.days_ = int(examples["horizon_days"].max())  # type: ignore[arg-type]
        self.last_ = examples["as_of"].max()  # type: ignore[assignment]
        rng = np.random.default_rng(self.rng)
        whole = examples.filter(pl.col("horizon_days") == self.days_)
        self.rates_, self.groups_ = {}, {}
        for came in (True, False):
            rows = whole.filter(pl.col("inactive") != came)
            self.rates_[came] = TransitionRates().fit(codes(rows["stage"]), codes(rows["stage_ahead"]))
            for group in (True, False):
                part = thinned(rows.filter(pl.col("eligible") == group), rng)
                if learnable(part):
                    x = self._covariates(part, came=came)
                    self.groups_[came, group] = StageLogit().fit(x, codes(part["stage_ahead"]))
        return self

    def predict(self, users: pl.DataFrame, p_inactive: Floats) -> pl.DataFrame:
        """Return ``CHANCES`` of each row of a feature table, in its order; a row adds to one.

        Parameters
        ----------
        users
            Feature table.
        p_inactive
            ``(n_users,)``: chance of no event in the horizon.
        """
        p = np.asarray(p_inactive)[:, None]
        chances = p * self.given(users, came=False) + (1 - p) * self.given(users, came=True)
        return pl.DataFrame(chances, schema=CHANCES, orient="row")

    def given(self, users: pl.DataFrame, *, came: bool) -> Floats:
        """Return the chances of stages if the users come in the horizon, or do not, ``(n_users, n_stages)``."""
        chances = self._within_reach(users, came=came)
        return chances / chances.sum(axis=1, keepdims=True)

    def borne_out(self, users: pl.DataFrame) -> NDArray[np.bool_]:
        """Tell of whom the stage at the end is known if they come, ``(n_users,)``.

        It is not where most of those like them were, after shorter horizons, in stages that are out of reach now.
        """
        return self._within_reach(users, came=True).sum(axis=1) >= LEAST_WITHIN

    def _within_reach(self, users: pl.DataFrame, *, came: bool) -> Floats:
        """Return the chances that were learnt of the stages within reach, ``(n_users, n_stages)``."""
        chances = self.rates_[came].predict(codes(users["stage"]))
        here = eligible(users).to_numpy()
        for (of, group), model in self.groups_.items():
            rows = np.flatnonzero(here == group)
            if of == came and len(rows):
                chances[rows] = model.predict(self._covariates(users[rows], came=came))
        return chances * possible(users, self.horizon_days, self.rule, came=came)

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether some of the users get the rates of their stage, for want of examples of who came."""
        return not {(True, group) for group in eligible(users).unique()} <= self.groups_.keys()

    def _covariates(self, rows: pl.DataFrame, *, came: bool) -> Floats:
        alike = rows.with_columns(horizon_days=pl.lit(self.days_, pl.Int32))
        reach = possible(rows, self.days_, self.rule, came=came).astype(np.float64)
        return np.concatenate([covariates(alike, self.days_, self.last_), reach], axis=1)


def learnable(examples: pl.DataFrame) -> bool:
    """Tell whether enough users were in another stage at the end than most were."""
    seen = np.bincount(codes(examples["stage_ahead"]), minlength=len(STAGES))
    return int(seen.sum() - seen.max()) >= MIN_OUTCOMES
