"""Theta, ETS and CES of statsforecast, a model for each series.

ETS and CES see ``log(1 + y)``; the forecast is transformed back.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
from statsforecast.models import AutoCES, AutoETS, AutoTheta


def ahead(name: str, past: Sequence[np.ndarray], h: int, m: int) -> np.ndarray:
    """Return the forecasts of a model, ``(n_series, h)``."""
    model, log = {
        "AutoTheta": (AutoTheta(season_length=m), False),
        "AutoETS": (AutoETS(season_length=m, model="AAA", damped=True), True),
        "AutoCES": (AutoCES(season_length=m), True),
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = [model.forecast(y=np.log1p(y) if log else y, h=h)["mean"] for y in past]
    return np.expm1(told) if log else np.array(told)


MODELS = {name: partial(ahead, name) for name in ("AutoTheta", "AutoETS", "AutoCES")}
