"""Damped Holt-Winters with an additive season, for a whole panel and many parameter points in one pass.

A series is smoothed with every point of a parameter grid side by side; a point's forecast counts by the
likelihood of its one-step errors. One pass over the past answers for any number of origins: whatever stands at
an origin has seen nothing later.

A smoothed level forgets yesterday. Where one-step errors are autocorrelated, and less than a season is asked for, the
last one is carried over to the steps ahead: by rho to the first, rho squared to the second, and so on, each point with
its own rho. So much of the error of a step is known, and there a point counts by the likelihood of what is not.

References
----------
Hyndman, Koehler, Ord, Snyder (2008), Forecasting with Exponential Smoothing, model (A, Ad, A). Taylor (2003),
Short-term electricity demand forecasting using double seasonal exponential smoothing, Journal of the Operational
Research Society 54 (the last error carried over). Breiman (1995), Better subset regression using the nonnegative
garrote, Technometrics 37.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from foretide.compiled import njit, njit_fastmath
from foretide.forecast.method import Ahead, Method
from foretide.forecast.reach import from_logs
from foretide.schema import Floats

#: The grid: how much of an error the level, the trend (as a share of the level's) and the season take in.
ALPHAS = (0.005, 0.015, 0.04, 0.1, 0.3)
BETAS = (0.0, 0.02, 0.08)
GAMMAS = (0.01, 0.03, 0.08)
PHI = 0.95
#: Errors count towards the likelihood with this half-life, so that a point is judged by the recent past.
MEMORY_STEPS = 365.0
#: An autocorrelation of t standard errors is believed by ``1 - DOUBT / t**2``, from none to ``MOST_RHO``.
DOUBT = np.float32(2.0)
MOST_RHO = 0.9
#: The last error is carried over as long as more than this share of a step's variance is known by it.
LEAST_KNOWN = np.float32(0.01)
#: Seasons at the beginning that set level and season, and those whose errors do not count.
START_SEASONS = 6
WARM_UP_SEASONS = 2
#: Parameter points are filled up to a multiple of this, the numbers in a vector register (the rest of a loop is slow),
#: with points whose squared error leaves them no weight.
LANES = 8
UNLIKELY = np.float32(1e36)

Point = tuple[float, float, float]  # alpha, beta, gamma


def grid() -> list[Point]:
    """Return every parameter point."""
    return list(product(ALPHAS, BETAS, GAMMAS))


@dataclass
class HoltWinters(Method):
    """Batched damped Holt-Winters.

    Parameters
    ----------
    log
        Smooth ``log(1 + y)`` instead of ``y``: effects are then multiplicative, the forecast transformed back
        is a median, and the mean follows from the variance of the errors.
    season_length
        Steps of a season; 1 for none.
    """

    log: bool = True
    season_length: int = 7

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        most = most_carried(h, self.season_length)
        if not self.log:
            scale = power_of_two(y)
            middle, _ = smooth(y / scale, origins, h, self.season_length, grid(), most)
            return Ahead(middle * scale[:, None], middle * scale[:, None])
        middle, variance = smooth(np.log1p(np.maximum(y, 0.0)), origins, h, self.season_length, grid(), most)
        return from_logs(middle, variance)


def most_carried(h: int, season_length: int) -> float | None:
    """Return up to which autocorrelation the last error is carried over; None if the steps reach over a season."""
    return MOST_RHO if h < season_length else None


def power_of_two(y: Floats) -> Floats:
    """Return the size of each series' first value that is not zero, ``(n_series, 1)``: what every origin knows.

    Dividing by a power of two rounds nothing.
    """
    known = np.nan_to_num(np.abs(y))
    first = np.take_along_axis(known, np.argmax(known > 0, axis=1, keepdims=True), axis=1)
    return np.exp2(np.ceil(np.log2(np.where(first > 0, first, 1.0))))


def smooth(
    z: Floats,
    origins: Sequence[int],
    h: int,
    season_length: int,
    points: Sequence[Point],
    most_rho: float | None = None,
) -> tuple[Floats, Floats]:
    """Return the likelihood-weighted forecasts and their variances, each ``(n_series, n_origins, h)``.

    Parameters
    ----------
    z, origins, h
        As in ``Method.ahead``; forecasts are on the scale of ``z``.
    season_length
        Steps of a season.
    points
        Parameter points.
    most_rho
        Up to this autocorrelation of errors the last one is carried over; None for not at all, at half the cost.
    """
    filled = np.zeros((-(-len(points) // LANES) * LANES, 3), np.float32)
    filled[: len(points)] = points
    at = np.asarray(origins, dtype=np.int64)
    most = None if most_rho is None else np.float32(most_rho)
    return _smooth_all(z.astype(np.float32), at, h, season_length, filled, len(points), most)


@njit
def _smooth_all(z, origins, h, m, points, n_points, most_rho):  # type: ignore[no-untyped-def]
    middle = np.full((z.shape[0], origins.size, h), np.nan)
    variance = np.full((z.shape[0], origins.size, h), np.nan)
    for i in range(z.shape[0]):
        first = 0
        while first < z.shape[1] and np.isnan(z[i, first]):
            first += 1
        cut = 0
        # the start takes in several seasons: an origin inside them must not see the rest of them
        while cut < origins.size and origins[cut] < first + START_SEASONS * m:
            if origins[cut] > first:
                only = slice(cut, cut + 1)
                known = z[i, : origins[cut]]
                told = middle[i, only], variance[i, only]
                _smooth_one(known, first, origins[only], m, points, n_points, most_rho, *told)
            cut += 1
        if cut < origins.size:
            _smooth_one(z[i], first, origins[cut:], m, points, n_points, most_rho, middle[i, cut:], variance[i, cut:])
    return middle, variance


@njit_fastmath
def _smooth_one(z, first, origins, m, points, n_points, most_rho, middle, variance):  # type: ignore[no-untyped-def]
    """Run over one series and write what each origin expects."""
    alpha, beta, gamma = points[:, 0].copy(), points[:, 1].copy(), points[:, 2].copy()
    level = np.zeros(alpha.size, np.float32)
    trend = np.zeros(alpha.size, np.float32)
    season = np.zeros((m, alpha.size), np.float32)
    sse = np.full(alpha.size, _start(z, first, m, level, season))
    sse[n_points:] = UNLIKELY
    # numba leaves branches out whose condition is that an argument is None: what is not carried over costs nothing
    error = None if most_rho is None else np.zeros(alpha.size, np.float32)
    cross = None if most_rho is None else np.zeros(alpha.size, np.float32)
    phi = np.float32(PHI)
    count = np.float32(0.0)
    begin = first
    for cut in range(origins.size):
        end = origins[cut]
        count = _take_in(z[begin:end], begin, first, count, level, trend, season, error, sse, cross, alpha, beta, gamma)
        rho = None if most_rho is None else _autocorrelation(sse, cross, count, most_rho)
        weight = _weights(sse, count)
        weight[n_points:] = 0.0
        _expect(level, trend, season, rho, error, sse, count, weight, end, phi, middle[cut])
        _spread(alpha, beta, gamma, rho, weight * sse / max(count, np.float32(1.0)), m, phi, variance[cut])
        begin = end


@njit_fastmath
def _take_in(z, now, first, count, level, trend, season, error, sse, cross, alpha, beta, gamma):  # type: ignore[no-untyped-def]
    """Move every parameter point by the steps ``z``, the first of which has the number ``now``; return the count.

    The loop over steps is in here, as a call with so many arrays takes longer than a step.
    """
    m = season.shape[0]
    phi, keep = np.float32(PHI), np.float32(0.5 ** (1.0 / MEMORY_STEPS))
    for k in range(z.size):
        judged = now + k >= first + WARM_UP_SEASONS * m
        kept, counted = (keep, np.float32(1.0)) if judged else (np.float32(1.0), np.float32(0.0))
        count = count * kept + counted
        j = (now + k) % m
        for p in range(level.size):
            damped = phi * trend[p]
            missed = z[k] - level[p] - damped - season[j, p]
            sse[p] = sse[p] * kept + counted * missed * missed
            if error is not None:
                cross[p] = cross[p] * kept + counted * missed * error[p]
                error[p] = missed
            level[p] += damped + alpha[p] * missed
            trend[p] = damped + beta[p] * alpha[p] * missed
            season[j, p] += gamma[p] * (np.float32(1.0) - alpha[p]) * missed
    return count


@njit
def _start(z, first, m, level, season):  # type: ignore[no-untyped-def]
    """Set level and season to means of the first seasons; return a squared error that is next to nothing."""
    n = min(z.size - first, START_SEASONS * m)
    n -= n % m if n >= m else 0
    begin = z[first : first + n]
    mean = np.float32(begin.mean())
    level[:] = mean
    if n >= 2 * m:
        for j in range(m):
            season[(first + j) % m, :] = begin[j::m].mean() - mean
    return np.float32(1e-8) * np.float32((begin * begin).mean()) + np.float32(1e-30)


@njit_fastmath
def _weights(sse, count):  # type: ignore[no-untyped-def]
    """Return each point's likelihood, all together one."""
    weight = -np.float32(0.5) * max(count, np.float32(1.0)) * np.log(sse)
    weight = np.exp(weight - weight.max())
    return weight / weight.sum()


