"""The Theta method: statsmodels as the oracle, known truth, and the laws that test_laws.py does not have."""

import warnings

import numpy as np
import pytest
from statsmodels.tsa.forecasting.theta import ThetaModel

from foretide.forecast.baselines import SeasonalNaive
from foretide.forecast.theta import Theta, lines


def series(m, n=300, slope=0.05, seed=0):
    """A level that walks, with a trend and a season."""
    rng = np.random.default_rng(seed)
    season = 6 * np.sin(2 * np.pi * np.arange(n) / m)
    return 50 + slope * np.arange(n) + np.cumsum(rng.normal(0, 1, n)) + rng.normal(0, 1, n) + season


def theirs(y, m, h):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ThetaModel(y, period=m, method="additive", deseasonalize=m > 1).fit()
    return fitted.params["alpha"], np.asarray(fitted.forecast(h))


@pytest.mark.parametrize("m", [1, 4, 7, 12])
@pytest.mark.parametrize("seed", [0, 1])
def test_one_point_is_the_theta_model_of_statsmodels(m, seed):
    y = series(m, seed=seed)
    alpha, peer = theirs(y, m, 20)
    assert alpha > 0.2  # so that where smoothing began is forgotten
    ours, _ = lines(y[None], [y.size], 20, m, [alpha])
    np.testing.assert_allclose(ours[0, 0], peer, rtol=1e-9)


def test_the_grid_is_near_the_best_point():
    y = series(7)
    (ours, _), (_, peer) = lines(y[None], [y.size], 20, 7, (0.1, 0.3, 0.45, 0.65)), theirs(y, 7, 20)
    assert np.abs(ours[0, 0] - peer).max() < 0.5 * np.abs(np.diff(y)).mean()


def test_a_straight_line_goes_on_at_half_its_slope():
    told = Theta(log=False, season_length=1).ahead(10.0 + 2.0 * np.arange(100)[None], [100], 10).median[0, 0]
    np.testing.assert_allclose(np.diff(told), 1.0)
    assert told[0] == pytest.approx(210.0, abs=1.5)  # the last point at the largest gain, and half a step


def test_noise_has_no_season():
    noise = np.random.default_rng(0).poisson(30.0, (40, 200)).astype(float)
    told = Theta(log=False).ahead(noise, [200], 7).median[:, 0]
    flat = np.abs(np.diff(told, n=2)).max(axis=1) < 1e-9
    assert flat.mean() > 0.8


@pytest.mark.parametrize("log", [True, False])
def test_it_beats_the_seasonal_naive_on_counts(log):
    rng = np.random.default_rng(3)
    y = rng.poisson(np.exp(3 + 0.3 * np.sin(2 * np.pi * np.arange(328) / 7) + np.zeros((30, 1)))).astype(float)
    ours, naive = (model.ahead(y, [300], 28).median[:, 0] for model in (Theta(log=log), SeasonalNaive()))
    assert np.abs(y[:, 300:] - ours).mean() < 0.8 * np.abs(y[:, 300:] - naive).mean()


def test_intervals_of_the_log_scale_put_the_mean_above_the_median():
    y = np.random.default_rng(1).poisson(20.0, (3, 100)).astype(float)
    told = Theta().ahead(y, [100], 14)
    assert (told.mean > told.median).all()


@pytest.mark.parametrize("m", [1, 2, 7, 365])
@pytest.mark.parametrize("log", [True, False])
def test_any_length_and_season_has_a_forecast_within_reach(m, log):
    y = np.random.default_rng(2).poisson(9.0, (2, 60)).astype(float)
    told = Theta(log=log, season_length=m).ahead(y, range(1, 61), 9).median
    assert np.isfinite(told).all()
    assert told.max() <= 3 * y.max()


@pytest.mark.parametrize("level", [0.0, 3.0, 1e6])
def test_a_constant_goes_on(level):
    for model in (Theta(), Theta(log=False)):
        told = model.ahead(np.full((1, 50), level), [1, 2, 50], 8)
        np.testing.assert_allclose(told.median, level, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(told.mean, level, rtol=1e-9, atol=1e-9)
