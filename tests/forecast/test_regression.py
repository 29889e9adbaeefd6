"""Global learners on lags: the laws of a forecaster, and truths that they must find."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.features.calendar import CALENDAR
from foretide.forecast.lags import WINDOWS_AT_ONCE, Design, Rows, sampled_rows
from foretide.forecast.regression import LEARNERS, MOST_ROWS, STRATEGIES, LagRegression
from foretide.schema import Panel

FIRST = date(2024, 1, 1)
SEASON = np.array([5.0, 6, 7, 8, 9, 20, 2])
BOTH = [(learner, strategy) for learner in LEARNERS for strategy in STRATEGIES]


def counts(n_series=6, n_steps=98, seed=0):
    """Return Poisson counts with a weekly season; the last series begins late."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(2, 80, (n_series, 1))
    y = rng.poisson(level * (1 + 0.4 * np.sin(2 * np.pi * np.arange(n_steps) / 7))).astype(float)
    y[-1, : n_steps // 2] = np.nan
    return y


@pytest.mark.parametrize(("learner", "strategy"), BOTH)
def test_the_laws_of_a_forecaster(learner, strategy):
    model, y = LagRegression(learner, strategy), counts()
    told = model.ahead(y, [70, 98], 4)
    assert told.mean.shape == told.median.shape == (6, 2, 4)
    assert np.isfinite(told.median).all()
    # neither what follows an origin nor the order of the series matters
    other = y.copy()
    other[:, 70:] = counts(seed=1)[:, 70:]
    np.testing.assert_allclose(model.ahead(other[::-1].copy(), [70], 4).median[::-1], told.median[:, :1])


# a Gaussian kernel knows nothing beside the exact repetitions that it saw, and recursion leaves them
@pytest.mark.parametrize(
    ("learner", "strategy"), [pair for pair in BOTH if pair[0] not in ("tree", "mlp") and pair != ("svm", "recursive")]
)
def test_a_steady_season_goes_on(learner, strategy):
    y = np.tile(SEASON, 20) * np.array([[1.0], [3.0], [10.0]])
    told = LagRegression(learner, strategy).ahead(y, [140], 14).median[:, 0]
    np.testing.assert_allclose(told, np.tile(SEASON, 2) * np.array([[1.0], [3.0], [10.0]]), rtol=0.12)


def test_a_rule_that_no_season_has_is_learnt_from_all_series_together():
    """Every day is 1.5 times or 1 / 1.5 times the day three before, in turns: lags tell, weekdays do not."""
    rng = np.random.default_rng(3)
    phase = rng.integers(0, 6, (30, 1))
    y = 50 * 1.5 ** ((np.arange(100) + phase) // 3 % 2) * np.exp(rng.normal(0, 0.05, (30, 100)))
    told = LagRegression("lightgbm").ahead(y[:, :90], [90], 6).median[:, 0]
    assert np.abs(np.log(told / y[:, 90:96])).mean() < 0.1


def test_a_series_that_has_not_begun_has_no_forecast():
    told = LagRegression("ridge").ahead(counts(), [40, 98], 5).median
    assert np.isnan(told[-1, 0]).all()
    assert np.isfinite(told[-1, 1]).all()


ODD = {
    "one step": [[5.0]],
    "two steps": [[5.0, 6.0]],
    "zeros": [[0.0] * 80],
    "constant": [[3.0] * 80],
    "one spike": [[1000.0] + [0.0] * 80],
    "begins at the end": [[np.nan] * 79 + [4.0], [float(k % 9) for k in range(80)]],
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("learner", ["lightgbm", "ridge", "mlp"])
@pytest.mark.parametrize("name", ODD)
def test_odd_series_have_finite_forecasts(name, learner, strategy):
    y = np.array(ODD[name])
    told = LagRegression(learner, strategy).ahead(y, [y.shape[1]], 9).median
    assert np.isfinite(told).all()
    assert (told >= 0).all()
    if name in ("zeros", "constant"):
        np.testing.assert_allclose(told, y[0, 0], rtol=0.01, atol=0.01)


def test_a_fitted_panel_is_forecast_from_its_end():
    y = counts()
    told = LagRegression("ridge").fit(Panel([str(i) for i in range(6)], np.datetime64(FIRST) + np.arange(98), y))
    np.testing.assert_allclose(told.predict(5).median, LagRegression("ridge").ahead(y, [98], 5).median[:, 0])


def test_features_are_those_of_the_steps_before():
    y = np.arange(200.0)[None]
    design = Design(7, yearly=False, known_ahead=np.zeros((0, 1, 210)))
    rows = Rows(np.array([0]), np.array([150]), np.array([8]))
    features, level = design.features(design.windows(y, rows), rows)
    assert level == np.arange(122, 150).mean()
    lags = [1, 2, 3, 4, 5, 6, 7, 14, 21, 28]
    np.testing.assert_allclose(features[0, :10] + level, [150 - lag for lag in lags])
    # step 158 has the weekday of 144, 137 ...
    np.testing.assert_allclose(features[0, 13:17] + level, [144, 137, 130, 123])


def test_the_cost_is_bounded():
    rows = sampled_rows(np.ones((500, 700)), 28, MOST_ROWS, np.random.default_rng(0))
    assert 0.9 * MOST_ROWS < rows.series.size <= MOST_ROWS
    assert len(set(zip(rows.series, rows.origin, rows.ahead, strict=True))) == rows.series.size
    assert rows.step.max() < 700


def test_what_is_known_ahead_is_learnt():
    """A day off every 17 days empties every series; a promotion doubles half of them on days of their own."""
    rng = np.random.default_rng(1)
    off = np.arange(5, 180, 17)
    promoted = rng.random((8, 180)) < 0.15
    y = 100 * np.exp(rng.normal(0, 0.05, (8, 180))) * np.where(promoted, 2.0, 1.0)
    y[:, off] *= 0.3
    rows = [("off", day, day, None) for day in (FIRST + timedelta(days=int(step)) for step in off)]
    ids = [f"s{i}" for i in range(8)]
    days = [FIRST + timedelta(days=t) for t in range(180)]
    covariates = pl.DataFrame(
        {"unique_id": np.repeat(ids, 180), "ds": days * 8, "promotion": promoted.astype(float).ravel()}
    )
    model = LagRegression("lightgbm", calendar=pl.DataFrame(rows, CALENDAR, orient="row"), first_day=FIRST)
    model.covariates, model.ids = covariates, ids
    told = model.ahead(y[:, :165], [165], 15).median[:, 0]
    assert np.abs(np.log(told / y[:, 165:])).mean() < 0.12


@pytest.mark.parametrize(
    "wrong", [{"learner": "oracle"}, {"strategy": "guess"}, {"calendar": pl.DataFrame(schema=CALENDAR)}]
)
def test_a_wrong_parameter_is_said(wrong):
    with pytest.raises(UsageError):
        LagRegression(**wrong)


def test_rows_are_learnt_from_in_batches_as_from_all_at_once():
    y = np.log1p(counts(6, 400))
    design = Design(30, yearly=False, known_ahead=np.zeros((0, 6, 410)))
    rows = sampled_rows(y, 10, 2 * WINDOWS_AT_ONCE + 7, np.random.default_rng(0))
    batches = [batch.series.size for batch in rows.batches(WINDOWS_AT_ONCE)]
    assert max(batches) == WINDOWS_AT_ONCE
    assert sum(batches) == rows.series.size
    for mine, at_once in zip(design.learnt_from(y, rows), design.features(design.windows(y, rows), rows), strict=True):
        np.testing.assert_array_equal(mine, at_once)
