"""Shares of a whole: stages of the population, interests. They add up to one on every day."""

from __future__ import annotations

import numpy as np

from foretide.schema import Floats, Forecast


def as_shares(y: Floats) -> Floats:
    """Return each step's shares, ``(n_series, n_steps)``; a step without anything repeats the step before.

    Parameters
    ----------
    y
        ``(n_series, n_steps)``; what is missing or negative counts as zero.
    """
    y = np.where(np.isfinite(y), np.maximum(y, 0.0), 0.0)
    total = y.sum(axis=0)
    if not total.any():
        return np.full(y.shape, 1.0 / len(y))
    first = int(np.argmax(total > 0))
    last = np.maximum.accumulate(np.where(total > 0, np.arange(total.size), first))
    return y[:, last] / total[last]


def normalised(forecast: Forecast) -> Forecast:
    """Bring means and medians of each step to the sum one; keep the intervals around them, inside 0 to 1."""
    mean, median = to_one(forecast.mean), to_one(forecast.median)
    factor = np.divide(median, forecast.median, out=np.ones_like(median), where=forecast.median > 0)
    intervals = {
        level: (np.minimum(lo * factor, median), np.clip(hi * factor, median, 1.0))
        for level, (lo, hi) in forecast.intervals.items()
    }
    return Forecast(forecast.ids, forecast.dates, mean, median, intervals)


def to_one(x: Floats) -> Floats:
    """Scale each column to the sum one; a column of zeros becomes equal parts."""
    total = x.sum(axis=0)
    return np.where(total > 0, x / np.where(total > 0, total, 1.0), 1.0 / len(x))
