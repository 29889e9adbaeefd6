"""How much each method counts for each series: by its past errors, shrunk towards what holds for all series."""

from __future__ import annotations

import numpy as np

from foretide.schema import Floats

#: Origins' worth of belief in the errors of the whole panel.
SHRINKAGE_ORIGINS = 8.0
#: How sharply better methods are preferred: weights are errors to this negative power.
SHARPNESS = 4.0
TINY = 1e-12
#: A method whose error over the whole panel exceeds the best one's by more than this share is left out; 0.03 was chosen on earlier origins.
TOLERATED = 0.03
#: A single method replaces the ensemble if it is better by this share of the error.
CLEARLY_BETTER = 0.01


def relative_squares(errors: Floats, scale: Floats) -> Floats:
    """Return the mean squared scaled error by method, series and origin.

    Parameters
    ----------
    errors
        ``(n_models, n_series, n_origins, h)``.
    scale
        Usual size of a change of each series at each origin, ``(n_series, n_origins)``.

    Returns
    -------
    Floats
        ``(n_models, n_series, n_origins)``; NaN where a series had not begun.
    """
    return np.mean(errors**2, axis=3) / scale**2


def weigh(squares: Floats) -> Floats:
    """Return the weights of the methods for each series, ``(n_models, n_series)``, adding up to one.

    Parameters
    ----------
    squares
        ``(n_models, n_series, n_origins)`` from ``relative_squares``; no origins give equal weights.
    """
    n_models, n_series, n_origins = squares.shape
    if n_origins == 0:
        return np.full((n_models, n_series), 1.0 / n_models)
    known = ~np.isnan(squares)
    count = known.sum(axis=2)
    total = np.where(known, squares, 0.0).sum(axis=2)
    pooled = total.sum(axis=1) / np.maximum(count.sum(axis=1), 1)  # (n_models,)
    own = total / np.maximum(count, 1)
    # a series is easy or hard for every method alike: bring the panel's errors to its size
    size = np.where(count > 0, own.mean(axis=0) / pooled.mean(), 1.0) if pooled.mean() > 0 else np.ones(n_series)
    prior = pooled[:, None] * size
    shrunk = (count * own + SHRINKAGE_ORIGINS * prior) / (count + SHRINKAGE_ORIGINS)
    best = shrunk.min(axis=0, keepdims=True)
    raw = ((best + TINY) / (shrunk + TINY)) ** (SHARPNESS / 2.0)
    raw[np.sqrt(pooled) > (1.0 + TOLERATED) * np.sqrt(pooled.min())] = 0.0
    return raw / raw.sum(axis=0)


def honest_weights(squares: Floats, origins: list[int], h: int) -> Floats:
    """Return the weights that would have been used at each origin, ``(n_models, n_series, n_origins)``.

    At an origin only horizons that were over by then can have been judged.
    """
    if not origins:
        return np.empty(squares.shape)
    at = np.asarray(origins)
    return np.stack([weigh(squares[:, :, at + h <= origin]) for origin in origins], axis=2)


def combine(weights: Floats, forecasts: Floats) -> Floats:
    """Return the weighted mean over methods; a method without a forecast leaves its weight to the others.

    Parameters
    ----------
    weights
        ``(n_models, n_series, n_origins)``.
    forecasts
        ``(n_models, n_series, n_origins, h)``.
    """
    there = ~np.isnan(forecasts)
    w = np.where(there, weights[..., None], 0.0)
    total = w.sum(axis=0)
    summed = (w * np.where(there, forecasts, 0.0)).sum(axis=0)
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)
