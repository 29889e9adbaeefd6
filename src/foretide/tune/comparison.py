"""Models of users beside each other and beside the simple rates, on the folds before the test cut-off."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.text import say
from foretide.tune.exam import Exam, exam
from foretide.tune.leaderboard import best
from foretide.tune.spaces import Parameters
from foretide.users.backtest import BASELINES
from foretide.users.models import USER_MODELS, needs_of, user_model

#: Tried where nobody says what to: each learns in seconds.
USUAL_MODELS = ("glm", "hazard", "tree", "bgnbd", "mbgnbd")
COMPARED = pl.Schema(
    {
        "model": pl.String(),  # or one of the simple rates
        "log_loss": pl.Float64(),  # mean over the folds, of the chance of no activity, over all users
        "worst": pl.Float64(),  # of the folds
        "seconds": pl.Float64(),
        "settings": pl.String(),  # other than the defaults, as JSON
    }
)


class Comparison(NamedTuple):
    """How good models are on the folds."""

    table: pl.DataFrame  # COMPARED, the best first
    until: datetime  # the test cut-off: nothing at or after it was looked at
    notes: tuple[str, ...]  # what a reader should know, in the language of the moment


def compare(
    buckets: Buckets,
    as_of: datetime,
    workspace: Path,
    names: Sequence[str] = USUAL_MODELS,
    horizon_days: int = 28,
    rule: LifecycleRule | None = None,
    engine: Engine | None = None,
) -> Comparison:
    """Compare models and the simple rates on the folds; tuned settings are used where there are.

    Parameters
    ----------
    buckets, as_of, horizon_days, rule, engine
        As of ``foretide.tune.exam.exam``; nothing at or after the test cut-off is looked at.
    workspace
        Folder of the workspace, with the leaderboards of ``tune``.
    names
        Of ``foretide.users.models.USER_MODELS``.

    Raises
    ------
    UsageError
        If there is no model of a name, or the horizon is shorter than a day.
    MissingExtraError
        If a model needs a library that is not installed.
    NotEnoughDataError
        If there are too few days for a single fold.
    """
    rule = rule or LifecycleRule()
    tuned = {name: best(workspace, name, horizon_days, as_of, rule, buckets.timezone) for name in names}
    models = [user_model(name, horizon_days, **settings) for name, settings in tuned.items()]
    asked = exam(buckets, as_of, horizon_days, rule, needs_of(models), engine)
    rates: dict[str, Parameters] = {name: {} for name in BASELINES}
    rows = [judged(asked, name, settings) for name, settings in (tuned | rates).items()]
    table = pl.DataFrame(rows, schema=COMPARED, orient="row")
    table = table.sort(pl.col("log_loss").fill_nan(None), "model", nulls_last=True)
    notes = (*asked.limits(horizon_days), *beaten(table))
    return Comparison(table, datetime.fromisoformat(asked.mark.until), notes)


def judged(asked: Exam, name: str, settings: Parameters) -> tuple[str, float, float, float, str]:
    """Return a row of ``COMPARED``."""
    begun = time.perf_counter()
    losses = [asked.loss(fold, name, settings) for fold in range(len(asked.folds))]
    seconds = time.perf_counter() - begun
    return name, statistics.fmean(losses), max(losses), seconds, json.dumps(settings)


def of_models(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ``COMPARED`` that are models and no simple rates."""
    return table.filter(pl.col("model").is_in(list(USER_MODELS)))


def beaten(table: pl.DataFrame) -> list[str]:
    """Return a sentence if a simple rate is better than all models of ``COMPARED``."""
    first, model = table.row(0, named=True), of_models(table).row(0, named=True)
    if first == model:
        return []
    losses = {"loss": f"{model['log_loss']:.4f}", "rate": f"{first['log_loss']:.4f}"}
    return [say("tune.no_better", model=model["model"], baseline=first["model"], **losses)]
