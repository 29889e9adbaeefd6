"""How widely a user's interests will spread in the horizon, and whether a category comes new to the user.

Breadth is the Hill number 1 of the events of the horizon (exp of their entropy: the effective number of
categories), given that there are any: few events are never spread widely, so it is learnt from what past
horizons held and not read off a mix. A category is new if the user's first event in it ever falls into the
horizon. Both are told for users who come, and the chance of the second is weighed with the chance that they do::

    P(new) = (1 - p_inactive) * P(new | some event) + p_inactive * P(new | none)

The last is zero where every event counts as activity.

References
----------
Duan (1983), Smearing estimate: a nonparametric retransformation method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import STAGES, TS, Floats
from foretide.users.activity import MIN_OUTCOMES, thinned
from foretide.users.covariates import covariates, logged
from foretide.users.cutoffs import Pair, horizon, shifted
from foretide.users.logistic import logistic

#: Strength of the ridge penalty on the logarithm of breadth (scikit-learn's alpha).
PENALTY_ALPHA = 30.0
#: The rate of a stage is drawn to that of all with the weight of this many users, that to one half with two.
PRIOR_USERS, UNIFORM = 10.0, 2.0

BREADTH = pl.Schema({"user_id": pl.String(), "hill_1": pl.Float64(), "entered": pl.Boolean()})
#: With the place of the window.
IN_WINDOWS = pl.Schema({**BREADTH, "window": pl.Int32()})
COLUMNS = ("user_id", "category", "ts")

#: What a window of time is called and where it lies.
Window = tuple[datetime, datetime]


def breadth(buckets: Buckets, windows: Sequence[Window], engine: Engine | None = None) -> list[pl.DataFrame]:
    """Return ``BREADTH`` of the users with a category in each window (end exclusive), in one pass over the events.

    ``entered`` tells whether one of the categories was the user's first time. Threads read the buckets if there is no
    engine.
    """
    if not windows:
        return []
    found = concat_buckets(partial(breadth_part, windows=windows), buckets, IN_WINDOWS, engine)
    return [found.filter(pl.col("window") == n).drop("window") for n in range(len(windows))]


def breadth_part(buckets: Buckets, i: int, windows: Sequence[Window]) -> pl.DataFrame:
    """Return ``IN_WINDOWS`` of a bucket for one window or more."""
    until = max(end for _, end in windows)
    events = buckets.bucket(i, COLUMNS, until=until).filter(pl.col("category").is_not_null())
    told = events.select(*COLUMNS, first=pl.col("ts").min().over("user_id", "category"))
    parts = (_of_window(told, window).with_columns(window=pl.lit(n)) for n, window in enumerate(windows))
    return pl.concat(parts).cast(IN_WINDOWS)


def _of_window(events: pl.DataFrame, window: Window) -> pl.DataFrame:
    begin, end = (pl.lit(moment, TS) for moment in window)
    share = pl.col("n") / pl.col("n").sum()
    return (
        events.lazy()
        .filter(pl.col("ts") >= begin, pl.col("ts") < end)
        .group_by("user_id", "category")
        .agg(n=pl.len(), entered=(pl.col("first") >= begin).any())
        .group_by("user_id")
        .agg(hill_1=(-(share * share.log()).sum()).exp(), entered=pl.col("entered").any())
        .sort("user_id")
        .collect()
    )


def known_breadth(
    buckets: Buckets,
    cutoffs: Sequence[datetime],
    horizon_days: int,
    rule: LifecycleRule,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return what is known about users' breadth at cut-offs; threads read the buckets if there is no engine.

    Returns
    -------
    pl.DataFrame
        ``user_id, as_of``, the features of the theme ``interests``, and ``hill_1_last, entered_last`` of the days
        before the cut-off, as many as in the horizon.
    """
    windows = [(shifted(cutoff, -horizon_days, buckets.timezone), cutoff) for cutoff in cutoffs]
    last = stacked(breadth(buckets, windows, engine), list(cutoffs), "last")
    features = feature_table(buckets, cutoffs, rule, themes=("interests",), engine=engine).drop("stage")
    return features.join(last, on=["user_id", "as_of"], how="left", maintain_order="left")


def breadth_ahead(buckets: Buckets, pairs: Sequence[Pair], engine: Engine | None = None) -> pl.DataFrame:
    """Return ``user_id, as_of, horizon_days, hill_1_ahead, entered_ahead`` of who had a category in a horizon."""
    windows = [horizon(cutoff, days, buckets.timezone) for cutoff, days in pairs]
    found = breadth(buckets, windows, engine)
    tables = [stacked([table], [cutoff], "ahead") for table, (cutoff, _) in zip(found, pairs, strict=True)]
    lengths = [pl.lit(days, pl.Int32).alias("horizon_days") for _, days in pairs]
    return pl.concat(table.with_columns(days) for table, days in zip(tables, lengths, strict=True))


def stacked(tables: Sequence[pl.DataFrame], cutoffs: Sequence[datetime], when: str) -> pl.DataFrame:
    """Return tables of ``BREADTH`` below each other with ``as_of``; ``when`` ends the names of the figures."""
    names = {name: f"{name}_{when}" for name in ("hill_1", "entered")}
    parts = (table.with_columns(as_of=pl.lit(at, TS)) for table, at in zip(tables, cutoffs, strict=True))
    return pl.concat(parts).rename(names)


