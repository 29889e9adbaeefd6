"""Metrics against scikit-learn and against figures by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from foretide.evaluate import metrics
from foretide.evaluate.backtest import backtest, beside_naive
from foretide.evaluate.splits import rolling_origins
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage
from foretide.schema import Panel

NUMBERS = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=30)


@given(NUMBERS)
def test_the_plain_metrics_are_those_of_scikit_learn(pairs):
    y, predicted = np.array(pairs).T
    assert metrics.mse(y, predicted) == pytest.approx(sk.mean_squared_error(y, predicted))
    assert metrics.rmse(y, predicted) == pytest.approx(sk.root_mean_squared_error(y, predicted))
    assert metrics.mae(y, predicted) == pytest.approx(sk.mean_absolute_error(y, predicted))
    for q in (0.1, 0.5, 0.9):
        assert metrics.pinball(y, predicted, q) == pytest.approx(sk.mean_pinball_loss(y, predicted, alpha=q))
    if np.ptp(y) > 1e-3:
        assert metrics.r2(y, predicted) == pytest.approx(sk.r2_score(y, predicted), rel=1e-6)


@pytest.mark.parametrize("metric", [metrics.mse, metrics.rmse, metrics.mae, metrics.r2, metrics.bias, metrics.wape])
def test_shapes_that_would_broadcast_are_an_error(metric):
    with pytest.raises(ValueError, match="shapes differ"):
        metric(np.zeros(5), np.zeros((5, 1)))


def test_rmse_is_the_root_of_mse():
    assert metrics.rmse([0.0, 0.0], [3.0, 4.0]) == pytest.approx(12.5**0.5)


def test_scaled_errors_by_hand():
    past = [[1.0, 2, 3, 5], [np.nan, 4, 4, 4]]  # changes of 2 and 3 at distance 2, and of none
    y, predicted = [[5.0, 5.0], [4.0, 5.0]], [[6.0, 9.0], [4.0, 4.0]]
    np.testing.assert_allclose(metrics.mase(past, y, predicted, 2), [2.5 / 2.5, np.nan])
    np.testing.assert_allclose(metrics.rmsse(past, y, predicted, 2), [(8.5 / 6.5) ** 0.5, np.nan])


def test_bias_is_positive_where_too_much_is_predicted():
    assert metrics.bias([1.0, 3.0], [2.0, 4.0]) == pytest.approx(0.5)


def test_coverage_counts_the_bounds():
    assert metrics.coverage([1.0, 2, 3, np.nan], [1.0, 1, 4, 0], [2.0, 2, 5, 9]) == pytest.approx(2 / 3)


@given(st.integers(1, 400), st.integers(1, 40), st.integers(1, 10), st.integers(1, 30), st.integers(0, 60))
def test_origins_have_their_horizon_inside_the_data(n_steps, h, n_origins, step, least):
    origins = rolling_origins(n_steps, h, n_origins, step, least)
    assert origins == sorted(set(origins))
    assert len(origins) <= n_origins
    assert all(max(least, 1) <= origin <= n_steps - h for origin in origins)
    if n_steps - h >= max(least, 1):
        assert origins[-1] == n_steps - h


def test_a_backtest_gives_the_better_model_the_better_row():
    rng = np.random.default_rng(0)
    y = rng.poisson(30, (20, 140)).astype(float)
    panel = Panel([str(i) for i in range(20)], np.datetime64("2024-01-01") + np.arange(140), y)
    models = {"naive": SeasonalNaive(), "mean": SeasonalWindowAverage()}
    result = backtest(panel, models, 14, [98, 112, 126])
    assert result.table["model"].to_list() == ["mean", "naive"]
    naive = np.stack([np.tile(y[:, o - 7 : o], 2) for o in (98, 112, 126)], axis=1)
    happened = np.stack([y[:, o : o + 14] for o in (98, 112, 126)], axis=1)
    assert result.table["mse"][1] == pytest.approx(((naive - happened) ** 2).mean())


def test_a_mase_below_one_can_lose_to_the_naive_and_is_shown_to():
    table = pl.DataFrame({"model": ["SeasonalNaive", "Late"], "mase": [0.5, 0.8], "r2": [0.1, 0.2]})
    assert beside_naive(table).rows() == [("SeasonalNaive", 0.5, 1.0, 0.1), ("Late", 0.8, 1.6, 0.2)]
    for other in (table.filter(model="Late"), table.with_columns(mase=None), table.clear()):
        assert beside_naive(other)["vs_naive"].drop_nulls().is_empty()
