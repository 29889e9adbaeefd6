"""The models of what a user will do, by name.

All of them tell two things about each user: the chance of no active day in the horizon, and the active days that are
expected in it. They learn from the same examples, and differ in what they take a user for: covariates with a weight
each (``glm``, ``hazard``), cells of the past (trees), a place in a space (``svm``, ``mlp``), or somebody who comes at
random until they are gone (``bgnbd`` and its kin), or the order of their last days (``lstm``). ``stack`` weighs some of
them against each other. A model that needs more than the features says so, and is brought it by who makes examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import polars as pl

from foretide.errors import UsageError
from foretide.users.contributions import Contributions, of_rates
from foretide.users.rates import Rates


class UserModel(Protocol):
    """What users will do in a horizon that begins ``LEAD_DAYS`` after they are looked at."""

    horizon_days: int

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns beside the features, of ``foretide.users.examples.BESIDE``."""
        ...

    def fit(self, examples: pl.DataFrame) -> Self:
        """Learn from the rows of ``foretide.users.examples.examples``, at least one, with what the model needs."""
        ...

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order."""
        ...

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return what the log-odds of no activity are made of.

        Raises
        ------
        UsageError
            If the model is a network and the backend of keras is not JAX.
        """
        ...


@runtime_checkable
class FallsBack(Protocol):
    """A model that tells rates where there is too little to learn from."""

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether some of the users of a feature table get the rates of their stage."""
        ...


#: The days between two visits where nobody has come twice.
NO_GAP_DAYS = 1.0
#: Fewest users that the four parameters of a buy-till-you-die model are learnt from.
LEAST_VISITORS = 30
#: What buy-till-you-die models look at.
VISITS = ("recency_days", "gap_mean_days", "active_days")


@dataclass
class Visitors:
    """A buy-till-you-die model that learns from users as of the latest cut-off of the examples.

    From fewer than ``LEAST_VISITORS`` four parameters cannot be learnt: the rates of their stages are told.

    Parameters
    ----------
    kind
        One of ``foretide.users.btyd.BUY_TILL_YOU_DIE``.
    horizon_days
        The horizon to tell about.
    settings
        Other parameters of the model than the defaults: ``penalty``.
    """

    needs: ClassVar[tuple[str, ...]] = ()

    kind: str
    horizon_days: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    rates_: Rates = field(init=False)
    model_: Any = field(init=False)  # None of too few users
    usual_: pl.DataFrame = field(init=False)  # one row

    def fit(self, examples: pl.DataFrame) -> Visitors:
        """Learn the four parameters of the population."""
        from foretide.users.btyd import BUY_TILL_YOU_DIE
        from foretide.users.coalitions import usual_user

        usual = usual_user(examples, VISITS).drop("stage")
        self.usual_ = usual.with_columns(pl.col("gap_mean_days").fill_nan(NO_GAP_DAYS))
        self.rates_, self.model_ = Rates().fit(examples), None
        if examples["user_id"].n_unique() >= LEAST_VISITORS:
            self.model_ = BUY_TILL_YOU_DIE[self.kind](self.horizon_days, **self.settings).fit_examples(examples)
        return self

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order."""
        return self.rates_.told(users, self.horizon_days) if self.model_ is None else self.model_.predict(users)

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether users get the rates of their stage, as there were too few to learn from."""
        return self.model_ is None and not users.is_empty()

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return what recency, rhythm and history add to the log-odds of no activity, exactly (see ``coalitions``)."""
        from foretide.users.coalitions import contributions_of

        if self.model_ is None:
            return of_rates(self.rates_, users, self.horizon_days, list(VISITS))
        # a user of one day has no gaps, and is lent the usual ones in coalitions with more days
        gaps = pl.col("gap_mean_days").fill_nan(self.usual_["gap_mean_days"].item())
        return contributions_of(self.predict, users.with_columns(gaps), self.usual_)


def glm(horizon_days: int, **settings: Any) -> UserModel:
    """Make the logistic hurdle."""
    from foretide.users.activity import ActivityModel

    return ActivityModel(horizon_days, **settings)


def hazard(horizon_days: int, **settings: Any) -> UserModel:
    """Make the hazard of the return."""
    from foretide.users.hazard import HazardModel

    return HazardModel(horizon_days, **settings)


def learner(name: str, horizon_days: int, **settings: Any) -> UserModel:
    """Make a model around a learner of scikit-learn or LightGBM."""
    from foretide.users.learners import LearnerModel

    return LearnerModel(name, horizon_days, settings=settings)


def visitors(kind: str, horizon_days: int, **settings: Any) -> UserModel:
    """Make a buy-till-you-die model."""
    return Visitors(kind, horizon_days, settings)


def lstm(horizon_days: int, **settings: Any) -> UserModel:
    """Make the network over users' last active days."""
    from foretide.users.sequence import SequenceLSTM

    return SequenceLSTM(horizon_days, **settings)


def stack(horizon_days: int, **settings: Any) -> UserModel:
    """Make the average of several models."""
    from foretide.users.stacking import Stack

    return Stack(horizon_days, **settings)


#: Name -> what makes an untrained model, given the length of the horizon in days and other settings than the defaults.
USER_MODELS: dict[str, Callable[..., UserModel]] = {
    "glm": glm,
    "hazard": hazard,
    "lightgbm": partial(learner, "lightgbm"),
    "tree": partial(learner, "tree"),
    "forest": partial(learner, "forest"),
    "svm": partial(learner, "svm"),
    "mlp": partial(learner, "mlp"),
    "bgnbd": partial(visitors, "BG/NBD"),
    "mbgnbd": partial(visitors, "MBG/NBD"),
    "paretonbd": partial(visitors, "Pareto/NBD"),
    "lstm": lstm,
    "stack": stack,
}


@dataclass(frozen=True)
class Chosen:
    """A model by name, with settings other than the defaults."""

    name: str = "glm"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def make(self, horizon_days: int) -> UserModel:
        """Make the model, not trained; errors as of ``user_model``."""
        return user_model(self.name, horizon_days, **self.settings)


def user_model(name: str, horizon_days: int, **settings: Any) -> UserModel:
    """Make an untrained model; ``settings`` are those of ``foretide.tune.spaces.SPACES``.

    Raises
    ------
    UsageError
        If there is no model of that name.
    """
    if name not in USER_MODELS:
        raise UsageError(f"there is no model {name!r} of users; choose one of {', '.join(USER_MODELS)}")
    return USER_MODELS[name](horizon_days, **settings)


def needs_of(models: Iterable[UserModel]) -> tuple[str, ...]:
    """Return what any of the models needs beside the features, in the order of the alphabet."""
    return tuple(sorted({need for model in models for need in model.needs}))


def coarse(model: UserModel, users: pl.DataFrame) -> bool:
    """Tell whether a model gives some users the rates of their stage, as there was too little to learn from."""
    return isinstance(model, FallsBack) and model.coarse(users)
