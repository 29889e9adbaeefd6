"""Intervals from past errors: as wide as promised for small series and large ones, whole bounds for counts only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.forecast.engine import run
from foretide.forecast.intervals import of_counts, pooled_quantiles, usual_change, whole
from foretide.schema import Panel


def test_coverage_holds_in_every_class_of_volume():
    rng = np.random.default_rng(0)
    mean = 5.0 * 2.0 ** (np.arange(90) // 15)[:, None]  # six classes of fifteen series
    week = 1 + 0.4 * np.sin(2 * np.pi * np.arange(320) / 7)
    y = rng.negative_binomial(8.0, 8.0 / (8.0 + mean * week)).astype(float)
    panel = Panel([f"s{i}" for i in range(90)], np.datetime64("2024-01-01") + np.arange(292), y[:, :292])
    for level, (lo, hi) in run(panel, 28, models=()).forecast.intervals.items():
        inside = ((lo <= y[:, 292:]) & (y[:, 292:] <= hi)).reshape(6, -1).mean(axis=1)
        np.testing.assert_allclose(inside, level / 100, atol=0.06)


def test_counts_are_told_from_amounts_series_by_series():
    y = np.array([[1.0, 2.0, 3.0], [1.0, 2.5, 3.0], [np.nan, 0.0, 7.0]])
    assert of_counts(y).tolist() == [True, False, True]
    point = np.array([[2.4], [2.4]])
    lo, hi = whole(point, {80: (point - 1, point + 1)}, np.array([True, False]))[80]
    np.testing.assert_allclose(lo[:, 0], [2.0, 1.4])
    np.testing.assert_allclose(hi[:, 0], [3.0, 3.4])


@given(st.lists(st.floats(0, 1e6), min_size=4, max_size=30))
def test_the_usual_change_of_a_series_is_its_own(other):
    counts = np.array([[3.0, 4.0] * 10])
    among = np.vstack([counts, np.resize(np.array(other) + 0.5, 20)])
    np.testing.assert_array_equal(usual_change(among, [20], 7)[0], usual_change(counts, [20], 7)[0])


def test_quantiles_are_those_of_all_errors_and_normal_without_any():
    errors = np.random.default_rng(1).normal(0, 2, (400, 8, 14))
    told = pooled_quantiles(errors, 20, [0.1, 0.9])
    assert told.shape == (2, 20)
    np.testing.assert_allclose(told, np.array([[-2.56], [2.56]]) * np.ones(20), atol=0.35)
    np.testing.assert_allclose(pooled_quantiles(errors[:, :0], 3, [0.975]), 1.96, atol=0.01)
    assert pooled_quantiles(errors, 20, [0.5])[0, -1] == pytest.approx(0, abs=0.3)
