"""Where to look next in a search space, given what was tried.

Each search is a function of the trials that are finished: whoever goes on from a leaderboard, in a second run or beside
another process, goes on from all of it.

References
----------
Bergstra et al. (2011): Algorithms for hyper-parameter optimization. NIPS (the tree-structured Parzen estimator).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from foretide.errors import MissingExtraError
from foretide.tune.spaces import Parameters, Range, Space, drawn, tidy
from foretide.tune.trials import Trial

#: TPE begins with so many points at random.
STARTUP_TRIALS = 8
#: After so many points that were tried before, a space is taken to be used up.
TRIES = 100

#: Space, finished trials, source of chance -> what to try next; None if nothing is left.
Search = Callable[[Space, Sequence[Trial], np.random.Generator], Parameters | None]


def grid(space: Space, trials: Sequence[Trial], rng: np.random.Generator) -> Parameters | None:
    """Return a point of the grid that was not tried, at random: a budget that is too small still sees all corners."""
    tried = [trial.parameters for trial in trials]
    points = [dict(zip(space, point, strict=True)) for point in product(*(values.grid() for values in space.values()))]
    left = [point for point in points if point not in tried]
    return left[rng.integers(len(left))] if left else None


def random(space: Space, trials: Sequence[Trial], rng: np.random.Generator) -> Parameters | None:
    """Return a point at random that was not tried."""
    tried = [trial.parameters for trial in trials]
    points = (drawn(space, rng) for _ in range(TRIES))
    return next((point for point in points if point not in tried), None)


def tpe(space: Space, trials: Sequence[Trial], rng: np.random.Generator) -> Parameters | None:
    """Return where the tree-structured Parzen estimator looks next; a point at random where it was before.

    Raises
    ------
    MissingExtraError
        If Optuna is not installed.
    """
    told = study(space, trials, int(rng.integers(2**31)))
    asked = told.ask({name: distribution(values) for name, values in space.items()}).params
    point = {name: tidy(value) if isinstance(value, float) else value for name, value in asked.items()}
    if point not in [trial.parameters for trial in trials]:
        return point
    return random(space, trials, rng)


#: By the name under which they are asked for.
SEARCHES: dict[str, Search] = {"grid": grid, "random": random, "tpe": tpe}


def study(space: Space, trials: Sequence[Trial], seed: int) -> Any:
    """Return a study of Optuna that knows the trials with parameters."""
    optuna = optuna_or_error()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    told = optuna.create_study(sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=seed))
    distributions = {name: distribution(values) for name, values in space.items()}
    for trial in trials:
        if trial.parameters.keys() == space.keys():
            ended = outcome(trial)
            told.add_trial(optuna.trial.create_trial(**ended, params=trial.parameters, distributions=distributions))
    return told


def outcome(trial: Trial) -> dict[str, Any]:
    """Return how a trial ended, in the words of Optuna."""
    state = optuna_or_error().trial.TrialState
    if trial.pruned:
        return {"state": state.PRUNED, "intermediate_values": {len(trial.losses) - 1: trial.loss}}
    return {"value": trial.loss}


def distribution(values: Range | Any) -> Any:
    """Return the values of a setting as a distribution of Optuna."""
    known = optuna_or_error().distributions
    if not isinstance(values, Range):
        return known.CategoricalDistribution(values.options)
    if values.whole:
        return known.IntDistribution(int(values.low), int(values.high), log=values.log)
    return known.FloatDistribution(values.low, values.high, log=values.log)


def optuna_or_error() -> Any:
    """Return the library."""
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError(
            "the search 'tpe' needs optuna; install foretide[tune], or search by grid or random"
        ) from error
    return optuna
