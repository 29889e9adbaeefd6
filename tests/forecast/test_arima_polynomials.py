"""Polynomials of ARIMA and their partial autocorrelations."""

import numpy as np

from foretide.forecast.arima_polynomials import from_partials, to_partials


def test_partial_autocorrelations_there_and_back():
    partial = np.array([0.9, -0.5, 0.3, -0.95])
    phi, slope = from_partials(partial)
    np.testing.assert_allclose(to_partials(phi), partial)
    assert (np.abs(np.roots(np.r_[1, -phi])) < 1).all()
    for k in range(4):
        step = 1e-6 * np.eye(4)[k]
        by_hand = (from_partials(partial + step)[0] - from_partials(partial - step)[0]) / 2e-6
        np.testing.assert_allclose(slope[:, k], by_hand, atol=1e-8)


def test_a_polynomial_that_is_not_stationary_has_a_partial_autocorrelation_of_one():
    assert np.abs(to_partials(np.array([0.5, 0.6]))).max() >= 1
    assert np.abs(to_partials(np.array([0.0, 0.3, 1.2]))).max() >= 1
