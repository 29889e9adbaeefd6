"""The design matrix of learners that forecast from lags: what is known at an origin of a step after it.

Everything is relative to the level of the series at the origin (a mean of the log series over the last steps), in
units of the series' spread, so that small and large, growing and shrinking series teach one learner.

References
----------
Montero-Manso and Hyndman (2021), Principles and algorithms for forecasting groups of time series: locality and
globality, International Journal of Forecasting 37. Bandara, Bergmeir, Smyl (2020), Forecasting across time series
databases using recurrent neural networks on groups of similar series, Expert Systems with Applications 140 (local
normalisation of windows).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.schema import Floats

#: Single steps back, and seasons back.
LAGS = 7
SEASONS_BACK = 4
#: Steps of the level, of the rolling means, and the shortest window.
LEVEL_STEPS = 28
ROLLING = (7, 14, 56)
LEAST_WINDOW = 56
#: Pairs of sine and cosine of the place in the season and in the year.
SEASON_HARMONICS = 3
YEAR_HARMONICS = 2
YEAR_STEPS = 365.25
#: The year is told apart from a trend from this many steps on.
LEAST_YEARS = 1.5
#: Windows that are held in memory together.
WINDOWS_AT_ONCE = 2_000
#: A series' spread on the log scale is at least this.
LEAST_SPREAD = 1e-3

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Which rows of the design: each a series, the number of steps known, and the step ahead (from 0)."""

    series: Ints
    origin: Ints
    ahead: Ints

    @property
    def step(self) -> Ints:
        """The step that is forecast."""
        return self.origin + self.ahead

    def take(self, chosen: NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        return Rows(self.series[chosen], self.origin[chosen], self.ahead[chosen])

    def batches(self, size: int) -> Iterator[Rows]:
        """Yield the rows in order, at most ``size`` at a time."""
        for begin in range(0, self.series.size, size):
            part = slice(begin, begin + size)
            yield Rows(self.series[part], self.origin[part], self.ahead[part])


@dataclass(frozen=True)
class Design:
    """How rows become features.

    Parameters
    ----------
    season_length
        Steps of a season.
    yearly
        Whether the place in the year is told.
    known_ahead
        ``(n_known, n_series, n_steps + h)``: what is known of every step in advance (holidays, prices).
    """

    season_length: int
    yearly: bool
    known_ahead: Floats

    @property
    def width(self) -> int:
        """Steps before an origin that are looked at."""
        return max(SEASONS_BACK * self.season_length, LEAST_WINDOW)

    def windows(self, scaled: Floats, rows: Rows) -> Floats:
        """Return the last steps before each row's origin, ``(n_rows, width)``, NaN where there are none."""
        at = rows.origin[:, None] + np.arange(-self.width, 0)
        return np.where(at < 0, np.nan, scaled[rows.series[:, None], np.maximum(at, 0)])

    def features(self, windows: Floats, rows: Rows) -> tuple[Floats, Floats]:
        """Return the features ``(n_rows, n_features)``, and the level that the target is relative to ``(n_rows,)``.

        Parameters
        ----------
        windows
            ``(n_rows, width)``; a window's last value is that of the step ``origin - 1``.
        rows
            What is forecast.
        """
        level = tail_mean(windows, LEVEL_STEPS)
        near = windows - level[:, None]
        columns = [
            *(near[:, -lag] for lag in self._lags()),
            *(tail_mean(near, steps) for steps in ROLLING),
            *self._same_place(near, rows.ahead),
            np.sqrt(tail_mean(near**2, LEVEL_STEPS)),
            level,
            rows.ahead.astype(np.float64),
            *waves(rows.step / self.season_length, min(SEASON_HARMONICS, self.season_length // 2)),
            *(waves(rows.step / YEAR_STEPS, YEAR_HARMONICS) if self.yearly else ()),
            *self.known_ahead[:, rows.series, rows.step],
        ]
        return np.nan_to_num(np.column_stack(columns)), level

    def learnt_from(self, scaled: Floats, rows: Rows) -> tuple[Floats, Floats]:
        """Return features and levels of rows as ``features``, a batch of windows at a time: they may be years long."""
        parts = [self.features(self.windows(scaled, batch), batch) for batch in rows.batches(WINDOWS_AT_ONCE)]
        return np.concatenate([features for features, _ in parts]), np.concatenate([level for _, level in parts])

    def _lags(self) -> list[int]:
        seasons = [self.season_length * k for k in range(1, SEASONS_BACK + 1)]
        return sorted({*range(1, LAGS + 1), *seasons})

    def _same_place(self, near: Floats, ahead: Ints) -> list[Floats]:
        """Return the values at the place of the step ahead in the last seasons, and their mean."""
        m = self.season_length
        first = self.width - m + ahead % m
        same = np.stack([near[np.arange(ahead.size), first - m * k] for k in range(SEASONS_BACK)], axis=1)
        return [*same.T, tail_mean(same, SEASONS_BACK)]


def tail_mean(values: Floats, steps: int) -> Floats:
    """Return the mean of the last columns without NaN, zero where there is nothing else."""
    tail = values[:, -steps:]
    known = ~np.isnan(tail)
    return np.where(known, tail, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def waves(turns: Floats, harmonics: int) -> list[Floats]:
    """Return sines and cosines of a place given in turns."""
    angles = [2 * np.pi * k * turns for k in range(1, harmonics + 1)]
    return [wave(angle) for angle in angles for wave in (np.sin, np.cos)]


def spreads(z: Floats) -> Floats:
    """Return the standard deviation of each series ``(n_series, 1)``; of one too short, the median of the others."""
    count = (~np.isnan(z)).sum(axis=1)
    enough = count >= 2
    spread = np.full(len(z), LEAST_SPREAD)
    if enough.any():
        spread[enough] = np.nanstd(z[enough], axis=1)
        spread[~enough] = np.median(spread[enough])
    return np.maximum(spread, LEAST_SPREAD)[:, None]


def sampled_rows(scaled: Floats, h: int, most: int, rng: np.random.Generator) -> Rows:
    """Return rows whose target is known in ``scaled`` ``(n_series, n_steps)``, at most ``most``, evenly at random."""
    n_series, n_steps = scaled.shape
    total = n_series * max(n_steps - 1, 0) * h
    flat = np.arange(total) if total <= most else rng.choice(total, most, replace=False, shuffle=False)
    series, rest = np.divmod(np.sort(flat), max(n_steps - 1, 1) * h)
    rows = Rows(series, 1 + rest // h, rest % h)
    rows = rows.take(rows.step < n_steps)
    return rows.take(~np.isnan(scaled[rows.series, rows.origin - 1]))
