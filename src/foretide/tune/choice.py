"""Which model tells what users will do: the best of several on the folds before the test cut-off, kept in a file.

Kept is the name and the settings, not what was learnt: a model learns anew from what is known at each moment that is
asked about, so nothing later can reach an earlier outlook.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from foretide.errors import DataError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.tune.exam import exam
from foretide.tune.leaderboard import best
from foretide.users.models import Chosen, needs_of, user_model

#: Tried where nobody says what to: each learns in seconds.
USUAL_MODELS = ("glm", "hazard", "tree", "bgnbd", "mbgnbd")
COMPARED = pl.Schema(
    {
        "model": pl.String(),
        "log_loss": pl.Float64(),  # mean over the folds, of the chance of no activity, over all users
        "worst": pl.Float64(),  # of the folds
        "seconds": pl.Float64(),
        "settings": pl.String(),  # other than the defaults, as JSON
    }
)


def compare(
    buckets: Buckets,
    as_of: datetime,
    workspace: Path,
    names: Sequence[str] = USUAL_MODELS,
    horizon_days: int = 28,
    rule: LifecycleRule | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return how good models are on the folds, ``COMPARED``, the best first; tuned settings are used where there are.

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
    rows = []
    for name, settings in tuned.items():
        begun = time.perf_counter()
        losses = [asked.loss(fold, name, settings) for fold in range(len(asked.folds))]
        seconds = time.perf_counter() - begun
        rows.append((name, statistics.fmean(losses), max(losses), seconds, json.dumps(settings)))
    return pl.DataFrame(rows, schema=COMPARED, orient="row").sort("log_loss", "model", nulls_last=True)


def choice_file(workspace: Path, horizon_days: int) -> Path:
    """Return where the choice for a horizon is kept."""
    return workspace / "models" / f"users-{horizon_days}.json"


def keep(workspace: Path, horizon_days: int, compared: pl.DataFrame) -> Chosen:
    """Keep the best model of a comparison, of at least one, and return it."""
    name, settings = compared.select("model", "settings").row(0)
    file = choice_file(workspace, horizon_days)
    file.parent.mkdir(exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"model": name, "settings": json.loads(settings)}), encoding="utf-8")
    new.replace(file)
    return Chosen(name, json.loads(settings))


def chosen(workspace: Path, horizon_days: int) -> Chosen:
    """Return the model that was kept for a horizon; the default if none was.

    Raises
    ------
    DataError
        If the file is broken.
    """
    file = choice_file(workspace, horizon_days)
    if not file.exists():
        return Chosen()
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Chosen(kept["model"], kept["settings"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is broken; delete it, or run foretide train users again") from error
