"""A history too short to try anything on: what is trusted without a trial, and what a tiny trial must not decide."""

import numpy as np
import pytest

from foretide.forecast.engine import run
from foretide.forecast.trial import LEAST_TESTED, TRUSTED, backtest_origins
from foretide.schema import Panel

WEEK = np.array([1.0, 0.9, 0.9, 1.0, 1.2, 1.6, 1.4])


def panel(n_steps, n_series=40):
    rng = np.random.default_rng(0)
    y = rng.poisson(rng.uniform(5, 40, (n_series, 1)) * WEEK[np.arange(n_steps) % 7]).astype(float)
    return Panel([str(i) for i in range(n_series)], np.datetime64("2024-01-01") + np.arange(n_steps), y)


@pytest.mark.parametrize("season_length", [7, (7, 1)])
@pytest.mark.parametrize("n_steps", [1, 3, 7, 13, 20])
def test_without_a_backtest_the_season_of_the_panel_is_trusted(n_steps, season_length):
    told = run(panel(n_steps), 14, season_length=season_length, models=())
    assert set(told.weights.filter(weight=1.0)["model"]) == set(TRUSTED["median"])
    assert told.backtest.is_empty()
    assert "no_backtest" in told.notes


def test_two_weeks_of_many_series_tell_the_week():
    told = run(panel(15), 14, models=()).forecast.median.mean(axis=0)
    truth = 22.5 * WEEK[np.arange(15, 29) % 7]
    assert np.abs(told - truth).mean() < 0.1 * truth.mean()


def test_a_backtest_looks_ahead_as_far_as_is_wanted_or_some_steps():
    assert backtest_origins(12, 3, 1)[0]
    assert not backtest_origins(4 * LEAST_TESTED - 1, 14, 1)[0]
    assert backtest_origins(4 * LEAST_TESTED, 14, 1) == ([3, 6, 9, 12, 15, 18], LEAST_TESTED)
