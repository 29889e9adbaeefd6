"""Arrivals ahead: a steady stream goes on, one that stopped runs dry."""

import numpy as np
import pytest

from foretide.users.arrivals import expected_arrivals

DATES = np.datetime64("2024-01-01") + np.arange(120)


def test_a_steady_stream_goes_on():
    new = np.random.default_rng(0).poisson(20, 120)
    told = expected_arrivals(new, DATES, 28)
    assert told.shape == (28,)
    assert told == pytest.approx(20, rel=0.2)


def test_a_stream_that_stopped_long_ago_is_dry():
    new = np.where(np.arange(120) < 40, 20, 0)
    assert expected_arrivals(new, DATES, 28).sum() < 5


@pytest.mark.parametrize("n_days", [2, 5, 14])
def test_a_few_days_are_enough(n_days):
    told = expected_arrivals(np.full(n_days, 3), DATES[:n_days], 28)
    assert told == pytest.approx(3, rel=0.5)
