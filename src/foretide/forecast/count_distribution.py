"""Quantiles of counts whose mean and variance are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, gammaincc

from foretide.compiled import njit
from foretide.schema import Floats

#: A variance this close to the mean, as a share, is that of a Poisson count.
POISSON_SHARE = 1e-6
#: Means up to this are added up count by count.
SMALL_MEAN = 200.0


def count_quantiles(mean: ArrayLike, variance: ArrayLike, probabilities: Sequence[float]) -> Floats:
    """Return integer quantiles of a count with these moments, ``(n_probabilities, *shape of mean)``.

    Negative binomial where the variance exceeds the mean, Poisson where they are equal, and below that binomial of
    ``ceil(mean**2 / (mean - variance))`` trials, which keeps the mean. NaN where the mean is.
    """
    mu, var = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64))
    shape, mu, var = mu.shape, mu.ravel(), var.ravel()
    order = np.argsort(probabilities)
    p = np.asarray(probabilities, dtype=np.float64)[order]
    found = np.where(np.isnan(mu), np.nan, np.zeros((p.size, mu.size)))
    some = np.nan_to_num(mu) > 0
    small = some & (mu <= SMALL_MEAN) & (var >= mu)
    found[:, small] = _added_up(mu[small], var[small], p)
    found[:, some & ~small] = _searched(mu[some & ~small], var[some & ~small], p)
    return found[np.argsort(order)].reshape(p.size, *shape)


@njit
def _added_up(mean, variance, p):  # type: ignore[no-untyped-def]
    """Return quantiles of small means: chances are added up from zero on; ``p`` ascends."""
    found = np.empty((p.size, mean.size))
    for i in range(mean.size):
        mu, d = mean[i], variance[i] / mean[i]
        poisson = d - 1.0 <= POISSON_SHARE
        size = 0.0 if poisson else mu / (d - 1.0)
        chance = np.exp(-mu) if poisson else np.exp(-size * np.log(d))
        total, count = chance, 0
        for k in range(p.size):
            while total < p[k] and chance > 0.0:
                chance *= mu / (count + 1.0) if poisson else (size + count) / (count + 1.0) * (1.0 - 1.0 / d)
                count += 1
                total += chance
            found[k, i] = count
    return found


def _searched(mean: Floats, variance: Floats, p: Floats) -> Floats:
    """Return quantiles of any means by bisection."""
    p = p[:, None]
    width = np.sqrt(np.maximum(variance, mean))  # of Cantelli's inequality: the quantile lies between these
    low = np.floor(np.maximum(mean - width * np.sqrt((1 - p) / p), 0.0)) - 1
    high = np.ceil(mean + width * np.sqrt(p / (1 - p))) + 1
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = (_count_cdf(np.maximum(middle, 0.0), mean, variance) >= p) & (middle >= 0)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _count_cdf(k: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the chance of at most k."""
    over = np.maximum(variance - mean, POISSON_SHARE * mean)
    under = np.maximum(mean - variance, POISSON_SHARE * mean)
    trials = np.maximum(np.ceil(mean**2 / under * (1 - 1e-12)), 1.0)
    negative_binomial = betainc(mean**2 / over, k + 1, mean / (mean + over))
    binomial = np.where(k < trials, betainc(np.maximum(trials - k, 1.0), k + 1, 1 - mean / trials), 1.0)
    near = np.abs(variance - mean) <= POISSON_SHARE * mean
    return np.where(near, gammaincc(k + 1, mean), np.where(variance > mean, negative_binomial, binomial))
