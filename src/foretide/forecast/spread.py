"""What is said around a point: its mean, its median and intervals, from the errors of the backtest.

Of steady series the errors themselves say it (``measured``). Of a sparse count the point is a mean, and what may come
is a negative binomial count whose variance is that of the errors (``Counted``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foretide.evaluate.backtest import Said
from foretide.evaluate.metrics import pinball
from foretide.forecast.count_distribution import count_quantiles
from foretide.forecast.intervals import around, middle, whole
from foretide.forecast.trial import Trial, Verdict
from foretide.schema import Floats

#: A series' variance over its mean is drawn to that of all with the weight of this many expected counts.
DISPERSION_COUNTS = 20.0
#: Shares of what the variance exceeds the mean by that are tried: a few wild days must not widen every interval.
EXCESS = (0.15, 0.3, 0.5, 0.75, 1.0)

#: Point ``(n_series, h)``, usual change ``(n_series,)`` and places of the origins whose errors count -> what is said.
Spread = Callable[[Floats, Floats, Sequence[int]], Said]


def probabilities(levels: Sequence[int]) -> list[float]:
    """Return those of the median, of the lower bounds and of the upper bounds of intervals in percent."""
    tails = [(1.0 - level / 100.0) / 2.0 for level in levels]
    return [0.5, *tails, *(1.0 - tail for tail in tails)]


def measured(trial: Trial, verdict: Verdict, levels: Sequence[int], counts: NDArray[np.bool_] | bool) -> Spread:
    """Return what says it by past errors; bounds of counts are whole.

    Parameters
    ----------
    trial, verdict
        What was tried.
    levels
        Of the intervals, in percent, ascending.
    counts
        Which series are whole numbers, ``(n_series,)``, or whether all are.
    """

    def said(point: Floats, scale: Floats, origins: Sequence[int]) -> Said:
        errors = verdict.scaled[:, origins]
        median = point if trial.point == "median" else middle(point, scale, errors)
        intervals = around(point, scale, errors, levels, median)
        of_counts = np.broadcast_to(counts, len(point))
        return Said(point * verdict.mean_factor, median, whole(median, intervals, of_counts))

    return said


@dataclass(frozen=True)
class Counted:
    """Sparse counts: their variance is a multiple of their mean.

    Parameters
    ----------
    trial, verdict
        What was tried; its points are means.
    levels
        Of the intervals, in percent, ascending.
    """

    trial: Trial
    verdict: Verdict
    levels: Sequence[int]
    excess: float = field(init=False)  # share of the overdispersion that gives the least quantile loss

    def __post_init__(self) -> None:
        past = self.verdict.past * self.verdict.mean_factor
        dispersed = dispersion(self.trial.happened, past)
        losses = [self._loss(past, 1.0 + share * (dispersed - 1.0)) for share in EXCESS]
        known = np.isfinite(losses).any()
        object.__setattr__(self, "excess", EXCESS[int(np.nanargmin(losses))] if known else 1.0)

    def __call__(self, point: Floats, scale: Floats, origins: Sequence[int]) -> Said:  # noqa: ARG002 as every Spread
        """Return what is said, as every ``Spread``."""
        past = self.verdict.past[:, origins] * self.verdict.mean_factor
        dispersed = 1.0 + self.excess * (dispersion(self.trial.happened[:, origins], past) - 1.0)
        mean = point * self.verdict.mean_factor
        median, *bounds = count_quantiles(mean, mean * dispersed[:, None], probabilities(self.levels))
        n = len(self.levels)
        sides = zip(bounds[:n], bounds[n:], strict=True)
        return Said(mean, median, dict(zip(self.levels, sides, strict=True)))

    def _loss(self, past: Floats, dispersed: Floats) -> float:
        wanted = probabilities(self.levels)
        quantiles = count_quantiles(past, past * dispersed[:, None, None], wanted)
        return sum(pinball(self.trial.happened, told, q) for told, q in zip(quantiles, wanted, strict=True))


def dispersion(happened: Floats, expected: Floats) -> Floats:
    """Return the variance of each series' counts over their mean, ``(n_series,)``: at least one, shrunk to all's.

    Parameters
    ----------
    happened, expected
        ``(n_series, n_origins, h)``.
    """
    known = ~np.isnan(happened - expected)
    squares = np.where(known, (happened - expected) ** 2, 0.0).sum(axis=(1, 2))
    counts = np.where(known, expected, 0.0).sum(axis=(1, 2))
    pooled = squares.sum() / counts.sum() if counts.sum() > 0 else 1.0
    return np.maximum((squares + DISPERSION_COUNTS * pooled) / (counts + DISPERSION_COUNTS), 1.0)
