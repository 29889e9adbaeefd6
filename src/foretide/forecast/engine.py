"""The forecast of a panel: candidates, weights from a backtest, intervals, all series at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.evaluate.backtest import score_table
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage, SeasonalWindowMedian
from foretide.forecast.intermittent import TSB, Adida, Croston
from foretide.forecast.intervals import are_counts, around, whole
from foretide.forecast.method import Method, check_horizon, dates_ahead, without_gaps
from foretide.forecast.pooled import PooledSeason
from foretide.forecast.shares import as_shares, normalised
from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.trial import Trial, best_season, tested
from foretide.schema import Floats, Forecast, Panel

FORECASTERS: dict[str, type[Method]] = {
    "SeasonalNaive": SeasonalNaive,
    "SeasonalWindowAverage": SeasonalWindowAverage,
    "SeasonalWindowMedian": SeasonalWindowMedian,
    "HoltWinters": HoltWinters,
    "PooledSeason": PooledSeason,
    "Croston": Croston,
    "TSB": TSB,
    "Adida": Adida,
}
ENSEMBLE = "Ensemble"


@dataclass(frozen=True)
class Run:
    """A forecast and why it may be trusted."""

    forecast: Forecast
    backtest: pl.DataFrame  # model, mase, rmsse, mse, rmse, mae, r2, coverage_80, ...; empty without a backtest
    weights: pl.DataFrame  # unique_id, model, weight
    notes: tuple[str, ...] = ()  # codes, in words under forecast.note of the catalogue
    season_length: int = 7

    @property
    def frame(self) -> pl.DataFrame:
        """The forecast as a long table."""
        return self.forecast.to_frame()


def run(panel: Panel, h: int, levels: Sequence[int] = (80, 95), season_length: int | Sequence[int] = 7) -> Run:
    """Forecast every series of a panel.

    Every candidate is tried at rolling origins; each series' ensemble weighs them by their errors, shrunk
    towards the errors of the whole panel. A candidate that clearly beats the ensemble is used alone. With less
    than a few weeks of history there is no backtest: the mean of the same weekday is used, the intervals follow
    from the changes seen so far, and a note says so.

    Parameters
    ----------
    panel
        The series. What is missing inside one is taken for the value before it.
    h
        Steps ahead, at least 1.
    levels
        Of the intervals, in percent.
    season_length
        Steps of a season, 1 for none; of several, the one with the least error in the backtest, the first where
        there is none.

    Raises
    ------
    UsageError
        If the horizon or a level is out of range.
    NotEnoughDataError
        If no series has a single value.
    """
    wanted = checked(h, levels)
    y = without_gaps(panel.y)
    season, trial, verdict = best_season(y, h, [season_length] if isinstance(season_length, int) else season_length)
    median = verdict.expect(trial.now)
    intervals = around(median, trial.scale[:, -1], verdict.scaled, wanted)
    together = tested(trial, verdict, wanted)
    if are_counts(y):
        intervals = whole(median, intervals)
        together = replace(together, intervals=whole(together.median, together.intervals))
    said = {**trial.said, ENSEMBLE: together}
    return Run(
        Forecast(panel.ids, dates_ahead(panel, h), median * verdict.mean_factor, median, intervals),
        score_table(y, trial.origins, said, wanted, season),
        weight_table(panel.ids, tuple(trial.said), verdict.weights),
        notes(panel.y, h, trial),
        season,
    )


def run_shares(panel: Panel, h: int, levels: Sequence[int] = (80, 95), season_length: int = 7) -> Run:
    """Forecast the share of each series in the sum of all: they add up to one on every day.

    Parameters
    ----------
    panel
        What is not negative, such as users by stage or events by category; NaN counts as zero.
    h, levels, season_length
        As in ``run``.

    Raises
    ------
    UsageError
        As ``run``.
    NotEnoughDataError
        If less than a season is known: shares of a population that has just begun say nothing about the next days.
    """
    checked(h, levels)
    n_steps = int(np.isfinite(panel.y).any(axis=0).sum())
    if n_steps < season_length:
        raise NotEnoughDataError(
            f"shares are forecast from {season_length} days on, but {n_steps} are known; import more, or forecast "
            "events or users"
        )
    without_gaps(panel.y)
    raw = run(Panel(panel.ids, panel.dates, as_shares(panel.y)), h, levels, season_length)
    return replace(raw, forecast=normalised(raw.forecast))


def checked(h: int, levels: Sequence[int]) -> tuple[int, ...]:
    """Return the levels in ascending order, each once.

    Raises
    ------
    UsageError
        If the horizon or a level is out of range.
    """
    check_horizon(h)
    for level in levels:
        if not 1 <= level <= 99:
            raise UsageError(f"a level is a percentage from 1 to 99, not {level}")
    return tuple(sorted(set(levels)))


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


def notes(y: Floats, h: int, trial: Trial) -> tuple[str, ...]:
    """Return the codes of what a reader must know."""
    facts = {
        "no_backtest": not trial.origins,
        "short_backtest": bool(trial.origins) and trial.h < h,
        "horizon_longer_than_history": h > y.shape[1],
        "empty_series": bool((~np.isfinite(y)).all(axis=1).any()),
    }
    return tuple(code for code, holds in facts.items() if holds)
