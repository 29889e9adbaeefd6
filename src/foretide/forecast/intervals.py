"""Intervals from the errors of a backtest: scaled by series, pooled over series (split conformal).

A series alone has too few past forecasts for a 95 % interval. Errors in units of a series' own usual change are
alike across series, so all of them together say how wide an interval has to be at each step ahead.

References
----------
Vovk, Gammerman, Shafer (2005), Algorithmic Learning in a Random World.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from foretide.schema import Floats

#: Errors wanted for a quantile; neighbouring steps ahead are pooled until there are as many.
WANTED_ERRORS = 400
#: The usual change of a series is taken over this many recent steps.
SCALE_STEPS = 182


def usual_change(y: Floats, origins: Sequence[int], season_length: int) -> Floats:
    """Return the mean of ``|y[t] - y[t - m]|`` over the recent past of each origin, ``(n_series, n_origins)``.

    At least what chance alone does to a count of that level (and never zero), so that a quiet past does not
    promise a quiet future.
    """
    m = season_length
    change = np.abs(y[:, m:] - y[:, :-m]) if y.shape[1] > m else np.empty((len(y), 0))
    scale = np.empty((len(y), len(origins)))
    for j, origin in enumerate(origins):
        recent = change[:, max(origin - m - SCALE_STEPS, 0) : max(origin - m, 0)]
        level = y[:, max(origin - SCALE_STEPS, 0) : origin]
        scale[:, j] = np.maximum(_mean(recent), least_scale(_mean(level), y))
    return scale


def least_scale(level: Floats, y: Floats) -> Floats:
    """Return the smallest believable change at a level: the square root for counts, else a hundredth."""
    finite = y[~np.isnan(y)]
    counts = finite.size > 0 and np.array_equal(finite, np.round(finite))
    floor = np.sqrt(np.maximum(level, 0.25)) if counts else np.abs(level) * 0.01
    return np.maximum(floor, 1e-9)


def _mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def pooled_quantiles(scaled: Floats, h: int, probabilities: Sequence[float]) -> Floats:
    """Return quantiles of the scaled errors for each step ahead, ``(n_probabilities, h)``.

    Parameters
    ----------
    scaled
        ``(n_series, n_origins, h_tested)``, NaN where there is none; ``h_tested`` may be shorter than ``h``:
        later steps take the quantiles of the last ones.
    h
        Steps ahead.
    probabilities
        Between 0 and 1.
    """
    h_tested = scaled.shape[2] if scaled.size else 0
    by_step = [scaled[:, :, k][~np.isnan(scaled[:, :, k])] for k in range(h_tested)]
    if not any(step.size for step in by_step):
        return np.repeat(ndtri(np.asarray(probabilities))[:, None], h, axis=1)
    columns = [_quantiles(_neighbours(by_step, k), probabilities) for k in range(h_tested)]
    return np.stack(columns + [columns[-1]] * (h - h_tested), axis=1)


def _neighbours(by_step: Sequence[Floats], k: int) -> Floats:
    """Pool the steps around k until there are enough errors."""
    width = 0
    while True:
        near = by_step[max(k - width, 0) : k + width + 1]
        if sum(step.size for step in near) >= WANTED_ERRORS or len(near) == len(by_step):
            return np.concatenate(near)
        width += 1


def _quantiles(errors: Floats, probabilities: Sequence[float]) -> Floats:
    """Return quantiles with the finite-sample correction of conformal prediction, outwards from the middle."""
    n = errors.size
    p = np.asarray(probabilities)
    outward = np.where(p > 0.5, np.ceil(p * (n + 1)) / n, np.where(p < 0.5, np.floor(p * (n + 1)) / n, p))
    return np.quantile(errors, np.clip(outward, 0.0, 1.0))


def around(
    point: Floats, scale: Floats, scaled: Floats, levels: Sequence[int]
) -> Mapping[int, tuple[Floats, Floats]]:
    """Return the interval of each level in percent around point forecasts: nested, never below zero.

    Parameters
    ----------
    point
        ``(n_series, h)``.
    scale
        ``(n_series,)``.
    scaled
        Errors as in ``pooled_quantiles``.
    levels
        In percent.
    """
    intervals: dict[int, tuple[Floats, Floats]] = {}
    inner_lo = inner_hi = point
    for level in sorted(levels):
        tail = (1.0 - level / 100.0) / 2.0
        low, high = pooled_quantiles(scaled, point.shape[1], (tail, 1.0 - tail))
        lo, hi = point + scale[:, None] * low, point + scale[:, None] * high
        inner_lo, inner_hi = np.maximum(np.minimum(lo, inner_lo), 0.0), np.maximum(hi, inner_hi)
        intervals[level] = (inner_lo, inner_hi)
    return intervals
