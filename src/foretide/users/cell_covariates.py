"""What a cell of users stands for, as covariates of a regression.

A young log has seen no long silence and no user of long standing. What sets such cells apart is zero for all others
and so has no coefficient, and a silence longer than any seen is told by the longest: nothing is carried on beyond
what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.features.clock import Longs
from foretide.schema import Floats
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
)

Bools = NDArray[np.bool_]

#: Length of silence of each cell, an index of ``SILENCES``.
SILENCE_OF_CELL = np.arange(N_CELLS) % SILENCES.size
#: Penalties on the squared coefficients: of the intercept, of what a cell stands for, of the levels it has.
FREE, PENALTY, OWN_PENALTY = 1e-6, 2.0, 2.0


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
    known = ~part.new
    alone = [quiet, quiet**2, x1, x2, days, density, known]
    together = [quiet * x1, quiet * x2, quiet * days, quiet * density, quiet * known]
    return np.stack([*alone, *together, known * days, x1 * x2, x1 * density], axis=1).astype(np.float64)
