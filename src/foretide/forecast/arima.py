r"""AR, MA, ARMA, ARIMA and seasonal ARIMA for a whole panel, with given orders or orders chosen for each series.

.. math:: \phi(B)\,\Phi(B^m)\,\bigl((1-B)^d (1-B^m)^D y_t - \mu\bigr) = \theta(B)\,\Theta(B^m)\,\varepsilon_t

Parameters are the most likely ones given the first values (``arima_likelihood``), searched for from the start of Hannan
and Rissanen. They are those known at
each origin: of a series of ``n`` steps, order and first parameters are found on the longest of some fixed lengths
(each ``STRIDE`` times the one before) that is at most ``n``, and least squares goes on from there on all ``n``. So
origins next to each other share the costly part, and an origin's answer depends neither on what came after it nor
on which other origins were asked for.

The constant is as in statsmodels: a mean where nothing is differenced; after one difference none, or a drift if
asked for (``AutoArima`` decides); never after more.

References
----------
Box, Jenkins (1970), Time Series Analysis: Forecasting and Control.
Hannan, Rissanen (1982), Recursive estimation of mixed autoregressive-moving average order, Biometrika 69.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import UsageError
from foretide.forecast.arima_forecast import differenced, forecast
from foretide.forecast.arima_orders import NEAREST_EDGE, choose, enough, fit, scale_of
from foretide.forecast.arima_polynomials import MOST_PARTIAL, from_partials
from foretide.forecast.arima_search import FINE, most_likely
from foretide.forecast.baselines import SeasonalWindowAverage
from foretide.forecast.method import Ahead, Method
from foretide.forecast.reach import from_logs, within_reach
from foretide.schema import Floats

#: Lengths at which orders and first parameters are found, each this times the one before, from the shortest on.
SHORTEST, STRIDE = 8, 1.15
#: A season is differenced if it explains this share of the variance around a moving average.
STRONG_SEASON = 0.2

Order = tuple[int, int, int]
Integers = NDArray[np.int64]


class Parameters(NamedTuple):
    """The parameters of one series, in the notation of the module."""

    phi: Floats
    seasonal_phi: Floats
    theta: Floats
    seasonal_theta: Floats
    mean: float
    variance: float  # of one step's error


@dataclass
class _Arima(Method):
    season_length: int = 7
    log: bool = False

    @abstractmethod
    def _order(self) -> Integers:
        """Return the order as ``arima_polynomials`` has it; ``p`` of -1 to choose one."""

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``; of a series that is too short the window average."""
        z = np.log1p(np.maximum(y, 0.0)) if self.log else y
        middle, variance = self.expect(z, origins, h)
        middle = within_reach(middle, z, origins, log=self.log)
        ahead = from_logs(middle, variance) if self.log else Ahead(middle, middle)
        short = SeasonalWindowAverage(self.season_length).ahead(y, origins, h)
        return Ahead(*(np.where(np.isnan(told), instead, told) for told, instead in zip(ahead, short, strict=True)))

    def expect(self, z: Floats, origins: Sequence[int], h: int) -> tuple[Floats, Floats]:
        """Return forecasts and the variances of their errors on the scale of the model; NaN where too little is known.

        Parameters
        ----------
        z, origins, h
            As in ``Method.ahead``, logarithms if the model is one of logarithms.
        """
        middle, variance, _, _ = self._fitted(z, origins, h)
        return middle, variance

    def parameters(self, z: Floats) -> tuple[Integers, Parameters]:
        """Return ``p, d, q, P, D, Q, m, constant`` and the parameters of one series, ``(n_steps,)``."""
        _, variance, orders, free = self._fitted(z[None], [z.size], 1)
        p, _, q, P, _, Q, _, constant = orders[0, 0]
        if p < 0:
            raise UsageError(f"{z.size} steps are too few for {self}; give more of them or a smaller order")
        cuts = np.cumsum([p, P, q, Q])
        parts = np.split(MOST_PARTIAL * np.tanh(free[0, 0]), cuts)
        phi, seasonal_phi, theta, seasonal_theta = (from_partials(part)[0] for part in parts[:4])
        mean = float(free[0, 0, cuts[-1]]) if constant else 0.0
        return orders[0, 0], Parameters(phi, seasonal_phi, -theta, -seasonal_theta, mean, float(variance[0, 0, 0]))

    def _fitted(self, z: Floats, origins: Sequence[int], h: int) -> tuple[Floats, Floats, Integers, Floats]:
        return _ahead_of_all(
            np.ascontiguousarray(z, np.float64), np.asarray(origins, np.int64), h, self._order(), STRONG_SEASON
        )


