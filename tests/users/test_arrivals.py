"""Arrivals ahead: a steady stream goes on, a steady decline too, one that stopped runs dry."""

import numpy as np
import pytest

from foretide.users.arrivals import expected_arrivals


def test_a_steady_stream_goes_on():
    told = expected_arrivals(np.random.default_rng(0).poisson(20, 120).astype(float), 28)
    assert told.shape == (28,)
    assert told == pytest.approx(20, rel=0.2)
    assert told.mean() == pytest.approx(20, rel=0.06)


def test_a_steady_decline_is_followed():
    truth = 500 * 0.99 ** np.arange(120 + 28)
    assert expected_arrivals(truth[:120], 28).sum() == pytest.approx(truth[120:].sum(), rel=0.05)


def test_a_weekday_keeps_its_share():
    weekend = np.arange(120 + 28) % 7 >= 5
    told = expected_arrivals(np.where(weekend, 200.0, 50.0)[:120], 28)
    assert told[weekend[120:]] == pytest.approx(200, rel=0.1)
    assert told[~weekend[120:]] == pytest.approx(50, rel=0.1)


def test_a_stream_that_stopped_long_ago_is_dry():
    assert expected_arrivals(np.where(np.arange(120) < 40, 20.0, 0.0), 28).sum() < 5


@pytest.mark.parametrize("n_days", [2, 5, 14, 27, 28])
def test_a_few_days_are_enough(n_days):
    assert expected_arrivals(np.full(n_days, 3.0), 28) == pytest.approx(3, rel=1e-6)
