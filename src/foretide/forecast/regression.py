"""Global learners on lags: one regression for all series, from scikit-learn and LightGBM.

References
----------
Januschowski et al. (2022), Forecasting with trees, International Journal of Forecasting 38. Ben Taieb, Bontempi,
Atiya, Sorjamaa (2012), A review and comparison of strategies for multi-step ahead time series forecasting, Expert
Systems with Applications 39. Ke et al. (2017), LightGBM, NIPS. Breiman (2001), Random forests, Machine Learning 45.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from foretide.errors import UsageError
from foretide.forecast.baselines import SeasonalWindowAverage, quiet
from foretide.forecast.covariates import covariate_steps
from foretide.forecast.known_events import event_days
from foretide.forecast.lags import LEAST_YEARS, YEAR_STEPS, Design, Rows, sampled_rows, spreads
from foretide.forecast.method import Ahead, Method
from foretide.schema import Floats

#: Rows that a learner is shown at most, and those that need fewer as their cost grows faster than the rows.
MOST_ROWS = 40_000
FEWER_ROWS = {"svm": 3_000, "mlp": 20_000}
#: Below this many rows there is nothing to learn: the mean of the same weekday is said.
LEAST_ROWS = 60
#: A forecast may leave what the window has seen by this many spreads.
REACH = 2.0
#: Features that vary less are left out where features are standardised.
LEAST_VARIANCE = 1e-8
#: Days around an event that are told apart.
AROUND = (-1, 0, 1)


def lightgbm(seed: int) -> Any:
    """Make boosted trees that grow by leaf."""
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        n_estimators=200,
        learning_rate=0.05,
        num_leaves=31,
        min_child_samples=30,
        subsample=0.7,
        subsample_freq=1,
        colsample_bytree=0.7,
        reg_lambda=5.0,
        n_jobs=1,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def tree(seed: int) -> Any:
    """Make a single decision tree."""
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(min_samples_leaf=50, random_state=seed)


def forest(seed: int) -> Any:
    """Make a random forest."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(60, min_samples_leaf=10, max_features=0.4, max_samples=0.4, random_state=seed)


def svm(seed: int) -> Any:  # noqa: ARG001 there is nothing random in it
    """Make support vectors with a Gaussian kernel."""
    from sklearn.svm import SVR

    return _standardised(SVR(C=1.0, epsilon=0.05))


def mlp(seed: int) -> Any:
    """Make a network of two layers that is stopped early."""
    from sklearn.neural_network import MLPRegressor

    net = MLPRegressor(
        hidden_layer_sizes=(64, 32), alpha=1e-2, batch_size=256, early_stopping=True, max_iter=40, random_state=seed
    )
    return _standardised(net)


