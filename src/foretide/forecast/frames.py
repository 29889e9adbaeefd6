"""Forecasts of a frame of series, without a workspace: ``unique_id, ds, y`` in, the forecast out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import DataError
from foretide.events.sources.frames import to_polars
from foretide.forecast.asked import Gaps, check_gaps, moment_asked, names, seasons, whole_number, whole_numbers
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.forecast.engine import Run, checked, run
from foretide.forecast.frame_remarks import remarks
from foretide.forecast.frame_rows import known, rows_of
from foretide.forecast.grid import OTHER, Grid, counted, grid_of_counted, moment
from foretide.forecast.hierarchy import LEAVES, Hierarchy
from foretide.forecast.known_ahead import known_ahead
from foretide.forecast.method import dates_ahead
from foretide.forecast.sums import run_sums
from foretide.schema import Panel

#: Seasons that are tried by the length of a step, the likeliest first.
SEASONS: dict[str, tuple[int, ...]] = {
    "minute": (1440, 60, 1),
    "hour": (24, 168, 1),
    "day": (7, 1),
    "week": (52, 1),
    "month": (12, 1),
    "quarter": (4, 1),
    OTHER: (1,),
}


def forecast(
    frame: Any,
    h: int = 28,
    levels: int | Sequence[int] = (80, 95),
    season_length: int | Sequence[int] | None = None,
    gaps: Gaps = "last",
    until: date | str | None = None,
    *,
    models: Sequence[str] = BY_DEFAULT,
    events: Any = None,
    holidays: str | None = None,
    covariates: Any = None,
    hierarchy: Any = None,
) -> Run:
    """Forecast every series of a frame.

    Parameters
    ----------
    frame
        A pandas, Polars or Arrow frame with ``ds`` (dates, times or text in ISO 8601), ``y`` and, for more than one
        series, ``unique_id``. Steps may be minutes to years; two figures of one series and step are added up.
    h
        Steps ahead.
    levels
        Of the intervals, in percent.
    season_length
        Steps of a season, or several to choose from for each series; by the length of a step if None (``SEASONS``).
    gaps
        What a step that a series lacks inside its span means: ``last``, nobody knows and the figure before stands;
        or ``zero``, nothing happened. A series that ends before the others lacks the steps to the common end.
    until
        A day or moment: steps before it are known, those from it on are forecast. By default the step after the last
        one of any series. A time zone is left out, as that of ``ds`` is.
    models
        What to try beside the candidates: ``lightgbm``, boosted trees, which cost one or two seconds and little more
        for many series; ``theta``, ``arima`` or one of given orders as ``arima(0,1,1)(0,1,1)``, learners on lags
        (``ridge, tree, forest, boosting, svm, network``, each also as ``ridge-recursive``), and ``lstm, mlp``, which
        take up to minutes. Nothing, ``()``, is fast.
    events
        Known events of daily series, past and to come: a frame of ``event, ds`` and, where they are not of one day or
        not about all series, ``end`` and ``category``, the one series that is concerned.
    holidays
        Country or region whose holidays are known, of daily series: ``DE``, ``DE-BY``, ``CN``.
    covariates
        Figures that are known ahead, such as prices, of daily series: a frame of ``unique_id, ds, <name> ...``, without
        ``unique_id`` they are those of all; a day without one keeps the one before.
    hierarchy
        What the series add up to: a frame of ``unique_id, <level> ...``, one row a series. All sums are forecast too,
        and the means agree.

    Returns
    -------
    Run
        ``.frame`` has ``unique_id, ds, mean, median, lo-80, hi-80, ...``; ``.backtest`` and ``.weights`` say why,
        ``.parts`` what the medians are made of, ``.notes`` what a reader must know.

    Raises
    ------
    MappingError
        If a column is missing or cannot be read.
    DataError
        If there are no rows before ``until``, or the steps are irregular.
    UsageError
        If the horizon, a level or a season is out of range, or ``until`` is long after the last row.
    """
    h, levels, until = whole_number(h, "h"), whole_numbers(levels, "levels"), moment_asked(until)
    checked(h, levels)
    check_gaps(gaps)
    tried, lengths = names(models), None if season_length is None else seasons(season_length)
    rows = rows_of(frame)
    used = known_before(known(rows), until)
    grid = steps_of(counted(used["ds"]), until)
    panel = panel_on(grid, used, gaps)
    ahead = known_ahead(events, holidays, covariates, *days_of(grid.dates, h))
    asked = h, levels, lengths or SEASONS[grid.name]
    more: dict[str, Any] = {"models": tried, "events": ahead.events, "covariates": ahead.covariates}
    if hierarchy is None:
        told = run(panel, *asked, **more)
    else:
        told = run_sums(panel, hierarchy_of(hierarchy, rows, panel), *asked, **more)
    return replace(told, notes=(*told.notes, *remarks(rows, used, panel, grid), *ahead.notes))


def days_of(dates: NDArray[np.datetime64], h: int) -> tuple[date, date]:
    """Return the first day that is known and the last one that is forecast, of known steps."""
    ahead = dates_ahead(Panel([], dates, np.empty((0, dates.size))), h)
    first, last = np.array([dates[0], ahead[-1]]).astype("datetime64[D]").tolist()
    return first, last


def hierarchy_of(frame: Any, rows: pl.DataFrame, panel: Panel) -> Hierarchy:
    """Return a hierarchy as it is given, without the leaves of which the rows have no figure."""
    table = to_polars(frame, "hierarchy")
    silent = set(rows["unique_id"].drop_nulls().unique()) - set(panel.ids)
    if silent and LEAVES in table.columns:
        table = table.filter(~pl.col(LEAVES).cast(pl.String).is_in(sorted(silent)))
    return Hierarchy.from_table(table)


def panel_of(frame: Any, gaps: Gaps = "last", until: date | None = None) -> tuple[Panel, Grid]:
    """Return a frame as a panel, and the steps of its dates up to ``until`` or the last one."""
    rows = known_before(known(rows_of(frame)), until)
    grid = steps_of(counted(rows["ds"]), until)
    return panel_on(grid, rows, gaps), grid


def steps_of(dates: pl.DataFrame, until: date | None) -> Grid:
    """Return the steps from the first date (``counted``) to the last one, or to the last one before ``until``."""
    if dates.is_empty():
        raise DataError("frame: there is no row with a date and a figure; nothing can be forecast")
    grid = grid_of_counted(dates)
    return grid if until is None else grid.ending(until)


def panel_on(grid: Grid, rows: pl.DataFrame, gaps: Gaps) -> Panel:
    """Return the series of tidied rows, all of which lie on the grid, in the order of their first rows."""
    ids = rows["unique_id"].unique(maintain_order=True)
    series = rows["unique_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
    at = series, grid.place(rows["ds"])
    y = np.full((len(ids), grid.n_steps), np.nan)
    y[at] = 0.0
    np.add.at(y, at, rows["y"].to_numpy())
    if gaps == "zero":
        begun = np.maximum.accumulate(~np.isnan(y), axis=1)
        y[begun & np.isnan(y)] = 0.0
    return Panel(ids.to_list(), grid.dates, y)


def known_before(rows: pl.DataFrame, until: date | None) -> pl.DataFrame:
    """Return the rows before a moment; all of them if None."""
    return rows if until is None else rows.filter(pl.col("ds") < moment(until))
