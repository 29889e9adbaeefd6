"""Trials: how well a model did with some parameters."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from foretide.tune.spaces import Parameters, Range, Space


@dataclass(frozen=True)
class Trial:
    """How well a model did with some parameters."""

    parameters: Parameters  # none: the default
    losses: tuple[float, ...]  # log-loss of each fold that was tried, the latest first
    pruned: bool  # given up before the last fold
    seconds: float

    @property
    def loss(self) -> float:
        """Mean log-loss over the folds that were tried."""
        return self.loss_of_first(len(self.losses))

    def loss_of_first(self, n_folds: int) -> float:
        """Return the mean log-loss over the first folds."""
        return statistics.fmean(self.losses[:n_folds])

    @property
    def spread(self) -> float | None:
        """Standard deviation over the folds; None if there is one."""
        return statistics.stdev(self.losses) if len(self.losses) > 1 else None


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials, the best first; those that were given up come last."""
    return sorted(trials, key=lambda trial: (trial.pruned, not math.isfinite(trial.loss), trial.loss))


def table(trials: Sequence[Trial], space: Space) -> pl.DataFrame:
    """Return trials as a table, the best first.

    Returns
    -------
    pl.DataFrame
        ``trial`` (the number in which it was finished, from 1), a column for each parameter (null: the default),
        ``log_loss`` and ``spread`` (mean and standard deviation over folds), ``folds``, ``pruned``, ``seconds``.
    """
    numbers = {id(trial): number for number, trial in enumerate(trials, start=1)}
    rows = [
        (
            numbers[id(trial)],
            *(trial.parameters.get(name) for name in space),
            *(trial.loss, trial.spread, len(trial.losses), trial.pruned, trial.seconds),
        )
        for trial in ranked(trials)
    ]
    return pl.DataFrame(rows, schema=columns(space), orient="row")


def columns(space: Space) -> pl.Schema:
    """Return the columns of the table of trials."""
    kinds = {
        name: (pl.Int64() if values.whole else pl.Float64()) if isinstance(values, Range) else pl.String()
        for name, values in space.items()
    }
    measured = {
        "log_loss": pl.Float64(),
        "spread": pl.Float64(),
        "folds": pl.Int64(),
        "pruned": pl.Boolean(),
        "seconds": pl.Float64(),
    }
    return pl.Schema({"trial": pl.Int64(), **kinds, **measured})
