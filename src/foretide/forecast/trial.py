"""The trial of the candidates at rolling origins, and the verdict: how much each counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from foretide.evaluate.backtest import Said, outcomes
from foretide.evaluate.metrics import mean_of_known
from foretide.evaluate.splits import rolling_origins
from foretide.forecast.ensemble import CLEARLY_BETTER, combine, honest_weights, lone_winner, relative_squares, weigh
from foretide.forecast.intervals import usual_change
from foretide.forecast.method import Ahead, Method
from foretide.schema import Floats

Point = Literal["mean", "median"]

#: Most origins of the backtest, half a horizon apart; more where they would judge fewer steps than these. Eight single
#: days choose by luck: one step ahead, 7 % more squared error of eleven series alone (``benchmarks/one_step.py``).
N_ORIGINS = 8
LEAST_JUDGED = 28
#: Seasons that must be known at an origin.
LEAST_SEASONS = 2
#: The backtest looks ahead at most this share of the history.
LONGEST_TEST = 0.25
#: A test of fewer steps, and fewer than are wanted, tells less than what is trusted without any
#: (``benchmarks/short_histories.py``).
LEAST_TESTED = 6
#: Candidates that count, alike, as long as nothing could be tried, by what is weighed. Two weeks tell the
#: week of a whole panel, not that of each series (``benchmarks/short_histories.py``); its forecasts are medians.
TRUSTED: Mapping[Point, tuple[str, ...]] = {
    "median": ("PooledSeason",),
    "mean": ("HoltWintersLog", "HoltWinters"),
}
#: A correction of the mean beyond these is not believed, and counts half if it was seen on this many past forecasts.
MEAN_FACTORS = (0.5, 2.0)
DOUBTED_FORECASTS = 200
#: What the trees count beside all others together. Their errors have little in common, so that a half did better than
#: either on earlier origins of six real panels, and than weights by errors, of which few are known.
TREES_SHARE = 0.5


@dataclass(frozen=True)
class Trial:
    """What every candidate would have said at each origin, and says now."""

    said: Mapping[str, Said]  # (n_series, n_origins, h of the backtest)
    now: Floats  # (n_models, n_series, h of the forecast), points
    origins: list[int]
    happened: Floats  # (n_series, n_origins, h of the backtest)
    scale: Floats  # (n_series, n_origins + 1), the usual change; the last one is now
    point: Point = "median"  # what is weighed: medians of sparse counts are zero

    @property
    def h(self) -> int:
        """Steps that the backtest looks ahead: fewer than the forecast where history is short."""
        return self.happened.shape[2]

    @property
    def past(self) -> Floats:
        """Points of all candidates at the origins, ``(n_models, n_series, n_origins, h)``."""
        return np.stack([getattr(told, self.point) for told in self.said.values()])

    def at(self, origins: Sequence[int]) -> Trial:
        """Return the same at some of the origins only."""
        kept = [self.origins.index(origin) for origin in origins]
        said = {name: Said(told.mean[:, kept], told.median[:, kept]) for name, told in self.said.items()}
        return replace(
            self, said=said, origins=list(origins), happened=self.happened[:, kept], scale=self.scale[:, [*kept, -1]]
        )


@dataclass(frozen=True)
class Verdict:
    """How much each candidate counts, and how that would have done."""

    weights: Floats  # (n_models, n_series)
    past: Floats  # (n_series, n_origins, h), points with the weights known at each origin
    scaled: Floats  # (n_series, n_origins, h), errors in units of the usual change
    mean_factor: float  # what happened over what was expected: how much a mean lies above a median

    def expect(self, now: Floats) -> Floats:
        """Return the weighted forecast, ``(n_series, h)``, of forecasts ``(n_models, n_series, h)``."""
        return combine(self.weights[:, :, None], now[:, :, None])[:, 0]


def try_methods(
    y: Floats,
    h: int,
    season_length: int,
    methods: Mapping[str, Method],
    point: Point = "median",
    origins: list[int] | None = None,
) -> Trial:
    """Let every method forecast from some origins and from now; from those of the backtest if None."""
    n_steps = y.shape[1]
    planned, tested = backtest_origins(n_steps, h, season_length)
    origins = planned if origins is None else origins
    answers = {name: asked(method, y, [*origins, n_steps], h) for name, method in methods.items()}
    return Trial(
        {name: Said(a.mean[:, :-1, :tested], a.median[:, :-1, :tested]) for name, a in answers.items()},
        np.maximum([getattr(a, point)[:, -1] for a in answers.values()], 0.0),
        origins,
        outcomes(y, origins, tested),
        usual_change(y, [*origins, n_steps], season_length),
        point,
    )


def backtest_origins(n_steps: int, h: int, season_length: int) -> tuple[list[int], int]:
    """Return the origins of the backtest of a history, ascending, and how many steps it looks ahead; none if few."""
    tested = max(min(h, int(n_steps * LONGEST_TEST)), 1)
    if tested < min(h, LEAST_TESTED):
        return [], tested
    step, most = max(tested // 2, 1), max(N_ORIGINS, -(-LEAST_JUDGED // tested))
    return rolling_origins(n_steps, tested, most, step, LEAST_SEASONS * season_length), tested


def asked(method: Method, y: Floats, origins: Sequence[int], h: int) -> Ahead:
    """Return what a method says from each origin; one that learns at the first one only learns anew for the last."""
    if not method.learns_once or len(origins) == 1:
        return method.ahead(y, origins, h)
    past, now = method.ahead(y, origins[:-1], h), method.ahead(y, origins[-1:], h)
    return Ahead(*(np.concatenate(both, axis=1) for both in zip(past, now, strict=True)))


def judge(trial: Trial) -> Verdict:
    """Weigh the candidates by their errors; a single one that clearly beats the ensemble is used alone."""
    then = trial.scale[:, :-1]
    forecasts = trial.past
    squares = relative_squares(forecasts - trial.happened, then)
    trusted = TRUSTED[trial.point]
    prior = np.array([name in trusted for name in trial.said]) / len(trusted)
    weights = weigh(squares, prior)
    past = np.maximum(combine(honest_weights(squares, trial.origins, trial.h, prior), forecasts), 0.0)
    winner = lone_winner(squares, relative_squares((past - trial.happened)[None], then)[0])
    if winner is not None:
        weights = np.zeros_like(weights)
        weights[winner] = 1.0
        past = np.maximum(forecasts[winner], 0.0)
    return verdict_on(trial, weights, past)


def verdict_on(trial: Trial, weights: Floats, past: Floats) -> Verdict:
    """Return the verdict that weights these candidates so, given what that would have said."""
    scaled = (trial.happened - past) / trial.scale[:, :-1, None]
    return Verdict(weights, past, scaled, mean_factor(trial.happened, past))


def beside_trees(trial: Trial, verdict: Verdict, trees: Trial) -> Verdict:
    """Give the trees their share beside all others; where one side is clearly better alone, all or none.

    Parameters
    ----------
    trial, verdict
        Of the others.
    trees
        Of the trees alone, NaN at origins before they had learnt.
    """
    grown = np.maximum(trees.past[0], 0.0)
    grown = np.where(np.isnan(grown), verdict.past, grown)
    pasts = {share: (1.0 - share) * verdict.past + share * grown for share in (TREES_SHARE, 0.0, 1.0)}
    then = trial.scale[:, :-1, None]
    errors = {share: mean_of_known(np.abs(past - trial.happened) / then) for share, past in pasts.items()}
    alone = min((0.0, 1.0), key=lambda share: errors[share])
    share = alone if errors[alone] < (1.0 - CLEARLY_BETTER) * errors[TREES_SHARE] else TREES_SHARE
    weights = np.vstack([(1.0 - share) * verdict.weights, np.full((1, len(grown)), share)])
    return verdict_on(trial, weights, pasts[share])


def joined(trial: Trial, more: Trial) -> Trial:
    """Return the trials of two sets of methods on the same series, as one."""
    return replace(trial, said={**trial.said, **more.said}, now=np.concatenate([trial.now, more.now]))


def mean_factor(happened: Floats, past: Floats) -> float:
    """Return what happened over what was expected: the median over origins, as one odd month must not decide.

    The mean of a skewed count lies above its median, and only means add up. Measured, because the textbook's
    ``exp(variance / 2)`` puts means of counts too high; drawn towards one where there is little to measure.
    """
    known = ~np.isnan(happened - past)
    came = np.where(known, happened, 0.0).sum(axis=(0, 2))
    expected = np.where(known, past, 0.0).sum(axis=(0, 2))
    usable = (came > 0) & (expected > 0)
    if not usable.any():
        return 1.0
    n = known.any(axis=2).sum()
    ratio = np.clip(np.median(came[usable] / expected[usable]), *MEAN_FACTORS)
    return float((n * ratio + DOUBTED_FORECASTS) / (n + DOUBTED_FORECASTS))
