"""Which series the others must not learn from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.forecast.oddities import OUT_OF_PROPORTION, STILL_STEPS, odd, spiked, still, without_spikes

BUSY = np.random.default_rng(0).poisson(9.0, 100).astype(float)


def ending(value, n):
    return np.r_[BUSY, np.full(n, value)][None]


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (ending(5.0, STILL_STEPS), True),
        (ending(5.0, STILL_STEPS - 5), False),
        (ending(0.0, 60), False),
        (np.zeros((1, 60)), True),
        (np.full((1, 10), 4.0), False),
        (np.array([[np.nan] * 60 + [3.0]]), False),
        (BUSY[None], False),
    ],
)
def test_what_stands_still(y, told):
    assert still(y).tolist() == [told]


@given(st.integers(0, 99), st.floats(2, 1e9))
def test_a_spike_is_told_wherever_it_is(at, times):
    y = BUSY.copy()
    y[at] = times * OUT_OF_PROPORTION * np.delete(BUSY, at).mean()
    assert spiked(np.vstack([y, -y, BUSY])).tolist() == [True, True, False]


def test_rare_demands_are_no_spikes():
    y = np.zeros((1, 400))
    y[0, 150] = 3.0
    assert not odd(y).any()


def test_spikes_are_taken_for_the_figure_before():
    y = np.vstack([BUSY, BUSY, BUSY])
    y[0, [40, 70]] = 1e9, 1e5
    y[1, 0] = 1e7
    told = without_spikes(y)
    assert told[0, [40, 70]].tolist() == BUSY[[39, 69]].tolist()
    assert np.isnan(told[1, 0])
    np.testing.assert_array_equal(told[2], BUSY)
    np.testing.assert_array_equal(without_spikes(told), told)
    ongoing, last = np.zeros((2, 1, 60))
    ongoing[0, -3:], last[0, -1] = 500.0, 500.0
    np.testing.assert_array_equal(without_spikes(ongoing), ongoing)
    np.testing.assert_array_equal(without_spikes(last), np.zeros((1, 60)))
    short = np.array([[1.0, 1000.0]])
    np.testing.assert_array_equal(without_spikes(short), short)
