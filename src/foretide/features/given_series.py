"""Daily series that were aggregated elsewhere: a day that one lacks is not known to be zero."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import DataError, NotEnoughDataError
from foretide.features.series import on_grid
from foretide.schema import Panel


def series_panel(series: pl.DataFrame, as_of: datetime | None = None) -> Panel:
    """Put ready-made series (``schema.SERIES``) on a daily grid.

    A day that a series lacks is not known to be zero: inside its span it is interpolated between its
    neighbours, after its end its last figure stands (``missing_days`` names them). Only days before the one
    of ``as_of`` are used.

    Raises
    ------
    NotEnoughDataError
        If there is nothing before ``as_of``.
    DataError
        If a series has two figures for one day.
    """
    known = _known(series, as_of)
    if known.is_empty():
        raise NotEnoughDataError("there are no ready-made series; import a file with date and count")
    grid = on_grid(known, _end(known))
    seen = _seen(known)
    steps = np.arange(grid.n_steps)
    y = grid.y.copy()
    for row, there in zip(y, seen, strict=True):
        lacking = ~np.isnan(row) & ~there
        row[lacking] = np.interp(steps[lacking], steps[there], row[there])
    return Panel(grid.ids, grid.dates, y)


def missing_days(series: pl.DataFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Return ``unique_id, ds`` of the days that ``series_panel`` fills in because nobody knows them."""
    known = _known(series, as_of)
    if known.is_empty():
        return known.select("unique_id", "ds")
    grid = on_grid(known, _end(known))
    row, step = np.nonzero(~np.isnan(grid.y) & ~_seen(known))
    lacking = {"unique_id": [grid.ids[i] for i in row.tolist()], "ds": grid.dates[step]}
    return pl.DataFrame(lacking, schema={"unique_id": pl.String, "ds": pl.Date})


def _known(series: pl.DataFrame, as_of: datetime | None) -> pl.DataFrame:
    if as_of is not None:
        series = series.filter(pl.col("ds") < as_of.date())
    twice = series.filter(pl.struct("unique_id", "ds").is_duplicated())
    if twice.height:
        name, day = twice.row(0)[:2]
        raise DataError(f"series {name!r} has two figures for {day}; add them up, or leave one of them out")
    return series.filter(pl.col("y").is_finite())


def _end(known: pl.DataFrame) -> date:
    return known.select(pl.col("ds").max()).item()


def _seen(known: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which figures of the grid are given, ``(n_series, n_steps)``."""
    return on_grid(known.with_columns(y=1.0), _end(known)).y == 1.0
