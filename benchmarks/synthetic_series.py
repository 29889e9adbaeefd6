"""Synthetic daily counts whose truth is known: negative binomial around a level that wanders.

Levels from 3 to 400, a weekly and a yearly season, a trend and a random walk, all on the log scale and each series
its own; so the mean of every day, which no forecast can beat, is known.
"""

from __future__ import annotations

import numpy as np

from foretide.schema import Floats, Panel

N_STEPS = 730
LEVELS = (3.0, 400.0)
#: Standard deviations on the log scale: of the weekdays' effects, of the year's, of a year's trend, of a day's walk.
WEEK, YEAR, TREND, WALK = 0.25, 0.2, 0.15, 0.01
#: Counts vary by mean + mean ** 2 / this.
DISPERSION = 12.0


def synthetic_series(n_series: int = 500, n_steps: int = N_STEPS, seed: int = 0) -> tuple[Panel, Floats]:
    """Return a panel and the true mean of each of its days."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_steps)
    level = rng.uniform(*np.log(LEVELS), (n_series, 1))
    week = rng.normal(0, WEEK, (n_series, 7))[:, t % 7]
    phase = rng.uniform(0, 2 * np.pi, (n_series, 1))
    year = np.abs(rng.normal(0, YEAR, (n_series, 1))) * np.sin(2 * np.pi * t / 365.25 + phase)
    trend = rng.normal(0, TREND, (n_series, 1)) * (t / 365.25 - 1)
    walk = np.cumsum(rng.normal(0, WALK, (n_series, n_steps)), axis=1)
    mean = np.exp(level + week + year + trend + walk)
    y = rng.poisson(mean * rng.gamma(DISPERSION, 1 / DISPERSION, mean.shape)).astype(np.float64)
    return Panel([f"s{i}" for i in range(n_series)], np.datetime64("2022-01-03") + t, y), mean
