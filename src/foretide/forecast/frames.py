"""Forecasts of a frame of series, without a workspace: ``unique_id, ds, y`` in, the forecast out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import DataError, MappingError
from foretide.events.sources.frames import to_polars
from foretide.forecast.engine import Run, run
from foretide.forecast.reconcile import Hierarchy
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
    "other": (1,),
}
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
#: A grid may have this many times as many steps as there are values in the longest series: else steps are irregular.
MOST_SPARSE = 50
#: A series without an id is called so.
ONLY = "y"

Gaps = Literal["last", "zero"]


def forecast(
    frame: Any,
    h: int = 28,
    levels: Sequence[int] = (80, 95),
    season_length: int | Sequence[int] | None = None,
    gaps: Gaps = "last",
    *,
    models: Sequence[str] = (),
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
    models
        What to try beside the candidates: ``arima, lightgbm, ridge, lstm, mlp``; these take seconds to minutes.
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
        If there are no rows, or the steps are irregular.
    UsageError
        If the horizon or a level is out of range.
    """
    panel, unit = panel_of(frame, gaps)
    seasons = SEASONS[unit] if season_length is None else season_length
    known = {"events": optional(events, "events"), "covariates": optional(covariates, "covariates")}
    if hierarchy is None:
        told = run(panel, h, levels, seasons, models=models, **known)
    else:
        sums = Hierarchy.from_table(to_polars(hierarchy, "hierarchy"))
        told = run_sums(panel, sums, h, levels, seasons, models=models, **known)
    return replace(told, notes=(*told.notes, "ends_differ")) if np.isnan(panel.y[:, -1]).any() else told


def optional(frame: Any, name: str) -> pl.DataFrame | None:
    """Return a frame that may be missing as Polars."""
    return None if frame is None else to_polars(frame, name)


def panel_of(frame: Any, gaps: Gaps = "last") -> tuple[Panel, str]:
    """Return a frame as a panel, and the name of its step in ``SEASONS``."""
    rows = tidied(to_polars(frame, "frame"))
    dates, place, unit = grid(rows["ds"])
    ids = rows["unique_id"].unique(maintain_order=True)
    series = rows["unique_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
    y = np.full((len(ids), len(dates)), np.nan)
    y[series, place] = 0.0
    np.add.at(y, (series, place), rows["y"].to_numpy())
    if gaps == "zero":
        begun = np.maximum.accumulate(~np.isnan(y), axis=1)
        y[begun & np.isnan(y)] = 0.0
    return Panel(ids.to_list(), dates, y), unit


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
    known = table.filter(pl.col("y").is_finite(), pl.col("ds").is_not_null(), pl.col("unique_id").is_not_null())
    if known.is_empty():
        raise DataError("frame: there is no row with a date and a figure; nothing can be forecast")
    return known


def grid(ds: pl.Series) -> tuple[NDArray[np.datetime64], NDArray[np.int64], str]:
    """Return the steps from the first date to the last, the place of each date, and the name of the step.

    Raises
    ------
    DataError
        If the dates are too irregular for one grid.
    """
    moments = ds.unique().sort()
    if moments.len() > 1 and (moments.dt.truncate("1mo") == moments).all():
        return _grid(ds.dt.year().cast(pl.Int64) * 12 + ds.dt.month() - 1 - 1970 * 12, "M", {1: "month", 3: "quarter"})
    if (moments.dt.truncate("1d") == moments).all():
        return _grid(ds.cast(pl.Date).cast(pl.Int64), "D", {1: "day", 7: "week"})
    return _grid(ds.cast(pl.Int64), "us", {MINUTE_US: "minute", HOUR_US: "hour"})


def _grid(number: pl.Series, unit: str, names: dict[int, str]) -> tuple[NDArray[np.datetime64], NDArray[np.int64], str]:
    known = number.unique().sort().to_numpy()
    step = int(np.gcd.reduce(np.diff(known))) if known.size > 1 else 1
    n_steps = int((known[-1] - known[0]) // step) + 1
    if n_steps > max(MOST_SPARSE * known.size, 1000):
        raise DataError(
            f"frame: the dates are irregular ({known.size:,} of them would need {n_steps:,} steps); "
            "bring them to days or hours first and add the figures up"
        )
    dates = (known[0] + step * np.arange(n_steps)).astype(f"datetime64[{unit}]")
    return dates, (number.to_numpy() - known[0]) // step, names.get(step, "other")
