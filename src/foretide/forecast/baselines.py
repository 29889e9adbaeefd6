"""The simple forecasts that every model has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foretide.forecast.method import Ahead, Method
from foretide.schema import Floats


@dataclass
class SeasonalNaive(Method):
    """The last season again; with less than one season, the mean of what there is."""

    season_length: int = 7

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        return repeated(y, origins, h, self.season_length, 1, np.nanmean)


@dataclass
class SeasonalWindowAverage(Method):
    """The mean of the same weekday over the last seasons."""

    season_length: int = 7
    n_seasons: int = 4

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        return repeated(y, origins, h, self.season_length, self.n_seasons, np.nanmean)


@dataclass
class SeasonalWindowMedian(Method):
    """The median of the same weekday over the last seasons."""

    season_length: int = 7
    n_seasons: int = 4

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        return repeated(y, origins, h, self.season_length, self.n_seasons, np.nanmedian)


def repeated(y: Floats, origins: Sequence[int], h: int, m: int, n_seasons: int, summary: Callable[..., Any]) -> Ahead:
    """Summarise the last seasons before each origin and repeat that; mean and median are the same guess."""
    middle = np.stack([window(y[:, :origin], h, m, n_seasons, summary) for origin in origins], axis=1)
    return Ahead(middle, middle)


def window(y: Floats, h: int, m: int, n_seasons: int, summary: Callable[..., Any]) -> Floats:
    """Summarise each place in the season over the last seasons and repeat that for ``h`` steps.

    A place without a value takes the summary of all of them: a series that is shorter than a season.
    """
    n_series, n_steps = y.shape
    last = np.full((n_series, m * n_seasons), np.nan)
    used = min(n_steps, m * n_seasons)
    last[:, m * n_seasons - used :] = y[:, n_steps - used :]
    season = quiet(summary, last.reshape(n_series, n_seasons, m), axis=1)
    season = np.where(np.isnan(season), quiet(summary, last, axis=1)[:, None], season)
    return np.tile(season, (1, -(-h // m)))[:, :h]


def quiet(summary: Callable[..., Any], values: Floats, axis: int) -> Floats:
    """Summarise; a slice without any value is NaN, without a warning."""
    empty = np.isnan(values).all(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, values)
    return np.where(empty, np.nan, summary(filled, axis=axis))