@njit_fastmath
def _autocorrelation(sse, cross, count, most_rho):  # type: ignore[no-untyped-def]
    """Return how much each point carries over of its last error: less than was seen, and nothing that may be chance."""
    rho = np.zeros(sse.size, np.float32)
    for p in range(sse.size):
        seen = cross[p] / sse[p]
        squared_z = seen * seen * count
        if seen > 0.0 and squared_z > DOUBT:
            rho[p] = min(seen * (np.float32(1.0) - DOUBT / squared_z), most_rho)
    return rho


@njit_fastmath
def _expect(level, trend, season, rho, error, sse, count, far, t, phi, out):  # type: ignore[no-untyped-def]
    """Write the weighted forecast of each step ahead; ``far`` are the weights where no error is carried over."""
    drift = np.float32(0.0)
    damp = phi
    lasts = False
    if rho is not None:
        carried, known = rho * error, rho * rho
        lasts = known.max() > LEAST_KNOWN
    for k in range(out.size):
        weight = far
        if rho is not None and lasts:
            weight = _weights(sse * (np.float32(1.0) - known), count)
        drift += damp
        damp *= phi
        now = season[(t + k) % season.shape[0]]
        total = np.float32(0.0)
        for p in range(level.size):
            total += weight[p] * (level[p] + drift * trend[p] + now[p])
        if rho is not None and lasts:
            total += (weight * carried).sum()
            carried *= rho
            known *= rho * rho
            lasts = (weight * known).sum() > LEAST_KNOWN
        out[k] = total


@njit_fastmath
def _spread(alpha, beta, gamma, rho, noise, m, phi, out):  # type: ignore[no-untyped-def]
    """Write the variance of each step ahead: what is not known of its noise, and what the steps before passed on."""
    grown = noise.copy()
    lasts = False
    if rho is not None:
        known = noise * rho * rho
        lasts = known.sum() > LEAST_KNOWN * grown.sum()
    drift = np.float32(0.0)
    damp = phi
    for k in range(out.size):
        out[k] = grown.sum()
        if rho is not None and lasts:
            out[k] -= known.sum()
            known *= rho * rho
            lasts = known.sum() > LEAST_KNOWN * out[k]
        drift += damp
        damp *= phi
        seasonal = np.float32(1.0) if (k + 1) % m == 0 else np.float32(0.0)
        for p in range(noise.size):
            passed = alpha[p] * (np.float32(1.0) + beta[p] * drift) + seasonal * gamma[p] * (1 - alpha[p])
            grown[p] += noise[p] * passed * passed
