"""Holt-Winters that goes on: a new day moves the state of every series by one step, nothing is fitted again.

A warm model says exactly what ``HoltWinters`` says of the whole history, at the cost of one step. Level and season
begin with the means of a series' first seasons; until those are known, a young series is smoothed from its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import UsageError
from foretide.forecast.method import carried, check_horizon, dates_ahead
from foretide.forecast.smoothing import (
    PHI,
    START_SEASONS,
    _autocorrelation,
    _expect,
    _start,
    _take_in,
    _weights,
    grid,
    most_carried,
    power_of_two,
)
from foretide.schema import Floats, Forecast, Panel

Floats32 = NDArray[np.float32]
NOT_YET = -1


@dataclass
class WarmHoltWinters:
    """Batched damped Holt-Winters with a state.

    Parameters
    ----------
    log
        Smooth ``log(1 + y)`` instead of ``y``, as ``HoltWinters``.
    season_length
        Steps of a season; 1 for none.
    """

    log: bool = True
    season_length: int = 7
    panel_: Panel | None = field(default=None, init=False, repr=False)  # the last step only
    n_steps_: int = field(default=0, init=False)
    scale_: Floats = field(init=False, repr=False)  # (n_series, 1)
    first_: NDArray[np.int64] = field(init=False, repr=False)  # (n_series,) step of the first value
    young_: Floats32 = field(init=False, repr=False)  # (n_series, START_SEASONS * m) the first values
    level_: Floats32 = field(init=False, repr=False)  # (n_series, n_points)
    trend_: Floats32 = field(init=False, repr=False)
    season_: Floats32 = field(init=False, repr=False)  # (n_series, m, n_points)
    error_: Floats32 = field(init=False, repr=False)
    sse_: Floats32 = field(init=False, repr=False)
    cross_: Floats32 = field(init=False, repr=False)
    count_: Floats32 = field(init=False, repr=False)  # (n_series,)

    def fit(self, panel: Panel) -> Self:
        """Smooth the whole past once; a series that has not begun may begin later."""
        y = carried(np.where(np.isfinite(panel.y), panel.y, np.nan))
        n, m, points = len(y), self.season_length, len(grid())
        self.scale_ = np.ones((n, 1))
        self.first_ = np.full(n, NOT_YET)
        self.young_ = np.full((n, START_SEASONS * m), np.nan, np.float32)
        self.level_, self.trend_, self.error_, self.sse_, self.cross_ = np.zeros((5, n, points), np.float32)
        self.season_, self.count_ = np.zeros((n, m, points), np.float32), np.zeros(n, np.float32)
        self.n_steps_ = 0
        self._advance(y)
        self.panel_ = Panel(panel.ids, panel.dates[-2:], y[:, -1:])
        return self

    def update(self, y: Floats) -> Self:
        """Take in the next steps, ``(n_series,)`` or ``(n_series, k)``; NaN stands for the value before.

        Raises
        ------
        UsageError
            If nothing was fitted, or there is not a value for each series.
        """
        past = self._known()
        y = np.asarray(y, dtype=np.float64)
        if y.ndim not in (1, 2) or y.shape[0] != len(past.ids):
            raise UsageError(f"there are {len(past.ids)} series and {y.shape} values; give one for each")
        y = y[:, None] if y.ndim == 1 else y
        filled = carried(np.hstack([past.y, np.where(np.isfinite(y), y, np.nan)]))[:, 1:]
        self._advance(filled)
        dates = past.dates[-1] + past.step * np.arange(y.shape[1] - 1, y.shape[1] + 1)
        self.panel_ = Panel(past.ids, dates, filled[:, -1:])
        return self

    def predict(self, h: int) -> Forecast:
        """Return the medians of the next ``h`` steps, never below zero."""
        past = self._known()
        check_horizon(h)
        middle = np.full((len(past.ids), h), np.nan, np.float32)
        states = self.level_, self.trend_, self.season_, self.error_, self.sse_, self.cross_, self.count_
        most = most_carried(h, self.season_length)
        _expect_all(self.first_, *states, self.n_steps_, most if most is None else np.float32(most), middle)
        median = np.maximum(np.expm1(middle) if self.log else middle * self.scale_, 0.0)
        return Forecast(past.ids, dates_ahead(past, h), median, median)

    def _known(self) -> Panel:
        if self.panel_ is None:
            raise UsageError("WarmHoltWinters has not seen a panel; call fit first")
        return self.panel_

    def _advance(self, y: Floats) -> None:
        begins = np.isnan(self.young_[:, :1])
        if not self.log:
            self.scale_ = np.where(begins, power_of_two(y), self.scale_)
        z = (np.log1p(np.maximum(y, 0.0)) if self.log else y / self.scale_).astype(np.float32)
        points = np.array(grid(), np.float32)
        states = self.level_, self.trend_, self.season_, self.error_, self.sse_, self.cross_, self.count_
        _advance_all(z, self.n_steps_, self.season_length, points, self.first_, self.young_, *states)
        self.n_steps_ += y.shape[1]


@njit
def _advance_all(z, now, m, points, firsts, young, level, trend, season, error, sse, cross, count):  # type: ignore[no-untyped-def]
    """Take the steps ``z`` in, the first of which has the number ``now``."""
    alpha, beta, gamma = points[:, 0].copy(), points[:, 1].copy(), points[:, 2].copy()
    starting = young.shape[1]
    for i in range(z.shape[0]):
        states = level[i], trend[i], season[i], error[i], sse[i], cross[i]
        for k in range(z.shape[1]):
            t = now + k
            if firsts[i] == NOT_YET:
                if np.isnan(z[i, k]):
                    continue
                firsts[i] = t
            age = t - firsts[i]
            if age < starting:
                young[i, age] = z[i, k]
            if age == starting - 1:
                count[i] = _restart(young[i], firsts[i], m, *states, alpha, beta, gamma)
            elif age >= starting:
                count[i] = _take_in(z[i, k : k + 1], t, firsts[i], count[i], *states, alpha, beta, gamma)
        if firsts[i] != NOT_YET and now + z.shape[1] - firsts[i] < starting:
            known = young[i, : now + z.shape[1] - firsts[i]]
            count[i] = _restart(known, firsts[i], m, *states, alpha, beta, gamma)


@njit
def _restart(known, first, m, level, trend, season, error, sse, cross, alpha, beta, gamma):  # type: ignore[no-untyped-def]
    """Smooth a young series from its beginning; return the count."""
    level[:], trend[:], season[:], error[:], cross[:] = 0.0, 0.0, 0.0, 0.0, 0.0
    line = np.full(first % m + known.size, np.float32(np.nan))  # the same place in the season as in the panel
    line[first % m :] = known
    sse[:] = _start(line, first % m, m, level, season)
    states = level, trend, season, error, sse, cross
    return _take_in(known, first, first, np.float32(0.0), *states, alpha, beta, gamma)


@njit
def _expect_all(firsts, level, trend, season, error, sse, cross, count, now, most_rho, middle):  # type: ignore[no-untyped-def]
    for i in range(level.shape[0]):
        if firsts[i] != NOT_YET:
            rho = None if most_rho is None else _autocorrelation(sse[i], cross[i], count[i], most_rho)
            weight = _weights(sse[i], count[i])
            states = level[i], trend[i], season[i], rho, error[i], sse[i], count[i]
            _expect(*states, weight, now, np.float32(PHI), middle[i])
