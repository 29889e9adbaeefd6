"""Quantiles of counts are those of the distribution with their moments."""

import numpy as np
import pytest
from scipy import stats

from foretide.forecast.count_distribution import count_quantiles

P = np.array([0.01, 0.1, 0.5, 0.8, 0.975])


@pytest.mark.parametrize("mean", [0.05, 0.7, 3.0, 40.0, 5e5])
def test_quantiles_are_those_of_scipy(mean):
    for over in (1.3, 4.0):
        peer = stats.nbinom.ppf(P, mean / (over - 1), 1 / over)
        np.testing.assert_array_equal(count_quantiles(mean, over * mean, P), peer)
    np.testing.assert_array_equal(count_quantiles(mean, mean, P), stats.poisson.ppf(P, mean))
    trials = np.ceil(mean / 0.5)
    np.testing.assert_array_equal(count_quantiles(mean, mean / 2, P), stats.binom.ppf(P, trials, mean / trials))


def test_quantiles_of_nothing_and_of_certainty():
    told = count_quantiles([[0.0, np.nan, 6.0, 6.01]], [[1.0, 1.0, 0.0, 0.0]], [0.1, 0.5])
    assert told.shape == (2, 1, 4)
    np.testing.assert_array_equal(told[1, 0], [0.0, np.nan, 6.0, 6.0])
    np.testing.assert_array_equal(count_quantiles(1e-200, 1e-210, [0.1, 0.9]), [0.0, 0.0])
