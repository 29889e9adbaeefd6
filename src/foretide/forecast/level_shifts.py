"""Sudden and lasting changes of level: the past before one is brought to the level after it.

Smoothing with a small gain, right for steady series, needs weeks to follow a step. Where the evidence of one is
strong, what came before is rescaled, so that the season is kept and the level is that of the days since.

Seen are the mean levels of whole seasons (weeks), on the log scale. A step counts if it is far beyond what chance does
to the means of the seasons before and since, if what came since stays on its new side, if it came at once, and if
there was no such step a year before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.forecast.lags import YEAR_STEPS
from foretide.forecast.method import Ahead, Method
from foretide.schema import Floats

#: Seasons since a step that are looked for; fewer may be a passing event, more are followed by smoothing.
SINCE = (2, 3, 4, 5, 6)
#: Seasons before it that tell the old level, and that tell how much levels change by chance.
BEFORE, USUAL = 6, 26
#: A step is at least this many standard errors, and the change at the step at least this share of it.
LEAST_Z = 7.0
AT_ONCE = 0.6
#: Smallest usual change, on the log scale.
LEAST_CHANGE = 0.02
#: A median of absolute changes times this is a standard deviation under a normal law.
MAD_TO_SD = 1.4826


def season_levels(y: Floats, season_length: int, most: int) -> Floats:
    """Return ``log(1 + mean)`` of the last whole seasons, ``(n_series, n_seasons)``, oldest first, at most so many."""
    n_seasons = min(y.shape[1] // season_length, most)
    whole = y[:, y.shape[1] - n_seasons * season_length :].reshape(len(y), n_seasons, season_length)
    return np.log1p(np.maximum(whole.mean(axis=2), 0.0))


def level_shifts(y: Floats, season_length: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the seasons since the last step of each series, 0 without one, and the step on the log scale.

    Parameters
    ----------
    y
        ``(n_series, n_steps)``, the past; NaN before a series began.
    season_length
        m.
    """
    levels = season_levels(y, season_length, max(SINCE) + USUAL)
    since, shift = np.zeros(len(y), np.int64), np.zeros(len(y))
    evidence = np.full(len(y), LEAST_Z)
    for k in SINCE:
        if levels.shape[1] < k + USUAL // 2:
            continue
        step = _step(levels, k)
        rows = _sudden(levels, step, k)  # few: what is dear is asked of these only
        z = np.abs(step[rows]) / _chance(levels[rows], k)
        passed = np.abs(_step_a_year_ago(y[rows], k, season_length)) > np.abs(step[rows]) / 2
        rows, z = rows[clear := (z > evidence[rows]) & ~passed], z[clear]
        since[rows], shift[rows], evidence[rows] = k, step[rows], z
    return since, shift


def _step(levels: Floats, k: int) -> Floats:
    """Return the step ``k`` seasons ago."""
    return levels[:, -k:].mean(axis=1) - levels[:, -k - BEFORE : -k].mean(axis=1)


def _sudden(levels: Floats, step: Floats, k: int) -> NDArray[np.intp]:
    """Return the rows whose step lasts and came at once."""
    after, before = levels[:, -k:], levels[:, -k - BEFORE : -k]
    middle = (after.mean(axis=1) + before.mean(axis=1))[:, None] / 2
    side = np.sign(step)[:, None]
    lasts = (side * (after - middle) > 0).all(axis=1) & (side * (before - middle) < 0).all(axis=1)
    at_once = side[:, 0] * (levels[:, -k] - levels[:, -k - 1]) >= AT_ONCE * np.abs(step)
    return np.flatnonzero(lasts & at_once)


def _chance(levels: Floats, k: int) -> Floats:
    """Return what chance does to a step ``k`` seasons ago."""
    changes = np.abs(np.diff(levels[:, -k - USUAL : -k], axis=1))
    usual = np.maximum(MAD_TO_SD * np.median(changes, axis=1), LEAST_CHANGE)  # that of two seasons' difference
    return usual * np.sqrt((1 / k + 1 / BEFORE) / 2)


def _step_a_year_ago(y: Floats, k: int, season_length: int) -> Floats:
    before = y[:, : max(y.shape[1] - round(YEAR_STEPS / season_length) * season_length, 0)]
    levels = season_levels(before, season_length, k + BEFORE)
    return np.nan_to_num(_step(levels, k)) if levels.shape[1] == k + BEFORE else np.zeros(len(y))


@dataclass
class Relevelled(Method):
    """A method that sees the past before a level shift at the level after it.

    Parameters
    ----------
    method
        What forecasts; of series each for itself, or with what it has learnt before.
    season_length
        Steps of a season.
    """

    method: Method
    season_length: int = 7

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        told = self.method.ahead(y, origins, h)
        for j, origin in enumerate(origins):
            since, shift = level_shifts(y[:, :origin], self.season_length)
            rows = np.flatnonzero(since)
            if rows.size:
                past = relevelled(y[rows, :origin], since[rows] * self.season_length, shift[rows])
                again = self.method.ahead(past, [origin], h)
                told.mean[rows, j], told.median[rows, j] = again.mean[:, 0], again.median[:, 0]
        return told


def relevelled(y: Floats, since: NDArray[np.int64], shift: Floats) -> Floats:
    """Return pasts ``(n_series, n_steps)`` whose steps before the last ``since`` have the shift added, as logs."""
    earlier = np.arange(y.shape[1]) < (y.shape[1] - since)[:, None]
    return np.where(earlier, np.expm1(np.log1p(np.maximum(y, 0.0)) + shift[:, None]).clip(0.0), y)
