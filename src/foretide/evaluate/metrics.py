"""How far predictions are from what happened.

Every metric takes arrays of one shape: a target ``(n,)`` against a prediction ``(n, 1)`` would broadcast to
``(n, n)`` in silence, so that is an error here. Metrics of series work along the last axis and skip NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def same_shape(*arrays: ArrayLike) -> list[Array]:
    """Return the arrays as float64.

    Raises
    ------
    ValueError
        If their shapes differ.
    """
    converted = [np.asarray(array, dtype=np.float64) for array in arrays]
    if len({array.shape for array in converted}) > 1:
        raise ValueError(f"the shapes differ: {', '.join(str(array.shape) for array in converted)}")
    return converted


def mean_of_known(values: Array) -> float:
    """Return the mean without NaN; NaN if there is nothing else."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def mse(y: ArrayLike, predicted: ArrayLike) -> float:
    """Mean squared error, in squared units of y."""
    y, predicted = same_shape(y, predicted)
    return mean_of_known((y - predicted) ** 2)


def rmse(y: ArrayLike, predicted: ArrayLike) -> float:
    """Root of the mean squared error, in units of y."""
    return float(np.sqrt(mse(y, predicted)))


def mae(y: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, in units of y."""
    y, predicted = same_shape(y, predicted)
    return mean_of_known(np.abs(y - predicted))


def r2(y: ArrayLike, predicted: ArrayLike) -> float:
    """Share of the variance of y that is explained; negative if the mean of y would do better; NaN if y is constant."""
    y, predicted = same_shape(y, predicted)
    y = np.where(np.isnan(predicted), np.nan, y)
    spread = np.nansum((y - mean_of_known(y)) ** 2)
    return float(1.0 - np.nansum((y - predicted) ** 2) / spread) if spread > 0 else float("nan")


def seasonal_scale(past: ArrayLike, season_length: int, power: int = 1) -> Array:
    """Return the mean of ``|y[t] - y[t - m]| ** power`` over the past, ``(n_series,)``; NaN where it is zero.

    Parameters
    ----------
    past
        ``(n_series, n_steps)``, NaN before a series began.
    season_length
        m.
    power
        1 for MASE, 2 for RMSSE.
    """
    past = np.asarray(past, dtype=np.float64)
    change = np.abs(past[:, season_length:] - past[:, :-season_length]) ** power
    known = ~np.isnan(change)
    total = np.where(known, change, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(total > 0, total / np.maximum(count, 1), np.nan)


def seasonal_scales(y: ArrayLike, origins: Sequence[int], season_length: int, power: int = 1) -> Array:
    """Return ``seasonal_scale`` of the past of each origin, ``(n_series, n_origins)``, in one pass."""
    y = np.asarray(y, dtype=np.float64)
    change = np.abs(y[:, season_length:] - y[:, :-season_length]) ** power
    known = ~np.isnan(change)
    changes = np.where(known, change, 0.0), known
    before = np.maximum(np.asarray(origins) - season_length, 0)  # changes in the past of each origin
    total, count = (np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))[:, before] for values in changes)
    return np.where(total > 0, total / np.maximum(count, 1), np.nan)


def mase(past: ArrayLike, y: ArrayLike, predicted: ArrayLike, season_length: int = 7) -> Array:
    """Return the mean absolute scaled error of each series, ``(n_series,)``, in units of the naive's error in the past.

    That it is below 1 does not tell that the naive forecast of the same days was worse.

    References
    ----------
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy.
    """
    y, predicted = same_shape(y, predicted)
    return np.abs(y - predicted).mean(axis=-1) / seasonal_scale(past, season_length)


def rmsse(past: ArrayLike, y: ArrayLike, predicted: ArrayLike, season_length: int = 7) -> Array:
    """Return the root mean squared scaled error of each series, ``(n_series,)``; fit for intermittent series too."""
    y, predicted = same_shape(y, predicted)
    return np.sqrt(((y - predicted) ** 2).mean(axis=-1) / seasonal_scale(past, season_length, power=2))


def bias(y: ArrayLike, predicted: ArrayLike) -> float:
    """Sum of the errors over the sum of y: positive if too much was predicted."""
    y, predicted = same_shape(y, predicted)
    return float((np.nansum(predicted) - np.nansum(y)) / np.nansum(y))


def wape(y: ArrayLike, predicted: ArrayLike) -> float:
    """Sum of the absolute errors over the sum of y."""
    y, predicted = same_shape(y, predicted)
    return float(np.nansum(np.abs(y - predicted)) / np.nansum(y))


def coverage(y: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> float:
    """Share of y inside its interval, bounds included."""
    y, lo, hi = same_shape(y, lo, hi)
    return mean_of_known(np.where(np.isnan(y + lo + hi), np.nan, (lo <= y) & (y <= hi)))


def pinball(y: ArrayLike, predicted: ArrayLike, q: float) -> float:
    """Mean pinball loss of a forecast of the quantile ``q``, in units of y."""
    y, predicted = same_shape(y, predicted)
    return mean_of_known(np.maximum(q * (y - predicted), (q - 1.0) * (y - predicted)))
