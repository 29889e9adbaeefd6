"""Damped Holt-Winters with an additive season, for a whole panel and many parameter points in one pass.

A series is smoothed with every point of a parameter grid side by side; a point's forecast counts by the
likelihood of its one-step errors. One pass over the past answers for any number of origins: whatever stands at
an origin has seen nothing later.

References
----------
Hyndman, Koehler, Ord, Snyder (2008), Forecasting with Exponential Smoothing, model (A, Ad, A).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numba import njit

from foretide.schema import Floats

ALPHAS = (0.01, 0.03, 0.08, 0.2, 0.5)
BETAS = (0.0, 0.02, 0.08)  # as a share of alpha's correction
GAMMAS = (0.01, 0.05, 0.15)
PHI = 0.97
#: Errors count towards the likelihood with this half-life, so that a point is judged by the recent past.
MEMORY_STEPS = 180.0
#: Seasons at the beginning that set level and season, and those whose errors do not count.
START_SEASONS = 4
WARM_UP_SEASONS = 2


@dataclass(frozen=True)
class HoltWinters:
    """Batched damped Holt-Winters.

    Parameters
    ----------
    log
        Smooth ``log(1 + y)`` instead of ``y``: effects are then multiplicative and the forecast a median.
    season_length
        Steps of a season; 1 for none.
    """

    log: bool = True
    season_length: int = 7

    def forecast(self, y: Floats, origins: Sequence[int], h: int) -> Floats:
        """Return forecasts from each origin, as ``Forecaster.forecast``."""
        z = np.log1p(np.maximum(y, 0.0)) if self.log else y
        grid = np.array(list(product(ALPHAS, BETAS, GAMMAS)), dtype=np.float32)
        ahead = _holt_winters(
            z.astype(np.float32), np.asarray(origins, dtype=np.int64), h, self.season_length, grid
        )
        return np.expm1(ahead) if self.log else ahead


@njit(cache=True, nogil=True)
def _holt_winters(  # type: ignore[no-untyped-def]
    z, origins, h, m, grid
):
    n_series = z.shape[0]
    out = np.full((n_series, origins.size, h), np.nan)
    for i in range(n_series):
        first = 0
        while first < z.shape[1] and np.isnan(z[i, first]):
            first += 1
        cut = 0
        # the start takes in several seasons: an origin inside them must not see the rest of them
        while cut < origins.size and origins[cut] < first + START_SEASONS * m:
            if origins[cut] > first:
                _smooth(z[i, : origins[cut]], first, origins[cut : cut + 1], h, m, grid, out[i, cut : cut + 1])
            cut += 1
        if cut < origins.size:
            _smooth(z[i], first, origins[cut:], h, m, grid, out[i, cut:])
    return out


@njit(cache=True, nogil=True, fastmath=True)
def _smooth(z, first, origins, h, m, grid, out):  # type: ignore[no-untyped-def]
    n_points = grid.shape[0]
    alpha, beta, gamma = grid[:, 0].copy(), grid[:, 1].copy(), grid[:, 2].copy()
    level = np.zeros(n_points, np.float32)
    trend = np.zeros(n_points, np.float32)
    season = np.zeros((m, n_points), np.float32)
    _start(z, first, m, level, season)
    sse = np.full(n_points, np.float32(1e-6))
    phi, keep = np.float32(PHI), np.float32(0.5 ** (1.0 / MEMORY_STEPS))
    count = np.float32(0.0)
    cut = 0
    for t in range(first, z.size + 1):
        if origins[cut] == t:
            _ahead(level, trend, season, sse, count, t, h, m, phi, out[cut])
            cut += 1
            if cut == origins.size:
                return
        judged = t >= first + WARM_UP_SEASONS * m
        if judged:
            count = count * keep + np.float32(1.0)
        now = season[t % m]
        x = z[t]
        for p in range(n_points):
            damped = phi * trend[p]
            error = x - level[p] - damped - now[p]
            if judged:
                sse[p] = sse[p] * keep + error * error
            level[p] += damped + alpha[p] * error
            trend[p] = damped + beta[p] * alpha[p] * error
            now[p] += gamma[p] * (np.float32(1.0) - alpha[p]) * error


@njit(cache=True, nogil=True)
def _start(z, first, m, level, season):  # type: ignore[no-untyped-def]
    """Set level and season to the means of the first seasons."""
    n = min(z.size - first, START_SEASONS * m)
    n -= n % m if n >= m else 0
    mean = np.float32(z[first : first + n].mean())
    level[:] = mean
    if n >= 2 * m:
        for j in range(m):
            season[(first + j) % m, :] = z[first + j : first + n : m].mean() - mean


@njit(cache=True, nogil=True, fastmath=True)
def _ahead(level, trend, season, sse, count, t, h, m, phi, out):  # type: ignore[no-untyped-def]
    weight = -np.float32(0.5) * max(count, np.float32(1.0)) * np.log(sse)
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    drift = np.float32(0.0)
    damp = phi
    for k in range(h):
        drift += damp
        damp *= phi
        now = season[(t + k) % m]
        total = np.float32(0.0)
        for p in range(level.size):
            total += weight[p] * (level[p] + drift * trend[p] + now[p])
        out[k] = total
