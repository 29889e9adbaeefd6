"""How long the season of each series is: as long as with it the ensemble erred least at the origins of the backtest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretide.evaluate.backtest import Said
from foretide.evaluate.metrics import mean_of_known
from foretide.forecast.ensemble import CLEARLY_BETTER, pooled_and_shrunk, relative_squares
from foretide.forecast.intervals import usual_change
from foretide.forecast.method import Method
from foretide.forecast.trial import LEAST_SEASONS, Point, Trial, Verdict, judge, try_methods
from foretide.schema import Floats

#: A series has another season than the panel if its shrunk error is less by this share. On earlier origins of six real
#: panels 1 % made two of them .1 and .2 % worse and one 1 % better, 3 % changed nothing: all their series have a week.
ANOTHER_SEASON = 0.03


class Best(NamedTuple):
    """The season that is best for all series, and what was tried with the own one of each."""

    season_length: int
    trial: Trial
    verdict: Verdict


def best_trial(
    y: Floats,
    h: int,
    season_lengths: Sequence[int],
    methods: Callable[[int], Mapping[str, Method]],
    point: Point = "median",
) -> Best:
    """Try seasons of several lengths; each series has the one with the least error.

    Errors are compared at the origins that all seasons share, in units of the usual change from step to step. Few
    origins tell little of a series alone: it has the season that is best for all, unless its own errors, drawn towards
    those of all, are clearly less with another that was tried at the same origins. These must reach over the longest
    season: days without a weekend do not tell a day from a week. A season of which fewer than ``LEAST_SEASONS`` are
    known is not tried.
    """
    known = [m for m in season_lengths if y.shape[1] >= LEAST_SEASONS * m] or [1]
    trials = [try_methods(y, h, m, methods(m), point) for m in known]
    shared = sorted(set.intersection(*(set(trial.origins) for trial in trials)))
    if len(known) == 1 or not shared:
        return Best(known[0], trials[0], judge(trials[0]))
    verdicts = [judge(trial) for trial in trials]
    squares = squares_of_seasons(y, trials, verdicts, shared)
    best = season_of_all(squares, known)
    own = own_season(squares, best)
    seen = shared[-1] + trials[best].h - shared[0]
    if (own == best).all() or seen < max(known) or shared != trials[best].origins:
        return Best(known[best], trials[best], verdicts[best])
    mixed = each_its_own([trial.at(shared) for trial in trials], own)
    return Best(known[best], mixed, judge(mixed))


def squares_of_seasons(
    y: Floats, trials: Sequence[Trial], verdicts: Sequence[Verdict], origins: Sequence[int]
) -> Floats:
    """Return the mean squared scaled error with each season, ``(n_seasons, n_series, n_origins)``."""
    errors = []
    for trial, verdict in zip(trials, verdicts, strict=True):
        at = [trial.origins.index(origin) for origin in origins]
        errors.append(verdict.past[:, at] - trial.happened[:, at])
    return relative_squares(np.stack(errors), usual_change(y, origins, 1))


def season_of_all(squares: Floats, season_lengths: Sequence[int]) -> int:
    """Return the place of the season with the least error over all series; of the longest unless it is clearly less.

    An unneeded season costs little, as it is learnt to be flat; a week that is missed may cost a quarter of the error.

    Parameters
    ----------
    squares
        As ``squares_of_seasons``.
    season_lengths
        Steps of each season.
    """
    errors = [mean_of_known(np.sqrt(of_season)) for of_season in squares]
    longest, least = int(np.argmax(season_lengths)), int(np.argmin(errors))
    return least if errors[least] < (1.0 - CLEARLY_BETTER) * errors[longest] else longest


def own_season(squares: Floats, best: int) -> NDArray[np.int64]:
    """Return which season each series has: the best one of all, unless another is clearly better for it.

    Parameters
    ----------
    squares
        As ``squares_of_seasons``.
    best
        The season of the panel.
    """
    errors = np.sqrt(pooled_and_shrunk(squares)[1])
    clear = errors.min(axis=0) < (1.0 - ANOTHER_SEASON) * errors[best]
    return np.where(clear, errors.argmin(axis=0), best)


def each_its_own(trials: Sequence[Trial], which: NDArray[np.int64]) -> Trial:
    """Return the trial in which each series has its row of the trial at its place of ``which`` ``(n_series,)``."""
    rows = np.arange(which.size)

    def own(parts: Sequence[Floats]) -> Floats:
        return np.stack(parts)[which, rows]

    said = {
        name: Said(own([t.said[name].mean for t in trials]), own([t.said[name].median for t in trials]))
        for name in trials[0].said
    }
    now = np.stack([own(of_method) for of_method in zip(*(t.now for t in trials), strict=True)])
    return replace(trials[0], said=said, now=now, scale=own([t.scale for t in trials]))
