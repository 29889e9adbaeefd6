"""The test of an outlook: what it would have told one horizon ago, against what users did since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from foretide.errors import UsageError
from foretide.evaluate.metrics import rmse
from foretide.schema import Floats
from foretide.users.activity import ActivityModel
from foretide.users.cutoffs import LEAD_DAYS, Pair, shifted
from foretide.users.examples import of_pairs, training_pairs
from foretide.users.margins import MARGINS, margins
from foretide.users.models import UserModel, user_model
from foretide.users.rates import Rates
from foretide.users.scores import QUALITY, groups, quality

MODEL, STAGE_RATE, POPULATION_RATE = "foretide", "stage rate", "population rate"
#: The column of the rates of each baseline.
BASELINES = {STAGE_RATE: "stage", POPULATION_RATE: None}

#: How well the active days of a group of users were told.
DAYS_QUALITY = pl.Schema(
    {
        "stage": pl.String(),
        "model": pl.String(),
        "days_rmse": pl.Float64(),  # days
        "days_bias": pl.Float64(),  # expected sum over the sum that came, less 1; null where none came
    }
)
#: Models and baselines beside each other.
COMPARISON = pl.Schema({**QUALITY, **DAYS_QUALITY, **MARGINS})


@dataclass(frozen=True)
class Trial:
    """One horizon ago: the pairs that were over by then, and the pair to tell about."""

    training: Sequence[Pair]
    test: Pair

    @property
    def pairs(self) -> list[Pair]:
        """All pairs whose examples the trial needs; none if there was nothing to learn from."""
        return [*self.training, self.test] if self.training else []


def trial(first: datetime, as_of: datetime, horizon_days: int, timezone: str) -> Trial:
    """Return the trial on the last whole horizon before ``as_of``."""
    cutoff = shifted(as_of, -LEAD_DAYS - horizon_days, timezone)
    return Trial(training_pairs(first, cutoff, horizon_days, timezone), (cutoff, horizon_days))


def backtest(rows: pl.DataFrame, of: Trial, make: Callable[[int], UserModel] = ActivityModel) -> pl.DataFrame:
    """Return the scores of the model and of simple rates in a trial.

    All learn from what was over by the cut-off of the trial; where the log was then too short for the
    horizon, they carry shorter ones on.

    Parameters
    ----------
    rows
        The examples of the trial's pairs, with what the models need beside; others are left out.
    of
        The trial.
    make
        What makes the model for a horizon in days.

    Returns
    -------
    pl.DataFrame
        ``QUALITY``; empty if there was nothing to learn from, or nobody to test on.
    """
    seen, test = of_pairs(rows, of.training), of_pairs(rows, [of.test])
    if seen.is_empty() or test.is_empty():
        return pl.DataFrame(schema=QUALITY)
    chances = {MODEL: make(of.test[1]).fit(seen).predict(test)["p_inactive"].to_numpy()}
    for name, by in BASELINES.items():
        chances[name] = Rates(by).fit(seen).predict(test, of.test[1])[0]
    return quality(test, chances)


def compare(
    rows: pl.DataFrame, of: Trial, names: Sequence[str], against: Sequence[str] = tuple(BASELINES)
) -> pl.DataFrame:
    """Return how well some models and the simple rates told what came in a trial, for each group of users.

    Parameters
    ----------
    rows
        The examples of the trial's pairs, with what the models need beside; others are left out.
    of
        The trial.
    names
        Some of ``foretide.users.models.USER_MODELS``.
    against
        Those of the names and of the two rates that the margins are taken against: the best of them in each group.

    Returns
    -------
    pl.DataFrame
        ``COMPARISON``; empty if there was nothing to learn from, or nobody to test on.

    Raises
    ------
    UsageError
        If there is no model of such a name, or one to take margins against does not take part.
    """
    for name in against:
        if name not in (*names, *BASELINES):
            raise UsageError(f"margins against {name!r} need it among the models {', '.join((*names, *BASELINES))}")
    models = {name: user_model(name, of.test[1]) for name in names}
    seen, test = of_pairs(rows, of.training), of_pairs(rows, [of.test])
    if seen.is_empty() or test.is_empty():
        return pl.DataFrame(schema=COMPARISON)
    told = {name: model.fit(seen).predict(test) for name, model in models.items()}
    told |= {name: Rates(by).fit(seen).told(test, of.test[1]) for name, by in BASELINES.items()}
    return judged(test, told, against)


def judged(test: pl.DataFrame, told: Mapping[str, pl.DataFrame], against: Sequence[str]) -> pl.DataFrame:
    """Return ``COMPARISON`` of what models told of the users of examples."""
    chances = {name: table["p_inactive"].to_numpy() for name, table in told.items()}
    days = {name: table["expected_active_days"].to_numpy() for name, table in told.items()}
    keys = ["stage", "model"]
    parts = (days_quality(test, days), margins(test, chances, against))
    whole = quality(test, chances)
    for part in parts:
        whole = whole.join(part, on=keys, how="left", maintain_order="left")
    return whole.select(COMPARISON.names())


def days_quality(seen: pl.DataFrame, days: Mapping[str, Floats]) -> pl.DataFrame:
    """Return ``DAYS_QUALITY`` of expected days ``(n_users,)`` for each model, against ``active_days_ahead``."""
    happened = seen["active_days_ahead"].to_numpy().astype(np.float64)
    rows = [
        (stage, model, rmse(happened[there], expected[there]), bias(happened[there], expected[there]))
        for stage, there in groups(seen).items()
        for model, expected in days.items()
    ]
    return pl.DataFrame(rows, schema=DAYS_QUALITY, orient="row")


def bias(happened: Floats, expected: Floats) -> float | None:
    """Return by what share the expected sum is too high; None if nothing happened."""
    total = float(happened.sum())
    return float(expected.sum()) / total - 1 if total else None
