"""mlforecast with LightGBM: one set of boosted trees on the lags of all series, one step ahead, again and again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import Differences, GlobalSklearnTransformer, LocalStandardScaler
from sklearn.preprocessing import FunctionTransformer
from tables import FREQUENCIES, by_series, long_table

#: Chosen on the origins before the test.
TARGET = "scale"
TREES = {"n_estimators": 200, "learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 20}
TARGETS = {
    "log": list,
    "scale": lambda: [LocalStandardScaler()],
    "differences": lambda: [Differences([1])],
}
DATES = {7: ["dayofweek", "day", "month"], 24: ["hour", "dayofweek"]}


def ahead(past: Sequence[np.ndarray], h: int, m: int, target: str = TARGET, **trees: float) -> np.ndarray:
    """Return forecasts, ``(n_series, h)``: lags of four seasons, means over one and four, dates."""
    model = LGBMRegressor(**(TREES | trees), objective="l1", n_jobs=1, verbosity=-1, random_state=0)
    log = GlobalSklearnTransformer(FunctionTransformer(np.log1p, np.expm1))
    means = [RollingMean(m), RollingMean(4 * m)]
    learner = MLForecast(
        {"LightGBM": model},
        freq=FREQUENCIES[m],
        lags=range(1, 4 * m + 1),
        lag_transforms={1: means, m: means},
        date_features=DATES[m],
        target_transforms=[log, *TARGETS[target]()],
    )
    learner.fit(long_table(past, m), static_features=[])
    return by_series(learner.predict(h), "LightGBM")


MODELS = {"LightGBM": ahead}
