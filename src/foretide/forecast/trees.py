"""Boosted trees for all series of a panel: one step ahead from the steps before, again and again.

A series is seen as the logarithm of its counts, beside its own mean and in units of its own spread. What the trees see
is single steps back, means of one and four seasons, and the place in each season; they say the median of the next
step, and that stands for the truth in the step after.

References
----------
Januschowski et al. (2022), Forecasting with trees, International Journal of Forecasting 38. Montero-Manso and Hyndman
(2021), Principles and algorithms for forecasting groups of time series: locality and globality, International Journal
of Forecasting 37.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from foretide.forecast.baselines import SeasonalWindowAverage
from foretide.forecast.forest import Floats32, Forest
from foretide.forecast.method import Ahead, Method
from foretide.forecast.trial import backtest_origins
from foretide.schema import Floats

#: Seasons whose single steps are seen; means reach one further back.
SEASONS_BACK = 4
#: The shortest season is at most this long; what a year of weeks or months teaches was not measured.
LONGEST_SEASON = 24
#: Windows that the trees are shown at most, and below which there is too little to learn. Twice as many were no better
#: on earlier origins of real panels of 180 and 113 series.
MOST_WINDOWS = 10_000
LEAST_WINDOWS = 1_000
#: Widths of a window that must be known, so that windows lie in different weeks.
LEAST_WIDTHS = 2
#: A series' spread on the log scale is at least this.
LEAST_SPREAD = 1e-3

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sight:
    """What of a series is seen.

    Parameters
    ----------
    seasons
        Their lengths in steps, ascending, each above 1.
    """

    seasons: tuple[int, ...]

    @property
    def width(self) -> int:
        """Steps before the one that is forecast."""
        return (SEASONS_BACK + 1) * self.seasons[0]

    def features(self, seen: Floats32, step: Ints) -> Floats32:
        """Return ``(n_features, n_rows)`` of the steps before ``(width, n_rows)`` and the numbers of the next ones."""
        m = self.seasons[0]
        parts = seen[-m:], seen[m:], seen[-2 * m : -m], seen[:-m]
        places = (step % season for season in self.seasons)
        return np.vstack([seen[m:], *(part.mean(axis=0) for part in parts), *places], dtype=np.float32)


def sight(season_lengths: Sequence[int]) -> Sight | None:
    """Return what is seen of series with these seasons; None if trees are not for them."""
    seasons = tuple(sorted(m for m in set(season_lengths) if m > 1))
    return Sight(seasons) if seasons and seasons[0] <= LONGEST_SEASON else None


def learn(y: Floats, season_lengths: Sequence[int], rng: int = 0) -> Forest | None:
    """Return trees that have learnt the past of a panel; None if there is too little to learn.

    Parameters
    ----------
    y
        ``(n_series, n_steps)``, NaN before a series began and nowhere else.
    season_lengths
        All seasons that steps may have.
    rng
        Seed: windows above ``MOST_WINDOWS`` are drawn at random, independent of the order of the series.
    """
    seen = sight(season_lengths)
    if seen is None or y.shape[1] < LEAST_WIDTHS * seen.width:
        return None
    features, target = shown(y, seen, rng)
    return Forest.learn(features, target, rng) if target.size >= LEAST_WINDOWS else None


def shown(y: Floats, seen: Sight, rng: int = 0) -> tuple[Floats32, Floats]:
    """Return features ``(n_rows, n_features)`` and next steps ``(n_rows,)`` of some windows of a panel."""
    z = np.log1p(np.maximum(y, 0.0))
    mean, spread = usual(z, [z.shape[1]])
    z = (z - mean) / spread
    series, step = windows(z, seen.width, np.random.default_rng(rng))
    before = z[series, step - np.arange(seen.width, 0, -1)[:, None]].astype(np.float32)
    return seen.features(before, step).T, z[series, step]


def taught(y: Floats, h: int, season_lengths: Sequence[int]) -> dict[int, Forest]:
    """Return what trees learn by the first origin of a backtest where they can, and by now, by the steps known.

    Parameters
    ----------
    y
        ``(n_series, n_steps)``, as in ``learn``.
    h
        Steps ahead that are asked for.
    season_lengths
        As in ``learn``.

    Returns
    -------
    dict[int, Forest]
        Empty if there is nothing to learn by the last origin.
    """
    for origin in backtest_origins(y.shape[1], h, min(season_lengths))[0]:
        if then := learn(y[:, :origin], season_lengths):
            now = learn(y, season_lengths)
            return {origin: then} | ({y.shape[1]: now} if now else {})
    return {}


def windows(z: Floats, width: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return series and steps with ``width`` known steps before, at most ``MOST_WINDOWS``."""
    begun = np.isnan(z).sum(axis=1)
    order = np.lexsort((begun, z[:, -1], np.nansum(np.abs(z), axis=1)))  # in whatever order the series are given
    first = begun[order] + width
    fitting = np.maximum(z.shape[1] - first, 0)
    ends, total = np.cumsum(fitting), int(fitting.sum())
    chosen = np.arange(total) if total <= MOST_WINDOWS else np.sort(rng.choice(total, MOST_WINDOWS, replace=False))
    place = np.searchsorted(ends, chosen, side="right")
    return order[place], z.shape[1] - (ends[place] - chosen)


