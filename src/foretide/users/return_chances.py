"""The chance that a user of a cell acts on a day: learnt from the counts of cells, moved along with the population.

A logistic regression on what a cell stands for, fitted to counts, so that its cost does not grow with the users; a
cell with many users keeps its own rate. How much more or less the population acts than this says, by weekday and
week, is a series of three groups of users (silent for a week, for less than it takes to churn, and longer) which the
engine of series forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.features.clock import Longs
from foretide.forecast.engine import run
from foretide.schema import Floats, Panel
from foretide.users.return_cells import (
    BEFORE,
    DENSITY,
    EVER,
    N_CELLS,
    N_HABITS,
    N_NEW,
    RARE_DAYS,
    RECENT,
    SILENCES,
    SO_FAR,
    Ints,
)

Bools = NDArray[np.bool_]

#: Length of silence of each cell, an index of ``SILENCES``.
SILENCE_OF_CELL = np.arange(N_CELLS) % SILENCES.size

#: A day counts half of one so many days later.
HALF_LIFE_DAYS = 28
#: Penalties on the squared coefficients: of the intercept, of what a cell stands for, of the levels it has.
FREE, PENALTY, OWN_PENALTY = 1e-6, 2.0, 2.0
#: The regression counts for a cell like so many days of a user.
PRIOR_DAYS = 5.0
#: Steps of Newton's method, how often one is halved, and the relative gain in likelihood at which it ends.
MAX_STEPS, HALVINGS, TOLERANCE = 50, 20, 1e-8
#: Active users added to what happened and to what was expected, before the one is divided by the other.
DOUBT = 5.0
#: First silence of the groups whose level is forecast, in W.
GROUPS_W = (1, 4)
#: Levels of so many days are looked at.
LEVEL_DAYS = 182


def chances(there: Ints, active: Ints) -> Floats:
    """Return the daily chance of each cell, ``(N_CELLS,)``, as learnt from days ``(n_days, N_CELLS)``."""
    weight = 0.5 ** (np.arange(len(there))[::-1] / HALF_LIFE_DAYS)
    n, y = weight @ there, weight @ active
    prior = regression(n, y)
    return (y + PRIOR_DAYS * prior) / (n + PRIOR_DAYS)


def regression(n: Floats, y: Floats) -> Floats:
    """Return the chance of each cell by a penalised logistic regression on ``y`` successes in ``n`` trials."""
    x, penalty = design(n)
    seen = n > 0
    fit = Fit(x[seen], n[seen], y[seen], penalty)
    beta = np.zeros(x.shape[1])
    beta[0] = np.log((y.sum() + 0.5) / (n.sum() - y.sum() + 0.5))
    for _ in range(MAX_STEPS):
        better = fit.improved(beta)
        if fit.loss(beta) - fit.loss(better) < TOLERANCE * abs(fit.loss(beta)):
            break
        beta = better
    return logistic(x @ beta)


@dataclass(frozen=True)
class Fit:
    """A penalised logistic regression on counts."""

    x: Floats  # (n_cells, n_covariates)
    n: Floats  # (n_cells,)
    y: Floats  # (n_cells,)
    penalty: Floats  # (n_covariates,)

    def loss(self, beta: Floats) -> float:
        """Return the negative log-likelihood with the penalty."""
        z = self.x @ beta
        return float(np.sum(self.n * np.logaddexp(0.0, z) - self.y * z) + 0.5 * np.sum(self.penalty * beta**2))

    def improved(self, beta: Floats) -> Floats:
        """Return the coefficients after a step of Newton, halved until it does not make things worse."""
        p = logistic(self.x @ beta)
        slope = self.x.T @ (self.y - self.n * p) - self.penalty * beta
        curvature = (self.x.T * (self.n * p * (1 - p))) @ self.x + np.diag(self.penalty)
        step = np.linalg.solve(curvature, slope)
        for _ in range(HALVINGS):
            if self.loss(beta + step) <= self.loss(beta):
                return beta + step
            step = step / 2
        return beta


def design(n: Floats) -> tuple[Floats, Floats]:
    """Return covariates of all cells ``(N_CELLS, n_covariates)``, in units of those with users, and penalties."""
    part = parts(longest_silence(n))
    figures = cell_figures(part)
    seen = figures[n > 0] if n.any() else figures
    varied = np.ptp(seen, axis=0) > 0
    figures = (figures[:, varied] - seen[:, varied].mean(axis=0)) / seen[:, varied].std(axis=0)
    own = cell_levels(part)
    own = own[:, own[n > 0].any(axis=0)]
    x = np.concatenate([np.ones((N_CELLS, 1)), figures, own], axis=1)
    penalty = np.concatenate([[FREE], np.full(figures.shape[1], PENALTY), np.full(own.shape[1], OWN_PENALTY)])
    return x, penalty


@dataclass(frozen=True)
class Parts:
    """What the number of each cell says, ``(N_CELLS,)`` each."""

    silence: Longs
    habit: Longs
    new: Bools
    rare: Bools
    recent: Longs  # levels, of those who are not new
    before: Longs
    ever: Longs


def longest_silence(n: Floats) -> int:
    """Return the longest length of silence that anybody of ``n`` users by cell has, an index of ``SILENCES``."""
    return int((np.flatnonzero(n) % SILENCES.size).max(initial=0))


def parts(longest: int) -> Parts:
    """Take the numbers of the cells apart; a silence longer than ``longest`` is told by that one."""
    habit, silence = np.divmod(np.arange(N_CELLS), SILENCES.size)
    silence = np.minimum(silence, longest)
    new = habit < N_NEW
    both, ever = np.divmod(np.maximum(habit - N_NEW, 0), EVER.size)
    recent, before = np.divmod(both, BEFORE.size)
    return Parts(silence, habit, new, ~new & (RECENT[recent] + BEFORE[before] <= RARE_DAYS), recent, before, ever)


def cell_levels(part: Parts) -> Floats:
    """Return which silence and which levels of activity each cell has, as zeros and ones, ``(N_CELLS, n_levels)``."""
    levels = [np.eye(SILENCES.size)[SILENCE_OF_CELL], np.eye(N_HABITS)[part.habit][:, :N_NEW]]
    known = ~part.new[:, None]
    levels += [np.eye(RECENT.size)[part.recent] * known, np.eye(BEFORE.size)[part.before] * known]
    return np.concatenate([*levels, np.eye(EVER.size)[part.ever] * part.rare[:, None]], axis=1)


def cell_figures(part: Parts) -> Floats:
    """Return what each cell stands for in logarithms, with products, ``(N_CELLS, n_figures)``."""
    quiet = np.log(SILENCES[part.silence])
    so_far = np.log(SO_FAR[part.habit % SO_FAR.size])
    days = np.where(part.new, so_far, np.where(part.rare, np.log(EVER[part.ever]), 0.0))
    density = np.where(part.new | part.rare, 0.0, DENSITY[part.ever])
    x1, x2 = (np.where(part.new, 0.0, np.log1p(x)) for x in (RECENT[part.recent], BEFORE[part.before]))
    known = ~part.new  # as a young log has no such users, what sets them apart is zero for the others
    alone = [quiet, quiet**2, x1, x2, days, density, known]
    together = [quiet * x1, quiet * x2, quiet * days, quiet * density, quiet * known]
    return np.stack([*alone, *together, known * days, x1 * x2, x1 * density], axis=1).astype(np.float64)


def logistic(z: Floats) -> Floats:
    """Return 1 / (1 + exp(-z))."""
    return 1.0 / (1.0 + np.exp(-np.clip(z, -30.0, 30.0)))


def chances_ahead(there: Ints, active: Ints, dates: NDArray[np.datetime64], h: int, window_days: int) -> Floats:
    """Return the chance of each cell on each of the ``h`` days after the counts, ``(h, N_CELLS)``.

    Parameters
    ----------
    there, active
        Counts of the days before, ``(n_days, N_CELLS)``.
    dates
        Those days.
    h
        Days ahead.
    window_days
        W of the lifecycle rule.
    """
    base = chances(there, active)
    groups = group_of_cell(window_days)
    recent = slice(-LEVEL_DAYS, None)
    levels = level_forecast(there[recent], active[recent], dates[recent], h, base, groups)  # (n_groups, h)
    odds = base / (1.0 - base) * levels.T[:, groups]
    return odds / (1.0 + odds)


def group_of_cell(window_days: int) -> NDArray[np.int64]:
    """Return the group of each cell, ``(N_CELLS,)``."""
    firsts = np.array(GROUPS_W) * window_days
    return np.searchsorted(firsts, SILENCES[SILENCE_OF_CELL], side="right")


def level_forecast(
    there: Ints, active: Ints, dates: NDArray[np.datetime64], h: int, base: Floats, groups: NDArray[np.int64]
) -> Floats:
    """Return by how much the odds of each group will be higher than ``base`` says, ``(n_groups, h)``."""
    names = [f"level-{k}" for k in range(len(GROUPS_W) + 1)]
    came = np.stack([active[:, groups == k].sum(axis=1) for k in range(len(names))])
    expected = np.stack([there[:, groups == k] @ base[groups == k] for k in range(len(names))])
    return run(Panel(names, dates, (came + DOUBT) / (expected + DOUBT)), h).forecast.mean
