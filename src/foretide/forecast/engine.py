"""The forecast of a panel: candidates, weights from a backtest, intervals, all series at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.evaluate.backtest import backtest_table
from foretide.evaluate.metrics import coverage
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage, SeasonalWindowMedian
from foretide.forecast.intervals import around
from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.trial import Trial, Verdict, judge, try_candidates
from foretide.schema import Floats, Forecast, Panel

FORECASTERS: dict[str, type] = {
    "SeasonalNaive": SeasonalNaive,
    "SeasonalWindowAverage": SeasonalWindowAverage,
    "SeasonalWindowMedian": SeasonalWindowMedian,
    "HoltWinters": HoltWinters,
}
ENSEMBLE = "Ensemble"


@dataclass(frozen=True)
class Run:
    """A forecast and why it may be trusted."""

    forecast: Forecast
    backtest: pl.DataFrame  # model, mase, rmsse, mse, rmse, mae, r2, coverage_80, ...; empty without a backtest
    weights: pl.DataFrame  # unique_id, model, weight
    notes: tuple[str, ...] = ()  # codes, in words under forecast.note of the catalogue

    @property
    def frame(self) -> pl.DataFrame:
        """The forecast as a long table."""
        return self.forecast.to_frame()


def run(panel: Panel, h: int, levels: Sequence[int] = (80, 95), season_length: int = 7) -> Run:
    """Forecast every series of a panel.

    Every candidate is tried at rolling origins; each series' ensemble weighs them by their errors, shrunk
    towards the errors of the whole panel. A candidate that clearly beats the ensemble is used alone.
    With less than a few weeks of history there is no backtest: the candidates count alike, the intervals
    are as wide as chance makes counts, and a note says so.

    Parameters
    ----------
    panel
        Daily series, each finite from its first step on.
    h
        Days ahead, at least 1.
    levels
        Of the intervals, in percent.
    season_length
        Steps of a season.

    Raises
    ------
    UsageError
        If the horizon or a level is out of range.
    NotEnoughDataError
        If no series has a single value.
    """
    check_request(h, levels)
    y = finite(panel.y)
    trial = try_candidates(y, h, season_length)
    verdict = judge(trial)
    point = np.maximum(verdict.combined(trial.now), 0.0)
    scale = trial.scale[:, -1]
    mean = np.maximum(point + scale[:, None] * skew(verdict.scaled), 0.0)
    dates = panel.dates[-1] + np.arange(1, h + 1)
    intervals = around(point, scale, verdict.scaled, levels)
    return Run(
        Forecast(panel.ids, dates, mean, point, intervals),
        report(trial, verdict, y, levels, season_length),
        weight_table(panel.ids, trial.names, verdict.weights),
        notes(panel.n_steps, h, trial),
    )


def check_request(h: int, levels: Sequence[int]) -> None:
    """Raise a UsageError if the horizon or a level is out of range."""
    if h < 1:
        raise UsageError(f"the horizon must be at least 1 day, not {h}")
    for level in levels:
        if not 1 <= level <= 99:
            raise UsageError(f"a level is a percentage from 1 to 99, not {level}")


def finite(y: Floats) -> Floats:
    """Fill what is missing inside a series with the value before; a series without any value is zero now."""
    if not np.isfinite(y).any():
        raise NotEnoughDataError("no series has a single value; import more events or choose a later --as-of")
    y = np.where(np.isfinite(y), y, np.nan)
    y[np.isnan(y).all(axis=1), -1] = 0.0
    last = np.maximum.accumulate(np.where(np.isnan(y), -1, np.arange(y.shape[1])), axis=1)
    return np.where(last < 0, np.nan, np.take_along_axis(y, np.maximum(last, 0), axis=1))


def skew(scaled: Floats) -> float:
    """Return by how much the mean of the scaled errors exceeds their median: counts are skewed to the right."""
    known = scaled[~np.isnan(scaled)]
    return float(known.mean() - np.median(known)) if known.size else 0.0


def report(
    trial: Trial, verdict: Verdict, y: Floats, levels: Sequence[int], season_length: int
) -> pl.DataFrame:
    """Return the table of the backtest; its coverage is that of the ensemble."""
    past = dict(zip(trial.names, trial.past, strict=True)) | {ENSEMBLE: verdict.past}
    table = backtest_table(y, trial.origins, past, season_length)
    ours = pl.col("model") == ENSEMBLE
    covered = tested_coverage(trial, verdict, levels)
    return table.with_columns(
        pl.when(ours).then(pl.lit(covered.get(level), pl.Float64)).alias(f"coverage_{level}") for level in levels
    )


def tested_coverage(trial: Trial, verdict: Verdict, levels: Sequence[int]) -> dict[int, float]:
    """Return the share of outcomes inside intervals that were made from the errors of the other origins."""
    n_origins = len(trial.origins)
    if n_origins < 2:
        return {}
    inside: dict[int, list[float]] = {level: [] for level in levels}
    for j in range(n_origins):
        others = np.delete(verdict.scaled, j, axis=1)
        bounds = around(verdict.past[:, j], trial.scale[:, j], others, levels)
        for level, (lo, hi) in bounds.items():
            inside[level].append(coverage(trial.happened[:, j], lo, hi))
    return {level: float(np.nanmean(shares)) for level, shares in inside.items()}


def weight_table(ids: Sequence[str], names: Sequence[str], weights: Floats) -> pl.DataFrame:
    """Return ``unique_id, model, weight``."""
    return pl.DataFrame(
        {
            "unique_id": np.repeat(np.asarray(ids, dtype=object), len(names)),
            "model": list(names) * len(ids),
            "weight": weights.T.ravel(),
        },
        schema={"unique_id": pl.String, "model": pl.String, "weight": pl.Float64},
    )


def notes(n_steps: int, h: int, trial: Trial) -> tuple[str, ...]:
    """Return the codes of what a reader must know."""
    codes = []
    if not trial.origins:
        codes.append("no_backtest")
    elif trial.h < h:
        codes.append("short_backtest")
    if h > n_steps:
        codes.append("horizon_longer_than_history")
    return tuple(codes)
