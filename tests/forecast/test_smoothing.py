"""Holt-Winters with one parameter point is the (A, Ad, A) recursion of statsmodels."""

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from foretide.forecast.pooled import PooledSeason
from foretide.forecast.smoothing import MOST_RHO, PHI, START_SEASONS, HoltWinters, grid, smooth


@pytest.mark.parametrize(("alpha", "beta", "gamma"), [(0.3, 0.1, 0.2), (0.05, 0.0, 0.1), (0.8, 0.05, 0.01)])
def test_one_point_is_the_damped_holt_winters_of_statsmodels(alpha, beta, gamma):
    rng = np.random.default_rng(4)
    y = 50 + 10 * np.sin(2 * np.pi * np.arange(140) / 7) + np.cumsum(rng.normal(0, 1, 140))
    ours, _ = smooth(y[None], [140], 14, 7, [(alpha, beta, gamma)])
    first = y[: 7 * START_SEASONS]
    season = [first[j::7].mean() - first.mean() for j in range(7)]
    peer = ETSModel(
        y,
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=7,
        initialization_method="known",
        initial_level=first.mean(),
        initial_trend=0.0,
        initial_seasonal=season,
    ).smooth([alpha, alpha * beta, gamma * (1 - alpha), PHI])
    np.testing.assert_allclose(ours[0, 0], peer.forecast(14), rtol=1e-5)


def weekly_with_errors(rho, n_series=40, n_steps=700, seed=1):
    """Return series of 100 a day with a week, whose errors have an autocorrelation."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 5, (n_series, n_steps))
    for t in range(1, n_steps):
        noise[:, t] += rho * noise[:, t - 1]
    return 100.0 + 20.0 * np.sin(2 * np.pi * np.arange(n_steps) / 7) + noise


def carried_over(y, h=3):
    """Return how much of the last error lies on each step ahead, at a single point that hardly follows errors."""
    plain, carrying = (smooth(y, [y.shape[1]], h, 7, [(0.005, 0.0, 0.01)], most)[0][:, 0] for most in (None, MOST_RHO))
    return carrying - plain


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.8])
def test_the_autocorrelation_of_errors_is_found_and_fades_step_by_step(rho):
    y = weekly_with_errors(rho)
    carried = carried_over(y)
    error = y[:, -1] - smooth(y, [y.shape[1] - 1], 1, 7, [(0.005, 0.0, 0.01)])[0][:, 0, 0]
    assert np.median(carried[:, 0] / error) == pytest.approx(rho, abs=0.06)
    assert np.median(carried[:, 1] / error) == pytest.approx(rho**2 if rho > 0.5 else 0.0, abs=0.08)


def test_errors_without_autocorrelation_or_with_a_negative_one_are_not_carried_over():
    assert (carried_over(weekly_with_errors(0.0))[:, 0] == 0).mean() > 0.8
    assert (carried_over(weekly_with_errors(-0.5)) == 0).all()
    whole = [smooth(weekly_with_errors(0.6), [400, 700], 7, 7, grid(), most)[0] for most in (None, 0.0)]
    np.testing.assert_allclose(*whole, rtol=1e-6)


def test_yesterday_is_not_forgotten_for_a_few_steps_and_horizons_of_a_season_are_as_before():
    y = weekly_with_errors(0.6)
    origins = list(range(500, 696, 4))
    told = {h: HoltWinters().ahead(y, origins, h).median for h in (3, 7)}
    plain = np.expm1(smooth(np.log1p(y), origins, 7, 7, grid())[0])
    np.testing.assert_array_equal(told[7], plain)
    came = y[:, origins]
    assert np.mean((told[3][..., 0] - came) ** 2) < 0.8 * np.mean((plain[..., 0] - came) ** 2)


def test_the_variance_is_that_of_what_is_not_known():
    y = weekly_with_errors(0.6)
    variance = smooth(y, [700], 14, 7, [(0.005, 0.0, 0.01)], MOST_RHO)[1][:, 0].mean(axis=0)
    stationary = 25.0 / (1 - 0.6**2)
    np.testing.assert_allclose(variance[[0, 1, 13]], [25.0, 25.0 * 1.36, stationary], rtol=0.07)


def test_a_shared_season_is_known_better_together():
    """Poisson counts of two a day with one season: the pooled effects are nearer to it than those of each alone."""
    rng = np.random.default_rng(3)
    season = np.array([0.6, 0.7, 0.8, 0.9, 1.1, 1.6, 1.3])
    y = rng.poisson(2.0 * season[np.arange(140) % 7], (80, 140)).astype(float)
    truth = 2.0 * season
    alone = np.vstack([PooledSeason().ahead(y[i : i + 1], [140], 7).median[:, 0] for i in range(80)])
    together = PooledSeason().ahead(y, [140], 7).median[:, 0]

    def spread(ahead):
        return np.mean((ahead / ahead.mean(axis=1, keepdims=True) - truth / truth.mean()) ** 2)

    assert spread(together) < 0.3 * spread(alone)


def test_series_with_seasons_of_their_own_keep_them():
    t = np.arange(210)
    waves = [50.0 + 30.0 * np.sin(2 * np.pi * (t + shift) / 7) for shift in range(7)]
    ahead = PooledSeason().ahead(np.array(waves), [210], 7).median[:, 0]
    later = [50.0 + 30.0 * np.sin(2 * np.pi * (np.arange(210, 217) + shift) / 7) for shift in range(7)]
    np.testing.assert_allclose(ahead, later, rtol=0.03)


def test_a_short_or_late_series_takes_the_season_of_the_panel():
    t = np.arange(140)
    seasonal = np.tile(20.0 + 15.0 * np.sin(2 * np.pi * t / 7), (5, 1))
    seasonal[-1, :135] = np.nan
    late = PooledSeason().ahead(seasonal, [140], 7).median[-1, 0]
    assert np.corrcoef(late, 20.0 + 15.0 * np.sin(2 * np.pi * np.arange(140, 147) / 7))[0, 1] > 0.99
    assert np.isfinite(PooledSeason().ahead(seasonal[:, :5], [1, 5], 7).median[:4]).all()
