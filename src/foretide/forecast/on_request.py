"""The methods that are tried beside the candidates if they are asked for by name.

They cost up to a thousand times as much, and are for those who have the time: a second opinion of the classical
methods, learners on lags, networks. An ARIMA is named with its orders, ``arima(5,1,2)`` or
``arima(0,1,1)(0,1,1)``, the second ones seasonal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from foretide.errors import UsageError
from foretide.forecast.catalogue import BY_THEMSELVES, TREES
from foretide.forecast.method import Method

#: Learners on lags, ``regression.LEARNERS`` but for LightGBM: as ``BoostedTrees`` it is part of the default.
LEARNERS = {name: name for name in ("ridge", "tree", "forest", "boosting", "svm")} | {"network": "mlp"}
#: What a learner's name ends with if it says one step after the other, instead of each from the origin.
RECURSIVE = "-recursive"
#: Orders of an ARIMA, the seasonal ones may be left out.
ORDERS = re.compile(r"arima\((\d+),(\d+),(\d+)\)(?:\((\d+),(\d+),(\d+)\))?")


def theta(season_length: int) -> Method:
    """Make the Theta method on the log scale."""
    from foretide.forecast.theta import Theta

    return Theta(season_length=season_length)


def arima(season_length: int) -> Method:
    """Make an ARIMA whose orders are chosen for each series."""
    from foretide.forecast.arima import AutoArima

    return AutoArima(season_length=season_length)


def arima_of_orders(name: str, season_length: int) -> Method | None:
    """Make the ARIMA that a name gives the orders of; None if it gives none.

    Raises
    ------
    UsageError
        If the orders make no sense for the season.
    """
    from foretide.forecast.arima import Arima

    given = ORDERS.fullmatch(name.replace(" ", ""))
    if given is None:
        return None
    p, d, q, *seasonal = (int(part or 0) for part in given.groups())
    return Arima(season_length, order=(p, d, q), seasonal=(seasonal[0], seasonal[1], seasonal[2]))


def on_lags(learner: str, strategy: Literal["direct", "recursive"], season_length: int) -> Method:
    """Make a learner on lags."""
    from foretide.forecast.regression import LagRegression

    return LagRegression(learner, strategy, season_length)


def lstm(season_length: int) -> Method:
    """Make one LSTM for all series."""
    from foretide.forecast.lstm import GlobalLSTM

    return GlobalLSTM(season_length=season_length)


def mlp(season_length: int) -> Method:
    """Make one network of dense layers for all series."""
    from foretide.forecast.lstm import GlobalMLP

    return GlobalMLP(season_length=season_length)


#: What makes a method for a season, by name.
ON_REQUEST: dict[str, Callable[[int], Method]] = {
    "theta": theta,
    "arima": arima,
    **{name: partial(on_lags, learner, "direct") for name, learner in LEARNERS.items()},
    **{name + RECURSIVE: partial(on_lags, learner, "recursive") for name, learner in LEARNERS.items()},
    "lstm": lstm,
    "mlp": mlp,
}


def requested(names: Sequence[str], season_length: int) -> dict[str, Method]:
    """Return the methods that were asked for by name, without the trees.

    Raises
    ------
    UsageError
        If there is no such method, or it is tried by itself.
    MissingExtraError
        If one needs a library that is not installed.
    """
    if isinstance(names, str):
        raise UsageError(f"models are a list of names, not one text; give [{names!r}]")
    return {name: made(name, season_length) for name in names if name != TREES}


def made(name: str, season_length: int) -> Method:
    """Make the method of a name."""
    if name in ON_REQUEST:
        return ON_REQUEST[name](season_length)
    if method := arima_of_orders(name, season_length):
        return method
    if name in BY_THEMSELVES:
        raise UsageError(f"{name} is tried without being asked for; leave it out of the models")
    raise UsageError(f"there is no model {name!r} to try; choose from {', '.join((TREES, *ON_REQUEST))}, arima(p,d,q)")
