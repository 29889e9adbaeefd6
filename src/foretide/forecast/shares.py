"""Forecasts of shares of a whole: stages of the population, interests. They add up to one on every day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foretide.forecast.engine import Run, run
from foretide.schema import Floats, Forecast, Panel


def run_shares(panel: Panel, h: int, levels: Sequence[int] = (80, 95), season_length: int = 7) -> Run:
    """Forecast the share of each series in the sum of all.

    Each share is forecast like any series; then those of a day are brought to the sum one, and the intervals
    with them.

    Parameters
    ----------
    panel
        Counts that are not negative, such as users by stage or events by category; NaN counts as zero.
    h, levels, season_length
        As in ``run``.
    """
    shares = Panel(panel.ids, panel.dates, as_shares(panel.y))
    raw = run(shares, h, levels, season_length)
    return replace(raw, forecast=normalised(raw.forecast))


def as_shares(y: Floats) -> Floats:
    """Return each step's shares, ``(n_series, n_steps)``; a step without anything repeats the step before."""
    y = np.nan_to_num(np.maximum(y, 0.0))
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