@dataclass
class Arima(_Arima):
    """Batched (seasonal) ARIMA of one order: ``(p, 0, 0)`` is AR, ``(0, 0, q)`` MA, ``(p, 0, q)`` ARMA.

    A series that is too short for the order (``arima_orders.enough``) takes the mean of its last four seasons.

    Parameters
    ----------
    season_length
        Steps of a season, the ``m`` of the seasonal part.
    log
        Model ``log(1 + y)``: the forecast transformed back is a median, the mean follows from the variance.
    order
        ``(p, d, q)``.
    seasonal
        ``(P, D, Q)``.
    drift
        Whether the mean of the differences is a parameter; only with a single difference.
    """

    order: Order = (5, 1, 2)
    seasonal: Order = (0, 0, 0)
    drift: bool = False

    def __post_init__(self) -> None:
        """Check the order.

        Raises
        ------
        UsageError
            If it is negative, has no season where it needs one, or a drift where there is none.
        """
        differences = self.order[1] + self.seasonal[1]
        if min(*self.order, *self.seasonal) < 0 or self.season_length < 1:
            raise UsageError(f"orders and seasons are not negative, unlike {self.order} and {self.seasonal}")
        if any(self.seasonal) and self.season_length < 2:
            raise UsageError("a seasonal order needs a season_length of at least 2")
        if self.drift and differences != 1:
            raise UsageError(f"a drift is the mean of single differences; the order has {differences}")

    def _order(self) -> Integers:
        constant = self.drift or self.order[1] + self.seasonal[1] == 0
        return np.array([*self.order, *self.seasonal, self.season_length, constant], dtype=np.int64)


@dataclass
class AutoArima(_Arima):
    """Batched seasonal ARIMA, the order of each series chosen by AICc (``arima_orders.choose``)."""

    log: bool = True

    def _order(self) -> Integers:
        return np.array([-1, 0, 0, 0, 0, 0, self.season_length, 0], dtype=np.int64)


@njit
def _ahead_of_all(z, origins, h, given, threshold):  # type: ignore[no-untyped-def]
    """Return forecasts, variances, orders (``p`` of -1 where too little is known) and free parameters."""
    shape = (z.shape[0], origins.size)
    middle, variance = np.full((*shape, h), np.nan), np.full((*shape, h), np.nan)
    orders = np.full((*shape, 8), -1)
    found = np.zeros((*shape, max(given[0] + given[2] + given[3] + given[5] + 1, 16)))
    for i in range(z.shape[0]):
        first = 0
        while first < z.shape[1] and np.isnan(z[i, first]):
            first += 1
        length, order, free, size, varied = -1, given, np.zeros(0), 1.0, False
        for cut in range(origins.size):
            y = z[i, first : max(origins[cut], first)]
            if y.size < SHORTEST:
                continue
            if length != _rung(y.size):
                length = _rung(y.size)
                if given[0] < 0:
                    order, free, size, varied = choose(y[:length], given[6], threshold)
                elif enough(length, order):
                    free, size, varied = fit(y[:length], order)
            if not enough(y.size, order):
                continue
            if enough(length, order) and varied:
                now, now_size = _go_on(y, order, free, size)
            else:
                now, now_size, _ = fit(y, order)
            forecast(y, order, now, now_size, middle[i, cut], variance[i, cut])
            if order[7]:
                now[-1] *= now_size
            _write(order, orders[i, cut])
            _write(now, found[i, cut])
    return middle, variance, orders, found


@njit
def _write(values, row):  # type: ignore[no-untyped-def]
    """Write values to the beginning of a row."""
    for v in range(values.size):
        row[v] = values[v]


@njit
def _go_on(y, order, free, size):  # type: ignore[no-untyped-def]
    """Fit a series from the parameters of its shorter past."""
    w = differenced(y, order)
    now = scale_of(w, y)
    begin = np.minimum(np.maximum(free, -NEAREST_EDGE), NEAREST_EDGE)
    if order[7]:
        begin[-1] = free[-1] * size / now
    begin, _, _ = most_likely(w / now, order, begin, FINE)
    return begin, now


@njit
def _rung(n):  # type: ignore[no-untyped-def]
    """Return the longest length of the ladder that is at most ``n``."""
    length = float(SHORTEST)
    while int(length * STRIDE) <= n:
        length *= STRIDE
    return int(length)
