"""How a weekly figure of the population goes on: its trend, believed as far as the weeks bear it out.

A steady decline of arrivals goes on and is worth following for a month; a few lively weeks are chance. The slope of
the logarithm over the last weeks is therefore shrunk by its own uncertainty, and carried on for some weeks only.

References
----------
James, Stein (1961), Estimation with quadratic loss: the idea of the shrinkage.
Gardner, McKenzie (1985), Forecasting trends in time series: why a trend is damped.
"""

from __future__ import annotations

import numpy as np

from foretide.schema import Floats

DAYS = 7
#: Weeks that are looked at, and the fewest that show a trend.
N_WEEKS, LEAST_WEEKS = 8, 4
#: A week counts half of one so many weeks later.
HALF_LIFE_WEEKS = 3.0
#: A slope is believed by half where it is as large as the square root of this times its standard error.
DOUBT = 4.0
#: Users added to those who were seen and to those who were expected, before the one is divided by the other.
FEW = 20.0
#: A trend goes on for so many weeks, by no more than this in the logarithm.
CARRIED_WEEKS, STEEPEST = 4, 1.0


def whole_weeks(n_days: int) -> int:
    """Return how many of the last weeks are looked at."""
    return min(N_WEEKS, n_days // DAYS)


def week_weights(n_weeks: int) -> Floats:
    """Return how much each week counts, the last one most, adding up to one, ``(n_weeks,)``."""
    weights = 0.5 ** (np.arange(n_weeks)[::-1] / HALF_LIFE_WEEKS)
    return weights / weights.sum()


def as_weeks(daily: Floats) -> Floats:
    """Return the last whole weeks of daily figures ``(..., n_days)`` by weekday, ``(..., n_weeks, 7)``."""
    n_weeks = whole_weeks(daily.shape[-1])
    return daily[..., daily.shape[-1] - DAYS * n_weeks :].reshape(*daily.shape[:-1], n_weeks, DAYS)


def ratio(seen: Floats, expected: Floats) -> Floats:
    """Return how many were seen for each who was expected; of few people it stays near one."""
    return (seen + FEW) / (expected + FEW)


def weekday_factors(seen: Floats, expected: Floats) -> Floats:
    """Return how lively each weekday is beside the week, ``(7,)``, by who was seen and expected on it."""
    return ratio(seen, expected * (seen.sum() / expected.sum()) if expected.any() else expected)


def growth_ahead(logs: Floats, noise: Floats, h: int) -> Floats:
    """Return how far each day ahead lies above the weighted mean of the weeks, in logarithms, ``(n_series, h)``.

    Parameters
    ----------
    logs
        Logarithms of weekly figures, ``(n_series, n_weeks)``.
    noise
        The least variance of one of them: that of chance alone, ``(n_series,)``.
    h
        Days ahead.
    """
    n_weeks = logs.shape[1]
    if n_weeks < LEAST_WEEKS:
        return np.zeros((len(logs), h))
    weights = week_weights(n_weeks)
    week = np.arange(n_weeks) - (n_weeks - 1.0)  # 0 is the last one
    centre = weights @ week
    ahead = np.minimum(np.arange(h) // DAYS + 1.0, CARRIED_WEEKS) - centre
    slope = shrunk_slope(logs, week - centre, weights, noise)
    return np.clip(slope[:, None] * ahead, -STEEPEST, STEEPEST)


def shrunk_slope(logs: Floats, week: Floats, weights: Floats, noise: Floats) -> Floats:
    """Return the slopes of series ``(n_series, n_weeks)`` over centred weeks, drawn to zero by their doubt."""
    n_effective = 1.0 / (weights @ weights)
    spread = weights @ week**2
    off = logs - (logs @ weights)[:, None]
    slope = off @ (weights * week) / spread
    left = (off - slope[:, None] * week) ** 2 @ weights * n_effective / (n_effective - 2.0)
    error = np.maximum(left, noise) / (n_effective * spread)
    return slope**3 / (slope**2 + DOUBT * error)
