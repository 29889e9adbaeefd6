"""The hazard of a return: the chance, for each stretch of days, that the first active day falls into it.

The longest horizon that was seen is halved again and again: 28 days are the first, the next two, four, seven and
fourteen. A user who has not been back yet stands in one row for each of these stretches until the return, or until
the horizon of the cut-off was over: who had not been back by then is censored, and counts for the stretches that were
seen whole. A logistic regression tells the chance of each
stretch from the covariates, the logarithm of the time that has gone by, and some of both together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from foretide.schema import Floats
from foretide.users.covariates import CHANGING, names
from foretide.users.logistic import logistic

Longs = NDArray[np.int64]

#: Points of the line from the usual user to a user at which slopes are taken: log-odds add up to within 1e-6.
PATH_POINTS = 32

#: The effect of these covariates changes with the time that has gone by.
FADING = (*CHANGING, "late", "density")
PLACES = [names().index(name) for name in FADING]


class Stretch(NamedTuple):
    """Days ``[begin, end)`` of a horizon, counted from 0."""

    begin: int
    end: int

    @property
    def days(self) -> int:
        """Its length."""
        return self.end - self.begin

    @property
    def time(self) -> float:
        """Logarithm of 1 and the days gone by at the middle."""
        return float(np.log1p((self.begin + self.end - 1) / 2))

    @property
    def clock(self) -> Floats:
        """What the regression knows of the stretch alone, ``(2,)``: the time and its square."""
        return np.array([self.time, self.time**2])


def stretches(longest_days: int, until: int) -> list[Stretch]:
    """Return the stretches of a horizon halved until a day is left, and those that go on from it, up to a day."""
    bounds = [longest_days]
    while bounds[0] > 1:
        bounds.insert(0, bounds[0] // 2)
    while bounds[-1] < until:
        bounds.append(2 * bounds[-1])
    return [Stretch(begin, end) for begin, end in pairwise([0, *bounds]) if begin < until]


def at_risk(waited: Floats, seen_days: Longs) -> Iterator[tuple[Stretch, Longs, Floats]]:
    """Yield each stretch, the rows that saw all of it without having been back before, and who came back in it.

    Parameters
    ----------
    waited
        Days until the return, infinite if there was none, ``(n_rows,)``.
    seen_days
        Days that were seen, ``(n_rows,)``.
    """
    longest = int(seen_days.max())
    for stretch in stretches(longest, longest):
        rows = np.flatnonzero((seen_days >= stretch.end) & (waited >= stretch.begin))
        yield stretch, rows, (waited[rows] < stretch.end).astype(np.float64)


@dataclass
class ReturnHazard:
    """The hazard of a group of users; covariates are those of ``foretide.users.covariates``."""

    intercept_: float = field(init=False)
    steady_: Floats = field(init=False)  # (n_covariates,)
    fading_: Floats = field(init=False)  # (n_fading,) change of the weights with the time
    clock_: Floats = field(init=False)  # (2,) weights of Stretch.clock
    longest_: int = field(init=False)  # days
    usual_: Floats = field(init=False)  # (n_covariates,) mean

    def fit(self, x: Floats, waited: Floats, seen_days: Longs, penalty_c: float) -> ReturnHazard:
        """Learn from covariates ``(n_rows, n_covariates)``; ``waited`` and ``seen_days`` as in ``at_risk``."""
        self.longest_, self.usual_ = int(seen_days.max()), x.mean(axis=0)
        parts = list(at_risk(waited, seen_days))
        design = np.vstack([inputs(x[rows], stretch) for stretch, rows, _ in parts])
        model = logistic(design, np.concatenate([back for *_, back in parts]), penalty_c)
        scaler, linear = (step for _, step in model.steps)
        weights = linear.coef_[0] / scaler.scale_
        self.intercept_ = float(linear.intercept_[0] - weights @ scaler.mean_)
        self.steady_, self.fading_, self.clock_ = np.split(weights, [x.shape[1], x.shape[1] + len(FADING)])
        return self

    def remaining(self, x: Floats, horizon_days: int) -> Floats:
        """Return the chance of no return in a horizon, ``(n_rows,)``; within a stretch, days are alike."""
        return np.exp(np.sum([share * log_stays(odds) for share, _, odds in self._odds(x, horizon_days)], axis=0))

    def contributions(self, x: Floats, horizon_days: int) -> tuple[Floats, float]:
        """Return what each covariate adds to the log-odds of no return, and those of the usual user.

        Slopes are integrated along the straight line from the usual user to each.

        Returns
        -------
        parts, base
            ``(n_rows, n_covariates)`` and the log-odds of ``usual_``.

        References
        ----------
        Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks, ICML.
        """
        away = x - self.usual_
        steady, fading = np.zeros(len(x)), np.zeros(len(x))
        points, weights = np.polynomial.legendre.leggauss(PATH_POINTS)
        for point, weight in zip((1 + points) / 2, weights / 2, strict=True):
            now, later = self._slopes(self.usual_ + point * away, horizon_days)
            steady += weight * now
            fading += weight * later
        parts = away * self.steady_ * steady[:, None]
        parts[:, PLACES] += away[:, PLACES] * self.fading_ * fading[:, None]
        return parts, float(logit(self.remaining(self.usual_[None], horizon_days))[0])

    def _slopes(self, x: Floats, horizon_days: int) -> tuple[Floats, Floats]:
        """Return the slopes of the log-odds of no return with the steady and the fading odds, ``(n_rows,)`` each."""
        log_left, steady, fading = np.zeros((3, len(x)))
        for share, stretch, odds in self._odds(x, horizon_days):
            log_left += share * log_stays(odds)
            steady -= share * expit(odds)
            fading -= share * expit(odds) * stretch.time
        return steady / -np.expm1(log_left), fading / -np.expm1(log_left)

    def _odds(self, x: Floats, horizon_days: int) -> Iterator[tuple[float, Stretch, Floats]]:
        """Yield what of each stretch lies in the horizon, as a share, and the log-odds of a return, ``(n_rows,)``."""
        steady, fading = x @ self.steady_ + self.intercept_, x[:, PLACES] @ self.fading_
        for stretch in stretches(self.longest_, horizon_days):
            share = min(horizon_days - stretch.begin, stretch.days) / stretch.days
            yield share, stretch, steady + fading * stretch.time + self.clock_ @ stretch.clock


def return_hazard(examples: pl.DataFrame, x: Floats, penalty_c: float) -> ReturnHazard:
    """Learn from users at cut-offs, each once (see ``longest_pairs``), and their covariates for the same horizon."""
    waited = examples["return_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    return ReturnHazard().fit(x, waited, examples["horizon_days"].to_numpy().astype(np.int64), penalty_c)


def log_stays(odds: Floats) -> Floats:
    """Return the logarithm of the chance that what has these log-odds does not happen."""
    return -np.logaddexp(0.0, odds)


def inputs(x: Floats, stretch: Stretch) -> Floats:
    """Return what the regression sees in a stretch, ``(n_rows, n_covariates + n_fading + 2)``."""
    return np.hstack([x, x[:, PLACES] * stretch.time, np.broadcast_to(stretch.clock, (len(x), 2))])
