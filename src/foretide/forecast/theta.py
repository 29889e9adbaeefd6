r"""The Theta method for a whole panel: simple exponential smoothing that drifts by half of the whole past's slope.

A series is cleared of its season, if it has one. What is left is the mean of two lines: its straight trend, and itself
with every departure from that trend doubled. The one goes on straight, the other is smoothed:

.. math:: \hat y_{n+h} = \ell_n + \frac{b}{2}\,(n + h - \tau_n)

with :math:`b` the slope of least squares, :math:`\ell_n` the smoothed series and :math:`\tau_n` the steps ``1, ..., n``
smoothed in the same way: how far smoothing lags behind. The gain of the t-th step is :math:`\max(\alpha, 1/t)`, a mean
at first; every :math:`\alpha` of a grid runs beside the others and counts by the likelihood of its one-step errors.

References
----------
Assimakopoulos, Nikolopoulos (2000), The theta model: a decomposition approach to forecasting, International Journal of
Forecasting 16. Hyndman, Billah (2003), Unmasking the Theta method, International Journal of Forecasting 19.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foretide.compiled import njit
from foretide.forecast.method import Ahead, Method
from foretide.forecast.reach import from_logs, within_reach
from foretide.schema import Floats

#: The grid: how much of an error the level takes in.
ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9)
#: A season is one whose autocorrelation is this many standard errors above zero: 5 % of white noise has one.
LEAST_Z = 1.645
#: Squared errors below this share of the largest are rounding.
ROUNDING = 1e-12


@dataclass
class Theta(Method):
    """Batched Theta method, two lines of equal weight.

    Parameters
    ----------
    log
        Work on ``log(1 + y)``: season and trend are then multiplicative, the forecast transformed back is a median,
        and the mean follows from the variance of the errors.
    season_length
        Steps of a season; 1 for none.
    """

    log: bool = True
    season_length: int = 7

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        z = np.log1p(np.maximum(y, 0.0)) if self.log else y
        middle, variance = lines(z, origins, h, self.season_length, ALPHAS)
        middle = within_reach(middle, z, origins, log=self.log)
        return from_logs(middle, variance) if self.log else Ahead(middle, middle)


def lines(
    z: Floats, origins: Sequence[int], h: int, season_length: int, alphas: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return the likelihood-weighted forecasts and their variances, each ``(n_series, n_origins, h)``.

    Parameters
    ----------
    z, origins, h
        As in ``Method.ahead``; forecasts are on the scale of ``z``.
    season_length
        Steps of a season.
    alphas
        How much of an error the level takes in.
    """
    return _ahead_of_all(
        np.ascontiguousarray(z, np.float64), np.asarray(origins, np.int64), h, season_length, np.asarray(alphas)
    )


@njit
def _ahead_of_all(z, origins, h, m, alphas):  # type: ignore[no-untyped-def]
    middle = np.full((z.shape[0], origins.size, h), np.nan)
    variance = np.full((z.shape[0], origins.size, h), np.nan)
    for i in range(z.shape[0]):
        first = 0
        while first < z.shape[1] and np.isnan(z[i, first]):
            first += 1
        for cut in range(origins.size):
            if origins[cut] > first:
                x = z[i, first : origins[cut]].copy()
                effects = _season(x, m)
                for t in range(x.size):
                    x[t] -= effects[t % m]
                _expect(x, alphas, middle[i, cut], variance[i, cut])
                for k in range(h):
                    middle[i, cut, k] += effects[(x.size + k) % m]
    return middle, variance


@njit
def _season(x, m):  # type: ignore[no-untyped-def]
    """Return the effect of each place in the season, ``(m,)``, around a centred moving average; zeros without one."""
    effects, count = np.zeros(m), np.zeros(m)
    if m < 2 or x.size < 2 * m or not _returns(x, m):
        return effects
    half = m // 2
    total = np.zeros(x.size + 1)
    for t in range(x.size):
        total[t + 1] = total[t] + x[t]
    for t in range(half, x.size - half):
        around = total[t + half + 1] - total[t - half]
        if m % 2 == 0:
            around -= (x[t - half] + x[t + half]) / 2.0
        effects[t % m] += x[t] - around / m
        count[t % m] += 1.0
    effects /= count
    return effects - effects.mean()


@njit
def _returns(x, m):  # type: ignore[no-untyped-def]
    """Say whether what lies a season apart is alike, by Bartlett's standard error of an autocorrelation."""
    apart = x - x.mean()
    power = np.dot(apart, apart)
    if power <= ROUNDING * np.dot(x, x):
        return False
    squares = 0.0
    for lag in range(1, m):
        squares += (np.dot(apart[lag:], apart[:-lag]) / power) ** 2
    return np.dot(apart[m:], apart[:-m]) / power > LEAST_Z * np.sqrt((1.0 + 2.0 * squares) / x.size)


@njit
def _expect(x, alphas, middle, variance):  # type: ignore[no-untyped-def]
    """Write what follows a series without a season."""
    n = x.size
    level, lag, squares = np.zeros(alphas.size), np.zeros(alphas.size), np.zeros(alphas.size)
    for t in range(n):
        for p in range(alphas.size):
            gain = max(alphas[p], 1.0 / (t + 1))
            error = x[t] - level[p]
            squares[p] += error * error if t > 0 else 0.0
            level[p] += gain * error
            lag[p] = (1.0 - gain) * (lag[p] + 1.0)
    weight, slope = _likelihoods(squares, n - 1), _slope(x)
    for k in range(middle.size):
        middle[k] = np.dot(weight, level + 0.5 * slope * (k + 1 + lag))
        variance[k] = np.dot(weight * squares, 1.0 + k * alphas**2) / max(n - 1, 1)


@njit
def _likelihoods(squares, n):  # type: ignore[no-untyped-def]
    """Return each point's likelihood, all together one."""
    least = ROUNDING * squares.max() + 1e-300
    weight = ((squares.min() + least) / (squares + least)) ** (n / 2.0)
    return weight / weight.sum()


@njit
def _slope(x):  # type: ignore[no-untyped-def]
    """Return the slope of the straight line of least squares."""
    middle = (x.size - 1) / 2.0
    rise = 0.0
    for t in range(x.size):
        rise += (t - middle) * x[t]
    return 12.0 * rise / (x.size * (x.size**2 - 1.0)) if x.size > 1 else 0.0
