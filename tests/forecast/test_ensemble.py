"""Weights follow past errors and nothing later, drawn towards those of the panel; one method may do alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foretide.evaluate.backtest import Said
from foretide.forecast.ensemble import combine, honest_weights, lone_winner, pooled_and_shrunk, relative_squares, weigh
from foretide.forecast.trial import Trial, judge

PRIOR = np.array([0.5, 0.5, 0.0])
SQUARES = arrays(float, (3, 4, 5), elements=st.floats(1e-6, 1e6))


@given(SQUARES)
def test_weights_are_shares_and_the_less_the_larger_the_error(squares):
    weights = weigh(squares, PRIOR)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert (weights >= 0).all()
    _, shrunk = pooled_and_shrunk(squares)
    used = weights > 0
    for i in range(4):
        order = np.argsort(shrunk[used[:, i], i])
        assert (np.diff(weights[used[:, i], i][order]) <= 1e-12).all()


def test_without_any_origin_the_prior_counts():
    np.testing.assert_array_equal(weigh(np.full((3, 2, 0), np.nan), PRIOR), np.tile(PRIOR[:, None], (1, 2)))
    np.testing.assert_array_equal(weigh(np.full((3, 2, 4), np.nan), PRIOR)[:, 0], PRIOR)


def test_a_few_origins_of_one_series_say_less_than_many():
    squares = np.ones((2, 50, 16))
    squares[1, 0] = 0.5
    many = weigh(squares, np.array([0.5, 0.5]))
    squares[:, 0, :-2] = np.nan
    few = weigh(squares, np.array([0.5, 0.5]))
    assert few[1, 1] == pytest.approx(0.5, abs=0.02)
    assert 0.5 < few[1, 0] < many[1, 0]


def test_a_size_of_the_errors_changes_nothing():
    squares = np.random.default_rng(0).uniform(1, 1.05, (3, 6, 8))
    np.testing.assert_allclose(weigh(squares, PRIOR), weigh(1e6 * squares, PRIOR), rtol=1e-9)


@given(SQUARES, st.integers(0, 4))
def test_weights_at_an_origin_know_no_horizon_that_was_not_over(squares, j):
    origins, h = [10, 15, 20, 25, 30], 10
    changed = squares.copy()
    changed[:, :, np.asarray(origins) + h > origins[j]] = 7.0
    before, after = (honest_weights(s, origins, h, PRIOR)[:, :, j] for s in (squares, changed))
    np.testing.assert_array_equal(before, after)


def test_a_method_without_a_forecast_leaves_its_weight_to_the_others():
    forecasts = np.array([2.0, 4.0, np.nan]).reshape(3, 1, 1, 1)
    weights = np.array([0.3, 0.1, 0.6]).reshape(3, 1, 1)
    assert combine(weights, forecasts).item() == pytest.approx(2.5)
    assert np.isnan(combine(weights, np.full((3, 1, 1, 1), np.nan))).all()


def test_errors_are_in_units_of_the_usual_change():
    assert relative_squares(np.full((1, 1, 1, 4), 6.0), np.array([[2.0]])).item() == 9.0


def test_a_method_alone_must_be_clearly_better():
    squares = np.stack([np.full((3, 4), 1.0), np.full((3, 4), 4.0)])
    assert lone_winner(squares, np.full((3, 4), 1.01)) is None
    assert lone_winner(squares, np.full((3, 4), 1.1)) == 0
    assert lone_winner(np.full((2, 3, 0), np.nan), np.full((3, 0), np.nan)) is None


def test_the_one_that_beats_the_ensemble_is_used_alone():
    """At the first origins the ensemble trusted the wrong one, as nothing was over yet."""
    rng = np.random.default_rng(0)
    happened = rng.normal(50, 5, (6, 5, 4))
    near = happened + rng.normal(0, 1, happened.shape)
    said = {"PooledSeason": Said(happened + 9.0, happened + 9.0), "SeasonalNaive": Said(near, near)}
    now = np.stack([np.full((6, 4), 10.0), np.full((6, 4), 20.0)])
    verdict = judge(Trial(said, now, [20, 22, 24, 26, 28], happened, np.ones((6, 6))))
    np.testing.assert_array_equal(verdict.weights, np.tile([[0.0], [1.0]], (1, 6)))
    np.testing.assert_array_equal(verdict.expect(now), 20.0)
    np.testing.assert_array_equal(verdict.past, near)
