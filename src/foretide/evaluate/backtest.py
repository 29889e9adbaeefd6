"""A backtest: what forecasts would have said at earlier moments, beside what happened then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import polars as pl

from foretide.errors import UsageError
from foretide.evaluate.metrics import coverage, mae, mean_of_known, mse, r2, rmse, seasonal_scales
from foretide.schema import Floats, Forecast, Panel

#: The model beside which the others are shown.
NAIVE = "SeasonalNaive"

POINT_METRICS = ("mase", "rmsse", "mse", "rmse", "mae", "r2")


class Forecaster(Protocol):
    """What learns a panel and forecasts it."""

    def fit(self, panel: Panel) -> Self:
        """Take in the past."""
        ...

    def predict(self, h: int) -> Forecast:
        """Return the forecast of the ``h`` steps after the panel."""
        ...


@dataclass(frozen=True)
class Said:
    """What one model said at the origins of a backtest; NaN for a series that had not begun."""

    mean: Floats  # (n_series, n_origins, h)
    median: Floats  # (n_series, n_origins, h)
    intervals: Mapping[int, tuple[Floats, Floats]] = field(default_factory=dict)  # level -> (lo, hi)


@dataclass(frozen=True)
class BacktestResult:
    """The table of a backtest and what it was made of."""

    table: pl.DataFrame  # model, mase, rmsse, mse, rmse, mae, r2, coverage_80, ...
    origins: Sequence[int]  # numbers of steps known
    happened: Floats  # (n_series, n_origins, h)
    said: Mapping[str, Said]

    def errors(self, model: str) -> Floats:
        """Return what happened minus the model's median, ``(n_series, n_origins, h)``."""
        return self.happened - self.said[model].median


def backtest(
    panel: Panel,
    forecasters: Mapping[str, Forecaster],
    h: int,
    origins: Sequence[int],
    levels: Sequence[int] = (80, 95),
    season_length: int = 7,
) -> BacktestResult:
    """Fit every forecaster at every origin on what was known then, and score what it says.

    Parameters
    ----------
    panel
        The series; NaN before a series' first step.
    forecasters
        Name -> forecaster.
    h
        Steps ahead.
    origins
        Numbers of steps known, each with its whole horizon inside the panel.
    levels
        Of the intervals whose coverage is reported, in percent.
    season_length
        Of the seasonal naive that MASE and RMSSE compare with.

    Raises
    ------
    UsageError
        If a horizon reaches beyond the panel.
    """
    if not origins or min(origins) < 1 or max(origins) + h > panel.n_steps:
        raise UsageError(f"a backtest of {h} steps needs origins from 1 to {panel.n_steps - h}, not {list(origins)}")
    said = {name: _ask(panel, model, h, origins) for name, model in forecasters.items()}
    table = score_table(panel.y, origins, said, levels, season_length)
    return BacktestResult(table, origins, outcomes(panel.y, origins, h), said)


def _ask(panel: Panel, model: Forecaster, h: int, origins: Sequence[int]) -> Said:
    answers = [model.fit(panel.until(origin)).predict(h) for origin in origins]
    shared = set.intersection(*(set(answer.intervals) for answer in answers))
    return Said(
        np.stack([answer.mean for answer in answers], axis=1),
        np.stack([answer.median for answer in answers], axis=1),
        {
            level: (
                np.stack([answer.intervals[level][0] for answer in answers], axis=1),
                np.stack([answer.intervals[level][1] for answer in answers], axis=1),
            )
            for level in sorted(shared)
        },
    )


def outcomes(y: Floats, origins: Sequence[int], h: int) -> Floats:
    """Return what happened after each origin, ``(n_series, n_origins, h)``."""
    if not origins:
        return np.empty((len(y), 0, h))
    return np.stack([y[:, origin : origin + h] for origin in origins], axis=1)


def score_table(
    y: Floats, origins: Sequence[int], said: Mapping[str, Said], levels: Sequence[int], season_length: int
) -> pl.DataFrame:
    """Return the metrics of each model, best RMSSE first.

    MASE and MAE judge the median, the others the mean. MASE and RMSSE are means over series and origins (a
    series whose past never changed is left out), the others are over all points. A metric that cannot be had is
    null.

    Parameters
    ----------
    y
        ``(n_series, n_steps)``.
    origins
        Numbers of steps known; without any the table is empty.
    said
        Name of the model -> what it said.
    levels
        In percent; null for a model without that interval.
    season_length
        Of the seasonal naive that MASE and RMSSE compare with.
    """
    names = (*POINT_METRICS, *(f"coverage_{level}" for level in levels))
    scales = [seasonal_scales(y, origins, season_length, power) if origins else y for power in (1, 2)]
    rows = [
        {"model": model, **_points(y, origins, told, scales), **_coverages(y, origins, told, levels)}
        for model, told in said.items()
        if origins
    ]
    table = pl.DataFrame(rows, schema={"model": pl.String} | dict.fromkeys(names, pl.Float64))
    return table.with_columns(pl.col(names).fill_nan(None)).sort("rmsse", "model", nulls_last=True)


def beside_naive(table: pl.DataFrame) -> pl.DataFrame:
    """Add ``vs_naive``: each model's MASE over that of the seasonal naive at the same origins; null without it.

    MASE itself is scaled by the changes of the past: above 1 a forecast may still be better than the naive one,
    where what came was more restless than what had been.
    """
    naive = pl.col("mase").filter((pl.col("model") == NAIVE) & (pl.col("mase") > 0)).first()
    ratio = pl.col("mase") / (naive.over("series") if "series" in table.columns else naive)
    place = table.columns.index("mase") + 1
    return table.select(*table.columns[:place], ratio.alias("vs_naive"), *table.columns[place:])


def _points(y: Floats, origins: Sequence[int], told: Said, scales: Sequence[Floats]) -> dict[str, float]:
    happened = outcomes(y, origins, told.mean.shape[2])
    absolute = np.abs(happened - told.median).mean(axis=2)
    squared = ((happened - told.mean) ** 2).mean(axis=2)
    return {
        "mase": mean_of_known(absolute / scales[0]),
        "rmsse": mean_of_known(np.sqrt(squared / scales[1])),
        "mae": mae(happened, told.median),
    } | {metric.__name__: metric(happened, told.mean) for metric in (mse, rmse, r2)}


def _coverages(y: Floats, origins: Sequence[int], told: Said, levels: Sequence[int]) -> dict[str, float]:
    happened = outcomes(y, origins, told.mean.shape[2])
    return {
        f"coverage_{level}": coverage(happened, *told.intervals[level]) for level in levels if level in told.intervals
    }