def with_breadth(
    rows: pl.DataFrame, buckets: Buckets, pairs: Sequence[Pair], rule: LifecycleRule, engine: Engine | None = None
) -> pl.DataFrame:
    """Return examples with what was known of the users' breadth and what came of it.

    Parameters
    ----------
    rows
        Of ``foretide.users.examples.examples``; those with the longest horizon are kept.
    buckets, pairs, rule
        What they are made of.
    engine
        Where buckets are read; threads if None.
    """
    days = max(days for _, days in pairs)
    whole = [pair for pair in pairs if pair[1] == days]
    known = known_breadth(buckets, sorted({cutoff for cutoff, _ in whole}), days, rule, engine)
    ahead = breadth_ahead(buckets, whole, engine)
    return (
        rows.filter(pl.col("horizon_days") == days)
        .join(known, on=["user_id", "as_of"], maintain_order="left")
        .join(ahead, on=["user_id", "as_of", "horizon_days"], how="left", maintain_order="left")
        .with_columns(pl.col("entered_ahead").fill_null(value=False))
    )


@dataclass
class BreadthModel:
    """Expected breadth, and the chance that a category comes new to a user.

    Parameters
    ----------
    horizon_days
        The horizon to tell about.
    rng
        Seed or generator for the thinning of large training sets.
    """

    horizon_days: int
    rng: int | np.random.Generator = 0
    days_: int = field(init=False)  # length of the horizon learnt from
    last_: datetime = field(init=False)  # last training cut-off
    rates_: Floats = field(init=False)  # (2, n_stages) P(new) of who did not come, and of who did
    enters_: Any = field(init=False)  # None where too few did or did not
    breadth_: Any = field(init=False)  # of log Hill 1; None if nobody had a category
    smearing_: float = field(init=False)  # mean of exp(residual)

    def fit(self, examples: pl.DataFrame) -> BreadthModel:
        """Learn from the rows of ``with_breadth``, at least one."""
        self.days_ = int(examples["horizon_days"].max())  # type: ignore[arg-type]
        self.last_ = examples["as_of"].max()  # type: ignore[assignment]
        self.rates_ = np.stack([rates(examples.filter(pl.col("inactive") != came)) for came in (False, True)])
        came = thinned(examples.filter(~pl.col("inactive")), np.random.default_rng(self.rng))
        entered = came["entered_ahead"].cast(pl.Float64).to_numpy()
        rare = min(entered.sum(), len(entered) - entered.sum())
        self.enters_ = logistic(self._covariates(came), entered) if rare >= MIN_OUTCOMES else None
        self._fit_breadth(came.filter(pl.col("hill_1_ahead").is_not_null()))
        return self

    def _fit_breadth(self, rows: pl.DataFrame) -> None:
        from sklearn.linear_model import Ridge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.breadth_, self.smearing_ = None, 1.0
        if not rows.is_empty():
            x, y = self._covariates(rows), np.log(rows["hill_1_ahead"].to_numpy())
            self.breadth_ = make_pipeline(StandardScaler(), Ridge(PENALTY_ALPHA)).fit(x, y)
            self.smearing_ = float(np.exp(y - self.breadth_.predict(x)).mean())

    def predict(self, users: pl.DataFrame, p_inactive: Floats) -> pl.DataFrame:
        """Return ``expected_hill_1, p_new_category`` of users, in their order; null if no event has a category.

        Parameters
        ----------
        users
            Feature table with the columns of ``known_breadth``.
        p_inactive
            ``(n_users,)``: chance of no event in the horizon.
        """
        if self.breadth_ is None:
            return pl.DataFrame({name: [None] * users.height for name in ("expected_hill_1", "p_new_category")})
        x = self._covariates(users)
        hill = np.maximum(np.exp(self.breadth_.predict(x)) * self.smearing_, 1.0)
        silent, came = self.rates_[:, codes(users)]
        came = came if self.enters_ is None else self.enters_.predict_proba(x)[:, 1]
        given = [1 - (1 - p) ** (self.horizon_days / self.days_) for p in (silent, came)]
        p = np.asarray(p_inactive)
        return pl.DataFrame({"expected_hill_1": hill, "p_new_category": p * given[0] + (1 - p) * given[1]})

    def _covariates(self, rows: pl.DataFrame) -> Floats:
        alike = rows.with_columns(horizon_days=pl.lit(self.days_, pl.Int32))
        return np.concatenate([covariates(alike, self.days_, self.last_), rows.select(of_breadth()).to_numpy()], axis=1)


def of_breadth() -> list[pl.Expr]:
    """Return the covariates of breadth so far; what is not defined counts as 0."""
    explored = pl.col("new_category_expected").fill_nan(0.0).fill_null(0.0)
    expected_new = explored * pl.col("events_decayed_28").fill_nan(0.0)
    return [
        *(logged(name) for name in ("categories", "categories_hill_1", "categories_hill_2", "hill_1_last")),
        pl.col("hill_1_last").is_not_null().cast(pl.Float64).alias("was_there"),
        pl.col("entered_last").fill_null(value=False).cast(pl.Float64),
        explored,
        pl.col("new_category_share").fill_nan(0.0).fill_null(0.0),
        pl.col("top_category_share").fill_nan(0.0).fill_null(0.0),
        expected_new.log1p().alias("expected_new"),
    ]


def codes(users: pl.DataFrame) -> Any:
    """Return users' stages as indices into ``STAGES``."""
    return users["stage"].replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64).to_numpy()


def rates(rows: pl.DataFrame) -> Floats:
    """Return the share of users with a new category by stage, drawn to that of all, ``(n_stages,)``."""
    entered = rows["entered_ahead"].to_numpy()
    if not entered.any():
        return np.zeros(len(STAGES))
    n, yes = (np.bincount(codes(some), minlength=len(STAGES)) for some in (rows, rows.filter(entered)))
    everyone = (yes.sum() + 0.5 * UNIFORM) / (n.sum() + UNIFORM)
    return (yes + PRIOR_USERS * everyone) / (n + PRIOR_USERS)
