"""The parts of a forecast add up to it, and are the planted ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foretide.forecast.parts import PARTS, parts, taken_apart
from foretide.schema import Forecast


def told(path):
    dates = np.datetime64("2025-01-01") + np.arange(path.shape[1])
    return Forecast([f"s{i}" for i in range(len(path))], dates, path, path)


@settings(deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.floats(0, 1e6)), st.integers(1, 12))
def test_they_add_up(path, season_length):
    table = parts(told(path), season_length)
    np.testing.assert_allclose(table.select(PARTS).to_numpy().sum(axis=1), table["median"], rtol=1e-9, atol=1e-6)


def test_a_line_with_a_season_is_taken_apart():
    steps = np.arange(28)
    season = np.array([3.0, -1, -1, -1, 0, 2, -2])
    path = (100 + 0.5 * steps + season[steps % 7])[None]
    level, trend, found = taken_apart(path, 7)
    np.testing.assert_allclose(found[0], season[steps % 7], atol=1e-9)
    np.testing.assert_allclose(np.diff(trend[0]), 0.5)
    assert level[0, 0] == pytest.approx(path.mean())


def test_a_level_alone_has_no_other_part():
    level, trend, season = taken_apart(np.full((2, 10), 7.0), 7)
    assert level.tolist() == [[7.0] * 10] * 2
    np.testing.assert_allclose([trend, season], 0.0, atol=1e-12)
