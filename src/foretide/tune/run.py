"""The search for the settings with which a model of users tells best, within a budget of time and trials.

The first trial is the model as it is, so the winner is never worse than it on the folds. A trial is given up when it
is worse than that and than half of the finished ones on the folds so far.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from foretide.errors import UsageError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.text import say
from foretide.tune.exam import Exam, exam
from foretide.tune.leaderboard import Board, board_file, keep, read, writer
from foretide.tune.searches import SEARCHES, Search
from foretide.tune.spaces import Parameters, Space, edges, space_of
from foretide.tune.trials import Trial, ranked, table
from foretide.users.models import user_model

#: Nothing is given up before so many trials went through all folds.
RIVALS = 5
#: All events keep a user alive; churned after four weeks without one.
USUAL_RULE = LifecycleRule()

#: Called with each trial of this run, and its number on the leaderboard.
Progress = Callable[[Trial, int], object]


@dataclass(frozen=True)
class Tuned:
    """The leaderboard at the end of a run."""

    trials: pl.DataFrame  # leaderboard.table
    best: Parameters  # empty if nothing was better than the default
    notes: tuple[str, ...]  # what a reader should know, in the language of the moment


@dataclass
class Budget:
    """How far a search may go."""

    trials: int  # on the leaderboard, those of earlier runs among them
    minutes: float = math.inf  # of this run
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise UsageError(f"a budget of {self.trials} trials is none; give 1 or more")
        if not self.minutes > 0:
            raise UsageError(f"a budget of {self.minutes:g} minutes is none; give more than 0")


def tune(
    buckets: Buckets,
    as_of: datetime,
    workspace: Path,
    model: str = "glm",
    horizon_days: int = 28,
    rule: LifecycleRule = USUAL_RULE,
    *,
    budget: Budget,
    search: str = "tpe",
    seed: int = 0,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Tuned:
    """Tune a model; every finished trial is on the leaderboard at once, and a later run goes on from there.

    Several processes may tune the same model at a time: each looks elsewhere, and knows the trials of all.

    Parameters
    ----------
    buckets
        The events.
    as_of
        End of what is known (exclusive), in UTC. The last horizon before it is for the test, and not looked at.
    workspace
        Folder of the leaderboard.
    model, search
        One of ``SPACES`` and one of ``SEARCHES``.
    horizon_days
        The horizon that is to be told.
    rule
        Which events count as activity, and when a user is churned.
    budget
        How far to go.
    seed
        Of what is drawn at random.
    progress
        Called after each trial.
    engine
        Where buckets are read; threads if None.

    Raises
    ------
    UsageError
        If there is no such model or search, or the seed is negative.
    MissingExtraError
        If the search or the model needs a library that is not installed.
    NotEnoughDataError
        If the log is too short for the test and a single fold before it.
    StorageError
        If the leaderboard cannot be written.
    """
    space = space_of(model)
    if search not in SEARCHES:
        raise UsageError(f"there is no search {search!r}; choose one of {', '.join(SEARCHES)}")
    if seed < 0:
        raise UsageError(f"the seed is {seed}; give 0 or more")
    asked = exam(buckets, as_of, horizon_days, rule, user_model(model, horizon_days).needs, engine)
    path = board_file(workspace, model, horizon_days)
    with writer(path) as number:
        while not spent(budget, trials := read(path, asked.mark).trials):
            parameters = following(space, trials, SEARCHES[search], [seed, number])
            if parameters is None:
                break
            trial = tried(asked, model, parameters, trials)
            place = keep(path, asked.mark, trial)
            if place is not None and progress is not None:
                progress(trial, place)
    board = read(path, asked.mark)
    found = ranked(board.trials)[0].parameters
    return Tuned(table(board.trials, space), found, tuple(notes(board, asked, space, horizon_days)))


def following(space: Space, trials: Sequence[Trial], search: Search, seed: Sequence[int]) -> Parameters | None:
    """Return what to try next, the default first; None if nothing is left."""
    if default_of(trials) is None:
        return {}
    return search(space, trials, np.random.default_rng([*seed, len(trials)]))


def spent(budget: Budget, trials: Sequence[Trial]) -> bool:
    """Tell whether to stop: never before the model was tried as it is, nor with a trial that would end too late."""
    if default_of(trials) is None:
        return False
    usual_s = statistics.fmean(trial.seconds for trial in trials)
    return len(trials) >= budget.trials or time.monotonic() - budget.begun + usual_s > budget.minutes * 60


def default_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial of the model as it is; None if there was none yet."""
    return next((trial for trial in trials if not trial.parameters), None)


def tried(asked: Exam, model: str, parameters: Parameters, trials: Sequence[Trial]) -> Trial:
    """Judge a model on the folds, the latest first, until it is hopeless."""
    begun, losses = time.perf_counter(), list[float]()
    for fold in range(len(asked.folds)):
        losses.append(asked.loss(fold, model, parameters))
        if parameters and hopeless(losses, trials):
            break
    seconds = round(time.perf_counter() - begun, 3)
    return Trial(parameters, tuple(losses), len(losses) < len(asked.folds), seconds)


def hopeless(losses: Sequence[float], trials: Sequence[Trial]) -> bool:
    """Tell whether the mean of the losses on the first folds is no number, or above the default's and the median."""
    mean = statistics.fmean(losses)
    finished = [trial for trial in trials if not trial.pruned]
    if math.isnan(mean) or len(finished) < RIVALS:
        return math.isnan(mean)
    rivals = [trial.loss_of_first(len(losses)) for trial in finished]
    default = default_of(finished)
    return mean > statistics.median(rivals) and (default is None or mean > default.loss_of_first(len(losses)))


def notes(board: Board, asked: Exam, space: Space, horizon_days: int) -> list[str]:
    """Return what a reader should know about how the leaderboard came about."""
    said = [outcome(board.trials)]
    if at_end := edges(space, ranked(board.trials)[0].parameters):
        said.append(say("tune.edge", names=", ".join(at_end)))
    said += asked.limits(horizon_days)
    if board.n_stale:
        said.append(say("tune.stale", n=board.n_stale))
    if board.n_torn:
        said.append(say("tune.torn", n=board.n_torn))
    return said


def outcome(trials: Sequence[Trial]) -> str:
    """Return what the search has won, in a sentence."""
    best, default = ranked(trials)[0], default_of(trials)
    if default is None or not best.parameters:
        return say("tune.default_best", n=len(trials), loss=f"{best.loss:.4f}")
    better = sum(one < other for one, other in zip(best.losses, default.losses, strict=True))
    chosen = ", ".join(f"{name}={value}" for name, value in best.parameters.items())
    losses = {"loss": f"{best.loss:.4f}", "default": f"{default.loss:.4f}"}
    return say("tune.best", chosen=chosen, **losses, better=better, folds=len(best.losses))
