"""The trial of the candidates at rolling origins, and the verdict: how much each counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretide.evaluate.backtest import actuals
from foretide.evaluate.metrics import mean_of_known
from foretide.evaluate.splits import rolling_origins
from foretide.forecast.baselines import (
    Forecaster,
    SeasonalNaive,
    SeasonalWindowAverage,
    SeasonalWindowMedian,
)
from foretide.forecast.ensemble import CLEARLY_BETTER, combine, honest_weights, relative_squares, weigh
from foretide.forecast.intervals import usual_change
from foretide.forecast.smoothing import HoltWinters
from foretide.schema import Floats

#: Origins of the backtest, half a horizon apart.
N_ORIGINS = 8
#: Seasons that must be known at an origin.
LEAST_SEASONS = 2


@dataclass(frozen=True)
class Trial:
    """What every candidate would have said at each origin, and says now."""

    names: tuple[str, ...]
    origins: list[int]
    h: int  # horizon of the backtest; shorter than that of the forecast where history is short
    past: Floats  # (n_models, n_series, n_origins, h)
    now: Floats  # (n_models, n_series, h of the forecast)
    happened: Floats  # (n_series, n_origins, h)
    scale: Floats  # (n_series, n_origins + 1), the last one is now


@dataclass(frozen=True)
class Verdict:
    """How much each candidate counts, and how well that would have done."""

    weights: Floats  # (n_models, n_series)
    past: Floats  # (n_series, n_origins, h), with the weights known at each origin
    scaled: Floats  # (n_series, n_origins, h), errors in units of the usual change

    def combined(self, now: Floats) -> Floats:
        """Return the weighted forecast, ``(n_series, h)``, of forecasts ``(n_models, n_series, h)``."""
        return combine(self.weights[:, :, None], now[:, :, None])[:, 0]


def candidates(season_length: int) -> dict[str, Forecaster]:
    """Return the methods that are tried on every panel."""
    return {
        "SeasonalNaive": SeasonalNaive(season_length),
        "SeasonalWindowAverage": SeasonalWindowAverage(season_length),
        "SeasonalWindowMedian": SeasonalWindowMedian(season_length),
        "HoltWintersLog": HoltWinters(log=True, season_length=season_length),
        "HoltWinters": HoltWinters(log=False, season_length=season_length),
    }


def try_candidates(y: Floats, h: int, season_length: int) -> Trial:
    """Let every candidate forecast from the origins of the backtest and from now."""
    n_steps = y.shape[1]
    tested = max(min(h, n_steps // 4), 1)
    least = LEAST_SEASONS * season_length
    origins = rolling_origins(n_steps, tested, N_ORIGINS, max(tested // 2, 1), least)
    methods = candidates(season_length)
    ahead = np.stack([model.forecast(y, [*origins, n_steps], h) for model in methods.values()])
    return Trial(
        names=tuple(methods),
        origins=origins,
        h=tested,
        past=ahead[:, :, :-1, :tested],
        now=ahead[:, :, -1],
        happened=actuals(y, origins, tested),
        scale=usual_change(y, [*origins, n_steps], season_length),
    )


def judge(trial: Trial) -> Verdict:
    """Weigh the candidates by their errors; a single one that clearly beats the ensemble is used alone."""
    squares = relative_squares(trial.past - trial.happened, trial.scale[:, :-1])
    weights = weigh(squares)
    past = combine(honest_weights(squares, trial.origins, trial.h), trial.past)
    best, ratio = better_single(trial, squares, past)
    if ratio < 1.0 - CLEARLY_BETTER:
        weights = np.repeat(np.eye(len(trial.names))[:, best : best + 1], weights.shape[1], axis=1)
        past = trial.past[best]
    return Verdict(weights, past, (trial.happened - past) / trial.scale[:, :-1, None])


def better_single(trial: Trial, squares: Floats, past: Floats) -> tuple[int, float]:
    """Return the best single candidate and its root mean squared scaled error over that of the ensemble."""
    single = [mean_of_known(np.sqrt(model)) for model in squares]
    if np.isnan(single).all():  # no origin, or no series had begun at one
        return 0, 1.0
    together = relative_squares((past - trial.happened)[None], trial.scale[:, :-1])
    ensemble = mean_of_known(np.sqrt(together))
    best = int(np.nanargmin(single))
    return best, single[best] / ensemble if ensemble > 0 else 1.0
