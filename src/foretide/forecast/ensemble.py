"""How much each method counts for each series: by its past errors, shrunk towards what holds for all series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foretide.evaluate.metrics import mean_of_known
from foretide.schema import Floats

Counts = NDArray[np.int64]

#: Origins' worth of belief in the errors of the whole panel.
SHRINKAGE_ORIGINS = 8.0
#: How sharply better methods are preferred: weights are errors to this negative power.
SHARPNESS = 4.0
TINY = 1e-12
#: A method whose error over the whole panel exceeds the best one's by more than this share is left out.
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


def weigh(squares: Floats, prior: Floats) -> Floats:
    """Return the weights of the methods for each series, ``(n_models, n_series)``, adding up to one.

    Parameters
    ----------
    squares
        ``(n_models, n_series, n_origins)`` from ``relative_squares``.
    prior
        ``(n_models,)``, the weights where nothing was tried yet.
    """
    if np.isnan(squares).all():
        return np.repeat(prior[:, None], squares.shape[1], axis=1)
    pooled, shrunk = pooled_and_shrunk(squares)
    raw = ((shrunk.min(axis=0) + TINY) / (shrunk + TINY)) ** (SHARPNESS / 2.0)
    raw[np.sqrt(pooled) > (1.0 + TOLERATED) * np.sqrt(pooled.min())] = 0.0
    return raw / raw.sum(axis=0)


def pooled_and_shrunk(squares: Floats) -> tuple[Floats, Floats]:
    """Return the mean of each method over the panel ``(n_models,)``, and for each series drawn towards that.

    Parameters
    ----------
    squares
        ``(n_models, n_series, n_origins)`` from ``relative_squares``, not all of them NaN.

    Returns
    -------
    tuple[Floats, Floats]
        The second one is ``(n_models, n_series)``.
    """
    known = ~np.isnan(squares)
    count = known.sum(axis=2)
    total = np.where(known, squares, 0.0).sum(axis=2)
    pooled = total.sum(axis=1) / count.sum(axis=1)
    return pooled, _shrunk(total / np.maximum(count, 1), count, pooled)


def _shrunk(own: Floats, count: Counts, pooled: Floats) -> Floats:
    """Draw each series' errors towards the panel's, brought to the series' size: hard for one method, hard for all."""
    size = np.where(count > 0, own.mean(axis=0) / max(pooled.mean(), TINY), 1.0)
    return (count * own + SHRINKAGE_ORIGINS * pooled[:, None] * size) / (count + SHRINKAGE_ORIGINS)


def honest_weights(squares: Floats, origins: Sequence[int], h: int, prior: Floats) -> Floats:
    """Return the weights that would have been used at each origin, ``(n_models, n_series, n_origins)``.

    At an origin only horizons that were over by then can have been judged.
    """
    if not origins:
        return np.empty(squares.shape)
    over = np.asarray(origins) + h
    return np.stack([weigh(squares[:, :, over <= origin], prior) for origin in origins], axis=2)


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


def lone_winner(squares: Floats, together: Floats) -> int | None:
    """Return the method that is clearly better alone than the ensemble over the whole panel, if there is one.

    Parameters
    ----------
    squares
        Of each method, ``(n_models, n_series, n_origins)``.
    together
        Of the ensemble, ``(n_series, n_origins)``.
    """
    single = np.array([mean_of_known(np.sqrt(method)) for method in squares])
    if np.isnan(single).all():  # no origin, or no series had begun at one
        return None
    best = int(np.nanargmin(single))
    return best if single[best] < (1.0 - CLEARLY_BETTER) * mean_of_known(np.sqrt(together)) else None
