"""Holt-Winters with one parameter point is the (A, Ad, A) recursion of statsmodels."""

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from foretide.forecast.smoothing import PHI, START_SEASONS, smooth


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
