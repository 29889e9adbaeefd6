"""Forecasts of a frame of series, without a workspace: ``unique_id, ds, y`` in, the forecast out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal

import numpy as np
import polars as pl

from foretide.errors import DataError, MappingError
from foretide.events.sources.frames import to_polars
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.forecast.engine import Run, run
from foretide.forecast.grid import OTHER, Grid, grid_of, moment
from foretide.forecast.hierarchy import Hierarchy
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
#: A series without an id is called so.
ONLY = "y"

Gaps = Literal["last", "zero"]


def forecast(
    frame: Any,
    h: int = 28,
    levels: Sequence[int] = (80, 95),
    season_length: int | Sequence[int] | None = None,
    gaps: Gaps = "last",
    until: date | None = None,
    *,
    models: Sequence[str] = BY_DEFAULT,
    events: Any = None,
    covariates: Any = None,
    hierarchy: Any = None,
) -> Run:
    """Forecast every series of a frame.

    Parameters
    ----------
    frame
        A pandas, Polars or Arrow frame with ``ds`` (dates or times), ``y`` and, for more than one series,
        ``unique_id``. Steps may be minutes to years; two figures of one series and step are added up.
    h
        Steps ahead.
    levels
        Of the intervals, in percent.
    season_length
        Steps of a season, or several to choose from; by the length of a step if None (``SEASONS``).
    gaps
        What a step that a series lacks inside its span means: ``last``, nobody knows and the figure before stands;
        or ``zero``, nothing happened. A series that ends before the others lacks the steps to the common end.
    until
        A day or moment: steps before it are known, those from it on are forecast. By default the step after the last
        one of any series. A time zone is left out, as that of ``ds`` is.
    models
        What to try beside the candidates: ``lightgbm``, boosted trees, which cost one or two seconds and little more
        for many series; ``arima, ridge, lstm, mlp``, which take seconds to minutes. Nothing, ``()``, is fast.
    events
        Known events of daily series, past and to come: a frame of ``event, ds, end, category``, as
        ``foretide.features.calendar`` gives; ``category`` is null, or the one series that is concerned.
    covariates
        Figures that are known ahead, such as prices, of daily series: a frame of ``unique_id, ds, <name> ...``; a day
        without one keeps the one before.
    hierarchy
        What the series add up to: a frame of ``unique_id, <level> ...``, one row a series. All sums are forecast too,
        and the means agree.

    Returns
    -------
    Run
        ``.frame`` has ``unique_id, ds, mean, median, lo-80, hi-80, ...``; ``.backtest`` and ``.weights`` say why.

    Raises
    ------
    MappingError
        If a column is missing or cannot be read.
    DataError
        If there are no rows before ``until``, or the steps are irregular.
    UsageError
        If the horizon or a level is out of range, or ``until`` is long after the last row.
    """
    panel, grid = panel_of(frame, gaps, until)
    seasons = SEASONS[grid.name] if season_length is None else season_length
    known: dict[str, Any] = {"events": optional(events, "events"), "covariates": optional(covariates, "covariates")}
    if hierarchy is None:
        told = run(panel, h, levels, seasons, models=models, **known)
    else:
        sums = Hierarchy.from_table(to_polars(hierarchy, "hierarchy"))
        told = run_sums(panel, sums, h, levels, seasons, models=models, **known)
    return replace(told, notes=(*told.notes, "ends_differ")) if np.isnan(panel.y[:, -1]).any() else told


def optional(frame: Any, name: str) -> pl.DataFrame | None:
    """Return a frame that may be missing as Polars."""
    return None if frame is None else to_polars(frame, name)


def panel_of(frame: Any, gaps: Gaps = "last", until: date | None = None) -> tuple[Panel, Grid]:
    """Return a frame as a panel, and the steps of its dates up to ``until`` or the last one."""
    rows = known_before(tidied(to_polars(frame, "frame")), until)
    grid = steps_of(rows["ds"], until)
    return panel_on(grid, rows, gaps), grid


def steps_of(ds: pl.Series, until: date | None) -> Grid:
    """Return the steps from the first known date to the last one, or to the last one before ``until``."""
    if ds.is_empty():
        raise DataError("frame: there is no row with a date and a figure; nothing can be forecast")
    grid = grid_of(ds)
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


def tidied(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``unique_id, ds, y`` as text, microseconds and finite numbers; rows without a figure are left out."""
    for name in ("ds", "y"):
        if name not in table.columns:
            raise MappingError(
                f"frame: there is no column {name!r}; rename yours, the columns are {', '.join(table.columns)}"
            )
    if "unique_id" not in table.columns:
        table = table.with_columns(unique_id=pl.lit(ONLY))
    try:
        ds = table["ds"].str.to_datetime(time_unit="us") if table["ds"].dtype == pl.String else table["ds"]
        if isinstance(ds.dtype, pl.Datetime) and ds.dtype.time_zone:
            ds = ds.dt.replace_time_zone(None)
        table = table.select(
            pl.col("unique_id").cast(pl.String), ds.cast(pl.Datetime("us")), pl.col("y").cast(pl.Float64)
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise MappingError(f"frame: ds must be dates or times and y numbers ({reason})") from error
    return table.filter(pl.col("y").is_finite(), pl.col("ds").is_not_null(), pl.col("unique_id").is_not_null())
