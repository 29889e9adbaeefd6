"""Which methods are tried on which series.

Simple and smoothing methods are tried on every series; on a series with many zeros also those that are made for
intermittent demand, on the others boosted trees, unless they are not wanted (``trees``). More can be asked for by
name: linear learners on lags, networks and ARIMA cost up to a thousand times as much, and are for those who have the
time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage, SeasonalWindowMedian
from foretide.forecast.catalogue import TREES
from foretide.forecast.intermittent import TSB, Adida, Croston
from foretide.forecast.level_shifts import Relevelled
from foretide.forecast.method import Method
from foretide.forecast.pooled import PooledSeason
from foretide.forecast.smoothing import HoltWinters
from foretide.schema import Floats

#: A series with at least this share of zeros in its last ``RECENT_STEPS`` is sparse: from here on methods for
#: intermittent demand had the smaller RMSSE, on earlier origins of items, films, categories and payments.
SPARSE_ZEROS = 0.1
RECENT_STEPS = 365
#: Steps that tell whether a series is sparse; a shorter one is not.
LEAST_STEPS = 28


def sparse(y: Floats) -> NDArray[np.bool_]:
    """Tell for each series of a panel ``(n_series, n_steps)`` whether it has many zeros, ``(n_series,)``."""
    recent = y[:, -RECENT_STEPS:]
    known = (~np.isnan(recent)).sum(axis=1)
    zeros = (recent == 0).sum(axis=1)
    return (known >= LEAST_STEPS) & (zeros >= SPARSE_ZEROS * known) & (zeros < known)


def candidates(season_length: int, *, sparse: bool = False) -> dict[str, Method]:
    """Return the methods that are tried on every series, or on every sparse one."""
    tried: dict[str, Method] = {
        "SeasonalNaive": SeasonalNaive(season_length),
        "SeasonalWindowAverage": SeasonalWindowAverage(season_length),
        "SeasonalWindowMedian": SeasonalWindowMedian(season_length),
        "HoltWintersLog": Relevelled(HoltWinters(log=True, season_length=season_length), season_length),
        "HoltWinters": Relevelled(HoltWinters(log=False, season_length=season_length), season_length),
        "PooledSeason": PooledSeason(season_length),
    }
    if sparse:
        tried |= {"Croston": Croston(season_length), "TSB": TSB(season_length), "Adida": Adida(season_length)}
    return tried


def arima(season_length: int) -> Method:
    """Make an ARIMA whose orders are chosen for each series."""
    from foretide.forecast.arima import AutoArima

    return AutoArima(season_length=season_length)


def ridge(season_length: int) -> Method:
    """Make a linear regression on lags."""
    from foretide.forecast.regression import LagRegression

    return LagRegression("ridge", season_length=season_length)


def lstm(season_length: int) -> Method:
    """Make one LSTM for all series."""
    from foretide.forecast.lstm import GlobalLSTM

    return GlobalLSTM(season_length=season_length)


def mlp(season_length: int) -> Method:
    """Make one network of dense layers for all series."""
    from foretide.forecast.lstm import GlobalMLP

    return GlobalMLP(season_length=season_length)


#: What may be weighed with the candidates, by name.
ON_REQUEST: dict[str, Callable[[int], Method]] = {
    "arima": arima,
    "ridge": ridge,
    "lstm": lstm,
    "mlp": mlp,
}


def requested(names: Sequence[str], season_length: int) -> dict[str, Method]:
    """Return the methods that were asked for by name, without the trees.

    Raises
    ------
    UsageError
        If there is no such method.
    MissingExtraError
        If one needs a library that is not installed.
    """
    for name in names:
        if name not in (TREES, *ON_REQUEST):
            raise UsageError(f"there is no model {name!r} to try; choose from {', '.join((TREES, *ON_REQUEST))}")
    return {name: ON_REQUEST[name](season_length) for name in names if name != TREES}
