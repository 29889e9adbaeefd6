"""The even steps that the dates of a frame lie on: months, days and weeks, or any time below a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import DataError, UsageError

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
#: What steps of a number of units are called; all others are ``OTHER``.
NAMES: dict[str, dict[int, str]] = {
    "M": {1: "month", 3: "quarter"},
    "D": {1: "day", 7: "week"},
    "us": {MINUTE_US: "minute", HOUR_US: "hour"},
}
OTHER = "other"
#: A grid may have this many times as many steps as there are dates: else they are irregular; so many do no harm.
MOST_SPARSE, FEW_STEPS = 50, 1000

Unit = Literal["M", "D", "us"]


@dataclass(frozen=True)
class Grid:
    """Steps from the first date of any series to the last.

    Parameters
    ----------
    unit
        Of the numbers, as in ``datetime64``: months, days or microseconds.
    first
        The first step, in units since 1970.
    step
        Units from one step to the next.
    n_steps
        Number of steps.
    """

    unit: Unit
    first: int
    step: int
    n_steps: int

    @property
    def name(self) -> str:
        """Return what a step is called: minute, hour, day, week, month, quarter or other."""
        return NAMES[self.unit].get(self.step, OTHER)

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Return the steps, ``(n_steps,)``."""
        return (self.first + self.step * np.arange(self.n_steps)).astype(f"datetime64[{self.unit}]")

    def place(self, ds: pl.Series) -> NDArray[np.int64]:
        """Return the place of the step that each date lies in, ``(n_rows,)``."""
        return (numbered(ds, self.unit) - self.first) // self.step

    def ending(self, until: date) -> Grid:
        """Return the steps from the same first one to the last one before a moment.

        Raises
        ------
        UsageError
            If that is so long after the last step that hardly any would be known.
        """
        last = pl.Series([moment(until) - timedelta(microseconds=1)], dtype=pl.Datetime("us"))
        n_steps = int(self.place(last)[0]) + 1
        if n_steps > max(MOST_SPARSE * self.n_steps, FEW_STEPS):
            raise UsageError(
                f"until={until} is {n_steps - self.n_steps:,} steps after the last figure; choose a nearer one"
            )
        return replace(self, n_steps=n_steps)


def moment(until: date) -> datetime:
    """Return a day's midnight, or the moment itself, without a time zone as all dates are."""
    if isinstance(until, datetime):
        return until.replace(tzinfo=None)
    return datetime(until.year, until.month, until.day)  # noqa: DTZ001 as the dates of a frame


def grid_of(ds: pl.Series) -> Grid:
    """Return the widest steps that all dates lie on.

    Raises
    ------
    DataError
        If the dates are too irregular for one grid.
    """
    unit = unit_of(ds)
    known = np.unique(numbered(ds, unit))
    step = int(np.gcd.reduce(np.diff(known))) if known.size > 1 else 1
    n_steps = int((known[-1] - known[0]) // step) + 1
    if n_steps > max(MOST_SPARSE * known.size, FEW_STEPS):
        raise DataError(
            f"frame: the dates are irregular ({known.size:,} of them would need {n_steps:,} steps); "
            "bring them to days or hours first and add the figures up"
        )
    return Grid(unit, int(known[0]), step, n_steps)


def unit_of(ds: pl.Series) -> Unit:
    """Return months if all dates are first days of one, days if they have no time, else microseconds."""
    moments = ds.unique()
    if moments.len() > 1 and (moments.dt.truncate("1mo") == moments).all():
        return "M"
    return "D" if (moments.dt.truncate("1d") == moments).all() else "us"


def numbered(ds: pl.Series, unit: Unit) -> NDArray[np.int64]:
    """Return dates as numbers of whole units since 1970."""
    return ds.to_numpy().astype(f"datetime64[{unit}]").astype(np.int64)
