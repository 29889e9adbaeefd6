"""Smoothing around a season that the series of a panel share as far as they do.

The season of a quiet series drowns in its noise, and that of the whole panel is well known. Each series' seasonal
effects are drawn towards the panel's, the more the less certain they are (empirical Bayes); what is left is smoothed
without a season.

References
----------
Efron and Morris (1975), Data analysis using Stein's estimator and its generalizations, JASA 70.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from foretide.forecast.method import Ahead, Method
from foretide.forecast.smoothing import ALPHAS, BETAS, Point, smooth
from foretide.schema import Floats

#: The season is that of this many last seasons.
N_SEASONS = 12
#: Fewest seasons that tell effects from noise.
LEAST_SEASONS = 2
#: Variance of effects that agree exactly.
LEAST_VARIANCE = 1e-6


@dataclass
class PooledSeason(Method):
    """Damped smoothing of ``log(1 + y)`` around a season shrunk to that of the panel; the forecast is a median."""

    pools: ClassVar[bool] = True

    season_length: int = 7

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        z = np.log1p(np.maximum(y, 0.0))
        if self.season_length == 1:  # no season that an origin could see too much of: one pass for all
            middle, _ = smooth(z, origins, h, 1, points())
            return Ahead(np.expm1(middle), np.expm1(middle))
        middle = np.stack([self._expect(z[:, :origin], h) for origin in origins], axis=1)
        return Ahead(np.expm1(middle), np.expm1(middle))

    def _expect(self, z: Floats, h: int) -> Floats:
        """Return the forecast of the steps after ``z``, ``(n_series, h)``, on its scale."""
        m, n_steps = self.season_length, z.shape[1]
        effects = shared_season(z, m)  # (n_series, m), the first for the step after the last
        rest = z - effects[:, (np.arange(n_steps) - n_steps) % m]
        middle, _ = smooth(rest, [n_steps], h, 1, points())
        return middle[:, 0] + effects[:, np.arange(h) % m]


def points() -> list[Point]:
    """Return every parameter point of a smoothing without a season."""
    return [(alpha, beta, 0.0) for alpha, beta in product(ALPHAS, BETAS)]


def shared_season(z: Floats, season_length: int) -> Floats:
    """Return each series' effect of each place in the season, ``(n_series, season_length)``; zero if nothing is known.

    Parameters
    ----------
    z
        ``(n_series, n_steps)``, NaN before a series began. The first place is that of the step after the last.
    season_length
        m.
    """
    n_series, n_steps = z.shape
    n_seasons = min(N_SEASONS, n_steps // season_length)
    if n_seasons < LEAST_SEASONS:
        return np.zeros((n_series, season_length))
    seasons = z[:, n_steps - n_seasons * season_length :].reshape(n_series, n_seasons, season_length)
    apart = seasons - seasons.mean(axis=2, keepdims=True)  # NaN for a season that is not known as a whole
    known = (~np.isnan(apart[:, :, 0])).sum(axis=1)
    enough = known >= LEAST_SEASONS
    if not enough.any():
        return np.zeros((n_series, season_length))
    own, noise = _effects(apart[enough], known[enough])
    weight = 1.0 / (noise + LEAST_VARIANCE)
    panel = (weight * own).sum(axis=0) / weight.sum()
    spread = max(float(np.mean((own - panel) ** 2 - noise)), LEAST_VARIANCE)
    effects = np.tile(panel, (n_series, 1))
    effects[enough] += spread / (spread + noise) * (own - panel)
    return effects


def _effects(apart: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Return the mean effect of each place, ``(n, m)``, and the variance of such a mean, ``(n, 1)``."""
    there = ~np.isnan(apart)
    n = known[:, None]
    mean = np.where(there, apart, 0.0).sum(axis=1) / n
    squares = np.where(there, (apart - mean[:, None]) ** 2, 0.0).sum(axis=1) / (n - 1)
    return mean, squares.mean(axis=1, keepdims=True) / n