def usual(z: Floats, origins: Sequence[int]) -> tuple[Floats, Floats]:
    """Return mean and spread of each series up to each origin, ``(n_series, n_origins)``; NaN if it has not begun."""
    at = np.asarray(origins) - 1
    known = ~np.isnan(z)
    filled = np.where(known, z, 0.0)
    count = np.cumsum(known, axis=1)[:, at]
    total, squares = (np.cumsum(part, axis=1)[:, at] for part in (filled, filled**2))
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    variance = np.maximum(squares / np.maximum(count, 1) - mean**2, 0.0)
    return mean, np.maximum(np.sqrt(variance), LEAST_SPREAD)


@dataclass
class BoostedTrees(Method):
    """One set of boosted trees for all series; a median.

    Parameters
    ----------
    season_lengths
        All seasons that steps may have; the shortest from 2 to ``LONGEST_SEASON`` steps.
    forests
        What was learnt before (``taught``), by the number of steps that were known: from an origin, the last one learnt
        by then is used, and before the first nothing is said. If None, trees are learnt from what is known at the first
        origin, and used from all; where that is too little, the mean of the same place in the season is said.
    rng
        Seed.
    """

    pools: ClassVar[bool] = True

    season_lengths: Sequence[int] = (7,)
    forests: Mapping[int, Forest] | None = None
    rng: int = 0

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        seen, forests = sight(self.season_lengths), self.forests
        if forests is None:
            first = learn(y[:, : origins[0]], self.season_lengths, self.rng)
            forests = {origins[0]: first} if first else {}
            if first is None:
                return SeasonalWindowAverage(min(self.season_lengths)).ahead(y, origins, h)
        z = np.log1p(np.maximum(y, 0.0))
        mean, spread = usual(z, origins)
        middle = np.full((len(z), len(origins), h), np.nan)
        for j, origin in enumerate(origins):
            if seen is None or not (known := [n_steps for n_steps in forests if n_steps <= origin]):
                continue
            forest = forests[max(known)]
            scaled = (z[:, max(origin - seen.width, 0) : origin] - mean[:, [j]]) / spread[:, [j]]
            middle[:, j] = _on_and_on(forest, seen, scaled, origin, h) * spread[:, [j]] + mean[:, [j]]
        middle = np.maximum(np.expm1(middle), 0.0)
        return Ahead(middle, middle.copy())


def _on_and_on(forest: Forest, seen: Sight, scaled: Floats, origin: int, h: int) -> Floats:
    """Return the next ``h`` steps, ``(n_series, h)``; before a series began it is taken for its mean."""
    steps = np.zeros((seen.width + h, len(scaled)), np.float32)
    steps[seen.width - scaled.shape[1] : seen.width] = np.nan_to_num(scaled).T
    for k in range(h):
        number = np.full(len(scaled), origin + k)
        steps[seen.width + k] = forest.predict(seen.features(steps[k : seen.width + k], number))
    return steps[seen.width :].T.astype(np.float64)
