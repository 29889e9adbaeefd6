"""What a forecasting method is: it learns a panel and says what follows, from now or from any earlier moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self

import numpy as np

from foretide.errors import NotEnoughDataError, UsageError
from foretide.schema import Floats, Forecast, Panel


class Ahead(NamedTuple):
    """What is expected after each of several origins; NaN for a series that has not begun at one."""

    mean: Floats  # (n_series, n_origins, h)
    median: Floats  # (n_series, n_origins, h)


@dataclass
class Method(ABC):
    """A method that forecasts a whole panel from any number of origins in one pass."""

    #: Whether the series of a panel learn from each other; otherwise each is forecast as if it were alone.
    pools: ClassVar[bool] = False
    #: Whether ``ahead`` learns at its first origin only, as learning takes long.
    learns_once: ClassVar[bool] = False

    panel_: Panel | None = field(default=None, init=False, repr=False, compare=False)

    @abstractmethod
    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return what is expected after each origin.

        Parameters
        ----------
        y
            ``(n_series, n_steps)``, NaN before a series began and nowhere else.
        origins
            Ascending numbers of steps known, from 1 to ``n_steps``; nothing in ``y[:, origin:]`` may change
            the answer for an origin.
        h
            Number of steps ahead.
        """

    def fit(self, panel: Panel) -> Self:
        """Take in the past of a panel.

        Raises
        ------
        NotEnoughDataError
            If no series has a single value.
        """
        self.panel_ = Panel(panel.ids, panel.dates, without_gaps(panel.y))
        return self

    def predict(self, h: int) -> Forecast:
        """Return the forecast of the ``h`` steps after the panel, without intervals and never below zero.

        Raises
        ------
        UsageError
            If nothing was fitted or ``h`` is below 1.
        """
        if self.panel_ is None:
            raise UsageError(f"{type(self).__name__} has not seen a panel; call fit first")
        check_horizon(h)
        ahead = self.ahead(self.panel_.y, [self.panel_.n_steps], h)
        mean, median = (np.maximum(expected[:, 0], 0.0) for expected in ahead)
        return Forecast(self.panel_.ids, dates_ahead(self.panel_, h), mean, median)


def check_horizon(h: int) -> None:
    """Raise a UsageError if there is nothing to forecast."""
    if h < 1:
        raise UsageError(f"the horizon must be at least 1 day, not {h}")


def dates_ahead(panel: Panel, h: int) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """Return the ``h`` steps after a panel."""
    return panel.dates[-1] + panel.step * np.arange(1, h + 1)


def without_gaps(y: Floats) -> Floats:
    """Fill what is missing inside a series with the value before; a series without any value is zero on the last day.

    Raises
    ------
    NotEnoughDataError
        If no series has a single value.
    """
    y = np.where(np.isfinite(y), y, np.nan)
    empty = np.isnan(y).all(axis=1)
    if empty.all():
        raise NotEnoughDataError("no series has a single value; import more events or choose a later --as-of")
    y[empty, -1] = 0.0
    return carried(y)


def carried(y: Floats) -> Floats:
    """Fill what is missing inside a series with the value before it; NaN stays before a series begins."""
    last = np.maximum.accumulate(np.where(np.isnan(y), -1, np.arange(y.shape[1])), axis=1)
    return np.where(last < 0, np.nan, np.take_along_axis(y, np.maximum(last, 0), axis=1))
