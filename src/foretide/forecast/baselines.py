"""The simple forecasts that every model has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from foretide.schema import Floats


class Forecaster(Protocol):
    """A method that forecasts a whole panel from any number of origins at once."""

    def forecast(self, y: Floats, origins: Sequence[int], h: int) -> Floats:
        """Return what is expected after each origin.

        Parameters
        ----------
        y
            ``(n_series, n_steps)``, NaN before a series began.
        origins
            Ascending numbers of steps known, each at least 1 and at most ``n_steps``; nothing from
            ``y[:, origin:]`` may change the answer for an origin.
        h
            Number of steps ahead.

        Returns
        -------
        Floats
            ``(n_series, n_origins, h)``; NaN for a series that has not begun at an origin.
        """
        ...


@dataclass(frozen=True)
class SeasonalNaive:
    """The last season again; with less than one season, the mean of what there is."""

    season_length: int = 7

    def forecast(self, y: Floats, origins: Sequence[int], h: int) -> Floats:
        """Return forecasts from each origin, as ``Forecaster.forecast``."""
        return np.stack([window(y[:, :o], h, self.season_length, 1, np.nanmean) for o in origins], axis=1)


@dataclass(frozen=True)
class SeasonalWindowAverage:
    """The mean of the same weekday over the last seasons."""

    season_length: int = 7
    n_seasons: int = 4

    def forecast(self, y: Floats, origins: Sequence[int], h: int) -> Floats:
        """Return forecasts from each origin, as ``Forecaster.forecast``."""
        m, n = self.season_length, self.n_seasons
        return np.stack([window(y[:, :o], h, m, n, np.nanmean) for o in origins], axis=1)


@dataclass(frozen=True)
class SeasonalWindowMedian:
    """The median of the same weekday over the last seasons."""

    season_length: int = 7
    n_seasons: int = 4

    def forecast(self, y: Floats, origins: Sequence[int], h: int) -> Floats:
        """Return forecasts from each origin, as ``Forecaster.forecast``."""
        m, n = self.season_length, self.n_seasons
        return np.stack([window(y[:, :o], h, m, n, np.nanmedian) for o in origins], axis=1)


def window(y: Floats, h: int, m: int, n_seasons: int, summary: Callable[..., Any]) -> Floats:
    """Summarise each place in the season over the last seasons and repeat that for ``h`` steps.

    A series that is shorter than a season has the same summary of all its steps everywhere.
    """
    n_series, n_steps = y.shape
    last = np.full((n_series, m * n_seasons), np.nan)
    used = min(n_steps, m * n_seasons)
    last[:, m * n_seasons - used :] = y[:, n_steps - used :]
    by_place = last.reshape(n_series, n_seasons, m)
    season = quiet(summary, by_place, axis=1)
    overall = quiet(summary, last, axis=1)[:, None]
    season = np.where(np.isnan(season), overall, season)
    return np.tile(season, (1, -(-h // m)))[:, :h]


def quiet(summary: Callable[..., Any], values: Floats, axis: int) -> Floats:
    """Summarise; a slice without any value is NaN, without a warning."""
    empty = np.isnan(values).all(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, values)
    return np.where(empty, np.nan, summary(filled, axis=axis))
