"""The chance that a user of a cell acts on a day: learnt from the counts of cells, moved along with the population.

A logistic regression on what a cell stands for, fitted to counts, so that its cost does not grow with the users; a
cell with many users keeps its own rate. How much more or less the population acts than this says, by weekday and
week, is a series of three groups of users (``foretide.users.return_levels``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.schema import Floats
from foretide.users.cell_regression import regression
from foretide.users.return_cells import Ints
from foretide.users.return_levels import group_of_cell, level_forecast

#: A day counts half of one so many days later.
HALF_LIFE_DAYS = 28
#: The regression counts for a cell like so many days of a user.
PRIOR_DAYS = 5.0
#: Levels of so many days are looked at.
LEVEL_DAYS = 182


def chances(there: Ints, active: Ints) -> Floats:
    """Return the daily chance of each cell, ``(N_CELLS,)``, as learnt from days ``(n_days, N_CELLS)``."""
    weight = 0.5 ** (np.arange(len(there))[::-1] / HALF_LIFE_DAYS)
    n, y = weight @ there, weight @ active
    prior = regression(n, y)
    return (y + PRIOR_DAYS * prior) / (n + PRIOR_DAYS)


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