def boosting(seed: int) -> Any:
    """Make the boosted trees of scikit-learn, on histograms."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=150,
        learning_rate=0.06,
        min_samples_leaf=30,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )


def ridge(seed: int) -> Any:  # noqa: ARG001 there is nothing random in it
    """Make a linear regression with a penalty."""
    from sklearn.linear_model import Ridge

    return _standardised(Ridge(alpha=10.0))


def _standardised(estimator: Any) -> Any:
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # what is constant but for rounding must not be blown up
    return make_pipeline(VarianceThreshold(LEAST_VARIANCE), StandardScaler(), estimator)


#: Name -> what makes an untrained estimator with ``fit`` and ``predict``, given a seed.
LEARNERS: dict[str, Callable[[int], Any]] = {
    "lightgbm": lightgbm,
    "tree": tree,
    "forest": forest,
    "svm": svm,
    "mlp": mlp,
    "boosting": boosting,
    "ridge": ridge,
}
STRATEGIES = ("direct", "recursive")


@dataclass
class LagRegression(Method):
    """One learner for all series, on lags, rolling means, the calendar and what is known ahead; a median.

    The learner is trained once, on what was known at the *first* origin, and answers from every origin with what is
    known there: a backtest costs one training and is harder on it than on methods that learn anew. It minimises
    squares on the log scale, so mean and median are the same guess. Rows are drawn at random above a number
    (``MOST_ROWS``), independent of the order of the series.

    Parameters
    ----------
    learner
        One of ``LEARNERS``.
    strategy
        ``direct``: the step ahead is a feature, one learner says every step from what is known at the origin;
        ``recursive``: it says the next step, and that stands for the truth in the step after.
    season_length
        Steps of a season, 1 for none.
    rng
        Seed.
    calendar
        Known events, ``CALENDAR``: a day in one, before one and after one are features.
    first_day
        Day of the first step, needed with ``calendar`` or ``covariates``; steps are days then.
    covariates
        ``unique_id, ds, <name> ...``, known ahead; a day that is missing has the value before it.
    ids
        Names of the series, needed for ``covariates`` and for events of one category.

    Raises
    ------
    UsageError
        If the learner or strategy is unknown, or a day or ids are missing.
    """

    pools: ClassVar[bool] = True
    learns_once: ClassVar[bool] = True

    learner: str = "lightgbm"
    strategy: Literal["direct", "recursive"] = "direct"
    season_length: int = 7
    rng: int = 0
    calendar: pl.DataFrame | None = None
    first_day: date | None = None
    covariates: pl.DataFrame | None = None
    ids: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.learner not in LEARNERS:
            raise UsageError(f"there is no learner {self.learner!r}; choose one of {', '.join(LEARNERS)}")
        if self.strategy not in STRATEGIES:
            raise UsageError(f"there is no strategy {self.strategy!r}; choose one of {', '.join(STRATEGIES)}")
        if self.first_day is None and not (self.calendar is None and self.covariates is None):
            raise UsageError("a calendar or covariates need first_day, the day of the first step")

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``; trained at the first origin only."""
        z = np.log1p(np.maximum(y, 0.0))
        spread = spreads(z[:, : origins[0]])
        yearly = origins[0] >= LEAST_YEARS * YEAR_STEPS
        design = Design(self.season_length, yearly, self._known(len(z), z.shape[1] + h, origins[0]))
        trained = self._trained(design, (z / spread)[:, : origins[0]], h)
        if trained is None:
            return SeasonalWindowAverage(self.season_length).ahead(y, origins, h)
        said = np.full((len(z), len(origins), h), np.nan)
        series, at = np.nonzero(~np.isnan(z[:, np.asarray(origins) - 1]))
        if series.size:
            start = Rows(series, np.asarray(origins)[at], np.zeros_like(series))
            say = self._direct if self.strategy == "direct" else self._recursive
            said[series, at] = say(trained, design, design.windows(z / spread, start), start, h) * spread[series]
        middle = np.maximum(np.expm1(said), 0.0)
        return Ahead(middle, middle.copy())

    def _trained(self, design: Design, scaled: Floats, h: int) -> Any:
        """Return the learner after its training, None if there is too little to learn from."""
        # the draw of rows must not depend on the order in which series stand
        known = design.known_ahead[:, :, : scaled.shape[1]]
        keys = np.hstack([np.nan_to_num(scaled, nan=-1.0), *known])
        order = np.lexsort(keys.T)
        most = FEWER_ROWS.get(self.learner, MOST_ROWS)
        steps = h if self.strategy == "direct" else 1
        rows = sampled_rows(scaled[order], steps, most, np.random.default_rng(self.rng))
        rows = Rows(order[rows.series], rows.origin, rows.ahead)
        estimator = LEARNERS[self.learner](self.rng)
        if rows.series.size < LEAST_ROWS:
            return None
        features, level = design.learnt_from(scaled, rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the network stops when its time is up, and that is meant
            return estimator.fit(features, scaled[rows.series, rows.step] - level)

    @staticmethod
    def _direct(trained: Any, design: Design, windows: Floats, start: Rows, h: int) -> Floats:
        said = np.empty((start.series.size, h))
        bounds = _bounds(windows)
        for k in range(h):
            rows = Rows(start.series, start.origin, np.full_like(start.ahead, k))
            said[:, k] = np.clip(_say(trained, design, windows, rows), *bounds)
        return said

    @staticmethod
    def _recursive(trained: Any, design: Design, windows: Floats, start: Rows, h: int) -> Floats:
        seen = np.hstack([windows, np.empty((len(windows), h))])
        bounds = _bounds(windows)
        for k in range(h):
            rows = Rows(start.series, start.origin + k, start.ahead)
            seen[:, design.width + k] = np.clip(_say(trained, design, seen[:, k : design.width + k], rows), *bounds)
        return seen[:, design.width :]

    def _known(self, n_series: int, n_steps: int, origin: int) -> Floats:
        """Return what is known of each step, ``(n_known, n_series, n_steps)``; covariates beside their past mean."""
        known = [np.empty((0, n_series, n_steps))]
        if self.calendar is not None and self.first_day is not None:
            days = event_days(self.calendar, self.first_day, n_steps, n_series, self.ids, AROUND)
            around = [np.zeros((n_series, n_steps)) for _ in AROUND]
            for key, (steps, concerned) in days.items():
                around[AROUND.index(key.offset)][np.ix_(concerned, steps)] = 1.0
            known.append(np.stack(around))
        if self.covariates is not None and self.first_day is not None:
            for given in covariate_steps(self.covariates, self.first_day, n_steps, n_series, self.ids)[1]:
                usual = quiet(np.nanmean, given[:, :origin], axis=1)
                known.append(np.nan_to_num(given - usual[:, None])[None])
        return np.concatenate(known)


def _say(trained: Any, design: Design, windows: Floats, rows: Rows) -> Floats:
    """Return the expected values of the scaled series."""
    features, level = design.features(windows, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of features, of which there are none
        return trained.predict(features) + level


def _bounds(windows: Floats) -> tuple[Floats, Floats]:
    """Return what forecasts are kept within: a linear learner or network may run away."""
    return np.nanmin(windows, axis=1) - REACH, np.nanmax(windows, axis=1) + REACH
