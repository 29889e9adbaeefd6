"""The even steps that the dates of a frame lie on: months, days and weeks, or any time below a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import DataError, UsageError

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
#: What steps of a number of units are called; all others are ``OTHER``.
NAMES: dict[str, dict[int, str]] = {
    "M": {1: "month", 3: "quarter"},
    "D": {1: "day", 7: "week"},
    "us": {MINUTE_US: "minute", HOUR_US: "hour", DAY_US: "day", 7 * DAY_US: "week"},
}
OTHER = "other"
#: A grid may have this many times as many steps as there are dates: else they are irregular; so many do no harm.
MOST_SPARSE, FEW_STEPS = 50, 1000
#: Rows of which this share lie on one grid set it; the others are added to the step that they fall into.
NEARLY_ALL = 0.98
#: The most common distances between neighbouring dates of many rows that are tried as a step.
TRIED_STEPS = 5

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

    def moments(self, ds: pl.Series) -> NDArray[np.datetime64]:
        """Return the step that each date lies in, ``(n_rows,)`` in microseconds."""
        steps = self.first + self.step * self.place(ds)
        return steps.astype(f"datetime64[{self.unit}]").astype("datetime64[us]")

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
    """Return the widest steps that nearly all dates of rows lie on.

    Raises
    ------
    DataError
        If the dates are too irregular for one grid.
    """
    return grid_of_counted(counted(ds))


def counted(ds: pl.Series) -> pl.DataFrame:
    """Return ``ds, n``: each date once, and how many rows have it."""
    return pl.DataFrame({"ds": ds}).group_by("ds").agg(n=pl.len().cast(pl.Int64))


def grid_of_counted(dates: pl.DataFrame) -> Grid:
    """Return the grid of dates, each of which is told once beside its number of rows (``counted``)."""
    unit = unit_of(dates)
    known, place = np.unique(numbered(dates["ds"], unit), return_inverse=True)
    step, phase = step_of(known, np.bincount(place, dates["n"].to_numpy()).astype(np.float64))
    refuse_slips(known, step, unit)
    first = int(phase + (known[0] - phase) // step * step)
    n_steps = int((known[-1] - first) // step) + 1
    if n_steps > max(MOST_SPARSE * known.size, FEW_STEPS):
        raise DataError(
            f"frame: the dates are irregular ({known.size:,} of them would need {n_steps:,} steps); "
            "bring them to days or hours first and add the figures up"
        )
    return Grid(unit, first, step, n_steps)


def refuse_slips(known: NDArray[np.int64], step: int, unit: Unit) -> None:
    """Raise a DataError if one long gap is most of the span: a slip of the year in some dates."""
    gaps = np.diff(known) // step
    if gaps.max(initial=0) <= max(FEW_STEPS, gaps.sum() / 2):
        return
    before, after = known[int(np.argmax(gaps)) :][:2].astype(f"datetime64[{unit}]").astype("datetime64[D]")
    raise DataError(
        f"frame: there is no figure between {before} and {after}, {gaps.max():,} steps; put right these dates, or "
        "leave the rows on one side out"
    )


def step_of(known: NDArray[np.int64], n: NDArray[np.float64]) -> tuple[int, int]:
    """Return the widest step that nearly all rows lie on, and where it begins; ``n`` rows on each known number."""
    exact = int(np.gcd.reduce(np.diff(known))) if known.size > 1 else 1
    distances, often = np.unique(np.diff(known[n >= n.max() / 2]), return_counts=True)
    common = distances[np.argsort(-often, kind="stable")[:TRIED_STEPS]]
    for step in sorted(common[common > exact].tolist(), reverse=True):
        begins, which = np.unique(known % step, return_inverse=True)
        rows = np.bincount(which, n)
        if rows.max() >= NEARLY_ALL * n.sum():
            return step, int(begins[np.argmax(rows)])
    return exact, int(known[0] % exact)


def unit_of(dates: pl.DataFrame) -> Unit:
    """Return months if nearly all rows are on first days of one, days if they have no time, else microseconds."""
    if dates.height > 1 and share_on(dates, "1mo") >= NEARLY_ALL:
        return "M"
    return "D" if share_on(dates, "1d") >= NEARLY_ALL else "us"


def share_on(dates: pl.DataFrame, every: str) -> float:
    """Return the share of rows whose date begins such a spell."""
    rows = dates["n"].to_numpy()
    begins = (dates["ds"].dt.truncate(every) == dates["ds"]).to_numpy()
    return float(rows[begins].sum() / rows.sum())


def numbered(ds: pl.Series, unit: Unit) -> NDArray[np.int64]:
    """Return dates as numbers of whole units since 1970."""
    return ds.to_numpy().astype(f"datetime64[{unit}]").astype(np.int64)
