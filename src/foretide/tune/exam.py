"""What models are judged on when they are tuned: the examples of every fold, and what these stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import Floats
from foretide.text import say
from foretide.tune.folds import cutoff_of_test, rolling_folds
from foretide.tune.spaces import Parameters
from foretide.users.activity import learnable
from foretide.users.backtest import BASELINES
from foretide.users.examples import examples, history_begins, of_pairs, sample, with_beside
from foretide.users.models import user_model
from foretide.users.rates import Rates
from foretide.users.scores import scores


class Mark(NamedTuple):
    """What losses were measured on: only those with the same mark can be compared."""

    until: str  # the test cut-off in ISO 8601: nothing at or after it was looked at
    settings: str  # digest of what counts as activity and as a day
    data: str  # digest of the examples


@dataclass(frozen=True)
class Exam:
    """The examples of the folds, the latest fold first."""

    folds: Sequence[tuple[pl.DataFrame, pl.DataFrame]]  # to learn from, to be judged on
    horizon_days: int  # of the judging
    mark: Mark

    def loss(self, fold: int, model: str, parameters: Parameters) -> float:
        """Return the log-loss of the chances of no activity over all users of a fold; nan if there is a nan in them.

        ``model`` is one of ``foretide.users.models.USER_MODELS`` or of ``foretide.users.backtest.BASELINES``.
        """
        seen, ahead = self.folds[fold]
        happened = ahead["inactive"].to_numpy().astype(np.float64)
        return scores(happened, self._chances(seen, ahead, model, parameters)).log_loss

    def _chances(self, seen: pl.DataFrame, ahead: pl.DataFrame, model: str, parameters: Parameters) -> Floats:
        if model in BASELINES:
            return Rates(BASELINES[model]).fit(seen).predict(ahead, self.horizon_days)[0]
        made = user_model(model, self.horizon_days, **parameters)
        return made.fit(seen).predict(ahead)["p_inactive"].to_numpy()

    def limits(self, horizon_days: int) -> list[str]:
        """Return what a reader should know where the log could not tell all that was asked of it."""
        said = []
        if self.horizon_days < horizon_days:
            said.append(say("tune.shorter", asked=horizon_days, days=self.horizon_days))
        if len(self.folds) == 1:
            said.append(say("tune.one_fold"))
        if not all(learnable(seen) for seen, _ in self.folds):
            said.append(say("tune.stage_rates"))
        return said


def exam(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int,
    rule: LifecycleRule,
    needs: Sequence[str] = (),
    engine: Engine | None = None,
) -> Exam:
    """Return the examples of all folds before the test cut-off.

    Parameters
    ----------
    buckets
        The events.
    as_of
        End of what is known (exclusive), in UTC.
    horizon_days
        The horizon that is to be told.
    rule
        Which events count as activity, and when a user is churned.
    needs
        What the models need beside the features, of ``foretide.users.examples.BESIDE``.
    engine
        Where buckets are read; threads if None.

    Raises
    ------
    UsageError
        If the horizon is shorter than a day.
    NotEnoughDataError
        If there is no activity before the test cut-off, or too few days for a single fold.
    """
    if horizon_days < 1:
        raise UsageError(f"the horizon is {horizon_days} days; give 1 or more")
    until = cutoff_of_test(as_of, horizon_days, buckets.timezone)
    known = sample(buckets, until, engine)
    tenure_days = feature_table(known, [until], rule, engine=engine)["tenure_days"]
    first = until if tenure_days.is_empty() else history_begins(tenure_days, until)
    folds = rolling_folds(first, until, horizon_days, known.timezone)
    if not folds:
        raise NotEnoughDataError(
            f"there are too few days before {until:%Y-%m-%d} to tune on, as the last {horizon_days} before "
            f"{as_of:%Y-%m-%d} are left for the test; give a shorter horizon or a longer log"
        )
    pairs = sorted({pair for fold in folds for pair in (*fold.training, fold.validation)})
    rows = examples(known, pairs, rule, engine)
    mark = Mark(until.isoformat(), settings_digest(rule, known.timezone), digest(repr(folds), rows))
    rows = with_beside(rows, known, rule, needs, engine)
    parts = [(of_pairs(rows, fold.training), of_pairs(rows, [fold.validation])) for fold in folds]
    return Exam(parts, folds[0].validation[1], mark)


def settings_digest(rule: LifecycleRule, timezone: str) -> str:
    """Return what stands for the settings under which losses were measured."""
    return digest(repr((version("foretide"), rule, timezone)))


def digest(text: str, rows: pl.DataFrame | None = None) -> str:
    """Return sixteen letters that stand for a text and a table."""
    seen = blake2b(text.encode(), digest_size=8)
    if rows is not None:
        seen.update(rows.hash_rows().to_numpy().tobytes())
    return seen.hexdigest()
