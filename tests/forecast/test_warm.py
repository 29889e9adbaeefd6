"""A warm model says what a cold one says of the whole history."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.warm import WarmHoltWinters
from foretide.schema import Panel


def counts(n_series=5, n_steps=150, seed=0):
    rng = np.random.default_rng(seed)
    week = 1 + 0.5 * np.sin(2 * np.pi * np.arange(n_steps) / 7)
    y = rng.poisson(np.outer(3.0 * 4.0 ** np.arange(n_series), week)).astype(float)
    for i in range(n_series):
        y[i, : 30 * i] = np.nan
    return y


def panel(y):
    return Panel([f"s{i}" for i in range(len(y))], np.datetime64("2024-01-01") + np.arange(y.shape[1]), y)


@given(st.integers(1, 149), st.booleans(), st.sampled_from([1, 7]), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_day_by_day_or_all_at_once(known, log, season_length, step):
    y = counts()
    warm = WarmHoltWinters(log, season_length).fit(panel(y[:, :known]))
    for begin in range(known, 150, step):
        warm.update(y[:, begin : begin + step])
    for h in (3, 14):
        cold, told = HoltWinters(log, season_length).fit(panel(y)).predict(h), warm.predict(h)
        np.testing.assert_array_equal(told.dates, cold.dates)
        np.testing.assert_allclose(told.median, cold.median, rtol=2e-3, atol=1e-3)


def test_a_series_may_begin_later():
    y = counts(3)
    y[2, :100] = np.nan
    warm = WarmHoltWinters().fit(panel(y[:, :90]))
    assert np.isnan(warm.predict(3).median[2]).all()
    for t in range(90, 150):
        warm.update(y[:, t])
    np.testing.assert_allclose(warm.predict(7).median, HoltWinters().fit(panel(y)).predict(7).median, rtol=2e-3)


def test_a_missing_day_is_taken_for_the_one_before():
    y = counts(2, 100)
    y[1, :30] = y[1, 30]
    gap = y.copy()
    gap[:, 95] = np.nan
    same = y.copy()
    same[:, 95] = y[:, 94]
    one, other = (WarmHoltWinters().fit(panel(part[:, :90])).update(part[:, 90:]) for part in (gap, same))
    np.testing.assert_array_equal(one.predict(5).median, other.predict(5).median)


def test_what_cannot_be_asked_is_told():
    with pytest.raises(UsageError, match="fit first"):
        WarmHoltWinters().predict(3)
    warm = WarmHoltWinters().fit(panel(counts(2)))
    for wrong in (np.ones(3), [1.0], 5.0):
        with pytest.raises(UsageError, match="one for each"):
            warm.update(wrong)
    with pytest.raises(UsageError, match="horizon"):
        warm.predict(0)
