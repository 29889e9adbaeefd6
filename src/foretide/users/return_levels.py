"""By how much more or less the population acts than its cells say: the level of groups of users, day by day ahead.

Half is what the engine of series forecasts, half the usual week moved along with its trend: the one knows slow swings,
the other does not take a few lively days for a new level. Groups are told by silence, in windows of W days: for less
than one, for less than it takes to churn, and longer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.features.clock import Longs
from foretide.forecast.engine import run
from foretide.schema import Floats, Panel
from foretide.users.cell_covariates import SILENCE_OF_CELL
from foretide.users.return_cells import SILENCES, Ints
from foretide.users.weekly_trend import FEW, as_weeks, growth_ahead, ratio, week_weights, weekday_factors, whole_weeks

#: First silence of the groups after the first, in W.
GROUPS_W = (1, 4)
#: Active users added to what happened on a day and to what was expected, before the one is divided by the other.
DOUBT = 5.0


def group_of_cell(window_days: int) -> Longs:
    """Return the group of each cell, ``(N_CELLS,)``."""
    firsts = np.array(GROUPS_W) * window_days
    return np.searchsorted(firsts, SILENCES[SILENCE_OF_CELL], side="right")


def level_forecast(
    there: Ints, active: Ints, dates: NDArray[np.datetime64], h: int, base: Floats, groups: Longs
) -> Floats:
    """Return by how much the odds of each group will be higher than ``base`` says, ``(n_groups, h)``.

    Parameters
    ----------
    there, active
        Counts of the days before, ``(n_days, N_CELLS)``.
    dates
        Those days.
    h
        Days ahead.
    base
        The chance of each cell, ``(N_CELLS,)``.
    groups
        The group of each cell, ``(N_CELLS,)``.
    """
    names = [f"level-{k}" for k in range(len(GROUPS_W) + 1)]
    came = np.stack([active[:, groups == k].sum(axis=1) for k in range(len(names))]).astype(np.float64)
    expected = np.stack([there[:, groups == k] @ base[groups == k] for k in range(len(names))])
    told = run(Panel(names, dates, (came + DOUBT) / (expected + DOUBT)), h, models=()).forecast.mean
    if not whole_weeks(len(dates)):
        return told
    return np.sqrt(np.maximum(told, 0.0) * usual_week(as_weeks(came), as_weeks(expected), h))


def usual_week(came: Floats, expected: Floats, h: int) -> Floats:
    """Return the level of each group by the weighted weeks, their trend and the weekday, ``(n_groups, h)``.

    Parameters
    ----------
    came, expected
        Users who acted and who were expected to, ``(n_groups, n_weeks, 7)``.
    h
        Days ahead.
    """
    weights = week_weights(came.shape[1])
    seen, thought = came.sum(axis=2), expected.sum(axis=2)  # (n_groups, n_weeks)
    noise = 1.0 / (seen.mean(axis=1) + FEW)
    growth = growth_ahead(np.log(ratio(seen, thought)), noise, h)
    n_effective = 1.0 / (weights @ weights)
    level = ratio(seen @ weights * n_effective, thought @ weights * n_effective)
    by_weekday = weekday_factors(came.sum(axis=(0, 1)), expected.sum(axis=(0, 1)))  # of all groups together
    return level[:, None] * np.exp(growth) * np.resize(by_weekday, h)
