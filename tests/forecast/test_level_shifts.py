"""Level shifts: a planted one is found, its past brought to the new level; what passes or comes every year is none."""

import numpy as np
import pytest

from foretide.forecast.level_shifts import Relevelled, level_shifts, relevelled
from foretide.forecast.smoothing import HoltWinters

WEEK = np.array([1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.3])


def steady(n_series=60, n_steps=420, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(50.0 * WEEK[np.arange(n_steps) % 7], (n_series, n_steps)).astype(float)


@pytest.mark.parametrize(("weeks", "factor"), [(2, 0.5), (4, 2.0), (6, 0.5)])
def test_a_planted_step_is_found_where_it_is(weeks, factor):
    y = steady()
    y[:, -7 * weeks :] *= factor
    since, shift = level_shifts(y, 7)
    assert (since == weeks).mean() > 0.9
    assert np.median(shift) == pytest.approx(np.log(factor), abs=0.05)


def test_steady_series_have_none():
    found = [level_shifts(steady(seed=seed), 7)[0] for seed in range(5)]
    assert np.mean([since > 0 for since in found]) < 0.01


def test_a_passing_week_and_a_slow_slide_are_no_steps():
    y = steady()
    y[:, -21:-14] *= 3
    assert not level_shifts(y, 7)[0].any()
    slide = steady() * np.linspace(2.0, 1.0, 420)
    assert (level_shifts(slide, 7)[0] > 0).mean() < 0.02


def test_what_came_a_year_before_too_is_a_season():
    y = steady(n_steps=52 * 7 * 2)
    for end in (52 * 7 * 2, 52 * 7):
        y[:, end - 21 : end] *= 2
    assert not level_shifts(y, 7)[0].any()


def test_forecasts_go_on_at_the_new_level_and_nothing_else_changes():
    y = steady(40)
    stepped = y.copy()
    stepped[:20, -14:] *= 0.5
    plain = HoltWinters()
    told = Relevelled(plain, 7).ahead(stepped, [300, 420], 14)
    np.testing.assert_array_equal(told.median[20:], plain.ahead(stepped[20:], [300, 420], 14).median)
    np.testing.assert_array_equal(told.median[:, 0], plain.ahead(stepped, [300], 14).median[:, 0])
    expected = 25.0 * WEEK[np.arange(420, 434) % 7]
    error = np.abs(told.median[:20, 1] - expected).mean()
    assert error < 0.7 * np.abs(plain.ahead(stepped[:20], [420], 14).median[:, 0] - expected).mean()


def test_the_past_is_brought_to_the_level_after():
    y = np.full((1, 30), 9.0)
    moved = relevelled(y, np.array([10]), np.array([np.log(2.0)]))
    np.testing.assert_allclose(moved[0, :20], 19.0)
    np.testing.assert_array_equal(moved[0, 20:], 9.0)
