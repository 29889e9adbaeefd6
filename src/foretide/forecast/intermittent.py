r"""Counts that are mostly zero: Croston, TSB and ADIDA over a grid of parameters, and integer quantiles.

The recursions and how their points are weighed are in ``intermittent_kernels``. What is said of a series is the
weighted mean, and the median of a count with that mean and the variance of past errors.

References
----------
Croston (1972), Forecasting and stock control for intermittent demands, Operational Research Quarterly 23.
Syntetos and Boylan (2005), The accuracy of intermittent demand estimates, International Journal of Forecasting 21.
Teunter and Sani (2009), On the bias of Croston's forecasting method, EJOR 194.
Teunter, Syntetos and Babai (2011), Intermittent demand: linking forecasting to inventory obsolescence, EJOR 214.
Nikolopoulos et al. (2011), An aggregate-disaggregate intermittent demand approach (ADIDA), JORS 62.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from foretide.forecast import intermittent_kernels as kernels
from foretide.forecast.count_distribution import count_quantiles
from foretide.forecast.method import Ahead, Method
from foretide.schema import Floats

#: How much a demand, or a step, moves an estimate in the long run.
ALPHAS = (0.01, 0.03, 0.1, 0.25)
#: The same for buckets, of which there are fewer.
BUCKET_ALPHAS = (0.05, 0.15, 0.4)
#: Shape of a gamma beyond which its median is its mean.
MOST_SHAPE = 1e8

_VARIANTS = {"classic": 0.0, "sba": 1.0, "sy": 2.0}


@dataclass
class _Intermittent(Method):
    """One pass over every series for all points of a grid; the median is that of a count with the same moments."""

    season_length: int = 7

    @property
    @abstractmethod
    def _grid(self) -> tuple[int, list[tuple[float, float]]]:
        """The recursion and its parameter points."""

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``; what is negative counts as zero."""
        mean, variance, whole = self._moments(y, origins)
        median = np.empty_like(mean)
        median[whole] = count_quantiles(mean[whole], variance[whole], [0.5])[0]
        median[~whole] = _amount_median(mean[~whole], variance[~whole])
        return Ahead(self._repeated(mean, h), self._repeated(median, h))

    def moments(self, y: Floats, origins: Sequence[int], h: int) -> tuple[Floats, Floats]:
        """Return mean and variance of each step ahead, for ``count_quantiles``; each ``(n_series, n_origins, h)``."""
        mean, variance, _ = self._moments(y, origins)
        return self._repeated(mean, h), self._repeated(variance, h)

    def _moments(self, y: Floats, origins: Sequence[int]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return mean and variance of the season ahead, and whether all that is known are integers."""
        kind, grid = self._grid
        known, cuts = np.maximum(y, 0.0), np.array(origins, dtype=np.int64)
        mean, dispersion, whole = kernels.run_all(known, cuts, self.season_length, kind, np.array(grid))
        return mean, dispersion[..., None] * mean, whole

    def _repeated(self, season: Floats, h: int) -> Floats:
        return np.tile(season, (1, 1, -(-h // self.season_length)))[..., :h]


@dataclass
class Croston(_Intermittent):
    """Croston's method: sizes and intervals smoothed at each demand; ``classic``, ``sba`` or ``sy``."""

    variant: Literal["classic", "sba", "sy"] = "sba"

    @property
    def _grid(self) -> tuple[int, list[tuple[float, float]]]:
        return kernels.CROSTON, [(alpha, _VARIANTS[self.variant]) for alpha in ALPHAS]


@dataclass
class TSB(_Intermittent):
    """Teunter, Syntetos and Babai: the chance of a demand is smoothed at every step, so it fades when none comes."""

    @property
    def _grid(self) -> tuple[int, list[tuple[float, float]]]:
        return kernels.TSB, list(product(ALPHAS, ALPHAS))


@dataclass
class Adida(_Intermittent):
    """Sums of buckets that end at the origin, smoothed and spread evenly over their steps."""

    buckets: tuple[int, ...] = (7, 14, 28)

    @property
    def _grid(self) -> tuple[int, list[tuple[float, float]]]:
        return kernels.ADIDA, [(alpha, float(k)) for alpha in BUCKET_ALPHAS for k in self.buckets]


def _amount_median(mean: Floats, variance: Floats) -> Floats:
    """Return the median of the gamma distribution with these moments: amounts have no integers to fall on."""
    some = np.nan_to_num(mean) > 0
    shape = np.where(some, mean, 1.0) ** 2 / np.where(some & (variance > 0), variance, 1.0)
    usable = some & (variance > 0) & (shape < MOST_SHAPE)
    shape = np.where(usable, shape, 1.0)
    return np.where(usable, mean * gammaincinv(shape, 0.5) / shape, mean)
