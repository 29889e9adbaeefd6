"""Intervals from the errors of a backtest: scaled by series, pooled over series (split conformal).

A series alone has too few past forecasts for a 95 % interval. Errors in units of a series' own usual change are
alike across series, so all of them together say how wide an interval has to be at each step ahead.

References
----------
Vovk, Gammerman, Shafer (2005), Algorithmic Learning in a Random World.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from foretide.schema import Floats

#: Errors wanted for a quantile; neighbouring steps ahead are pooled until there are as many.
WANTED_ERRORS = 400
#: The usual change of a series is taken over this many recent steps.
SCALE_STEPS = 182
#: Change of a series of which a single step is known, as a share of it.
UNKNOWN_CHANGE = 0.5
#: Level below which a count is not taken for quieter still, and the smallest change of other figures as a share.
LEAST_COUNT = 0.25
LEAST_SHARE = 0.01


def usual_change(y: Floats, origins: Sequence[int], season_length: int) -> Floats:
    """Return how much each series usually changes, as known at each origin, ``(n_series, n_origins)``.

    The mean of ``|y[t] - y[t - m]|`` over the recent past; from one step to the next where there is no whole
    season yet. At least what chance alone does to a count of that level, and never zero, so that a quiet past
    does not promise a quiet future.
    """
    seasonal, daily = _changes(y, season_length), _changes(y, 1)
    least = _least_change(y)
    scale = np.empty((len(y), len(origins)))
    for j, origin in enumerate(origins):
        recent = slice(max(origin - SCALE_STEPS, 0), origin)
        change = _mean(seasonal[:, recent])
        change = np.where(np.isnan(change), _mean(daily[:, recent]), change)
        level = np.nan_to_num(_mean(np.abs(y[:, recent])))
        scale[:, j] = np.maximum(np.where(np.isnan(change), UNKNOWN_CHANGE * level, change), least(level))
    return scale


def _changes(y: Floats, lag: int) -> Floats:
    """Return ``|y[t] - y[t - lag]|`` at t, NaN where there is nothing before."""
    change = np.full(y.shape, np.nan)
    change[:, lag:] = np.abs(y[:, lag:] - y[:, :-lag])
    return change


def of_counts(y: Floats) -> NDArray[np.bool_]:
    """Tell of which series all that is known is whole numbers, ``(n_series,)``."""
    return np.asarray((np.isnan(y) | (y == np.round(y))).all(axis=1))


def are_counts(y: Floats) -> bool:
    """Tell whether all that is known is whole numbers."""
    return bool(of_counts(y).all())


def whole(
    point: Floats, intervals: Mapping[int, tuple[Floats, Floats]], counts: NDArray[np.bool_]
) -> Mapping[int, tuple[Floats, Floats]]:
    """Return intervals, those of counts with whole bounds: the same counts lie inside, and those beside the point."""
    below, above, rows = np.floor(point), np.ceil(point), counts[:, None]
    return {
        level: (
            np.where(rows, np.minimum(np.ceil(lo), below), lo),
            np.where(rows, np.maximum(np.floor(hi), above), hi),
        )
        for level, (lo, hi) in intervals.items()
    }


def _least_change(y: Floats) -> Callable[[Floats], Floats]:
    """Return the smallest believable change as a function of the level: the square root for counts."""
    counts = of_counts(y)
    return lambda level: np.where(
        counts,
        np.sqrt(np.maximum(level, LEAST_COUNT)),
        np.maximum(LEAST_SHARE * level, np.finfo(float).tiny ** 0.25),
    )


def _mean(values: Floats) -> Floats:
    """Return the mean of what is known in each row; NaN if nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


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


def middle(point: Floats, scale: Floats, scaled: Floats) -> Floats:
    """Return medians beside means ``(n_series, h)``, from the errors of the means, as ``around``; not below zero."""
    half = pooled_quantiles(scaled, point.shape[1], [0.5])[0]
    return np.maximum(point + scale[:, None] * half, 0.0)


def around(
    point: Floats, scale: Floats, scaled: Floats, levels: Sequence[int], median: Floats | None = None
) -> Mapping[int, tuple[Floats, Floats]]:
    """Return the interval of each level in percent around point forecasts: nested, never below zero.

    Parameters
    ----------
    point
        ``(n_series, h)``.
    scale
        ``(n_series,)``.
    scaled
        Errors of such points as in ``pooled_quantiles``.
    levels
        In percent.
    median
        ``(n_series, h)``, inside every interval; the points if None.
    """
    ascending = sorted(levels)
    tails = [(1.0 - level / 100.0) / 2.0 for level in ascending]
    quantiles = pooled_quantiles(scaled, point.shape[1], [*tails, *(1.0 - tail for tail in tails)])
    bounds = np.maximum(point + scale[:, None] * quantiles[:, None], 0.0)  # (2 * n_levels, n_series, h)
    lows, highs = bounds[: len(tails)], bounds[len(tails) :]
    intervals: dict[int, tuple[Floats, Floats]] = {}
    lo = hi = point if median is None else median
    for level, low, high in zip(ascending, lows, highs, strict=True):
        lo, hi = np.minimum(low, lo), np.maximum(high, hi)
        intervals[level] = (lo, hi)
    return intervals
