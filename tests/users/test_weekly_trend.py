"""Trends of weekly figures: clear ones go on for a while, chance does not, weights add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.users.weekly_trend import (
    CARRIED_WEEKS,
    LEAST_WEEKS,
    N_WEEKS,
    STEEPEST,
    as_weeks,
    growth_ahead,
    ratio,
    week_weights,
    weekday_factors,
)

WEEK = np.arange(N_WEEKS) - (N_WEEKS - 1.0)


def test_a_straight_line_goes_on_for_some_weeks_and_stays_there():
    growth = growth_ahead(0.02 * WEEK[None], np.zeros(1), 70)[0]
    mean = 0.02 * (week_weights(N_WEEKS) @ WEEK)
    assert mean + growth[[0, 7, 27, 69]] == pytest.approx(0.02 * np.array([1, 2, CARRIED_WEEKS, CARRIED_WEEKS]))


def test_the_slope_of_chance_is_hardly_believed():
    noise = 0.1 * np.random.default_rng(0).normal(size=(500, N_WEEKS))
    told = growth_ahead(noise, np.full(500, 0.01), 28)[:, -1]
    bold = growth_ahead(noise + WEEK, np.full(500, 0.01), 28)[:, -1]
    assert np.abs(told).mean() < 0.05
    assert (bold == STEEPEST).all()


@pytest.mark.parametrize("n_weeks", range(LEAST_WEEKS))
def test_too_few_weeks_have_no_trend(n_weeks):
    assert (growth_ahead(np.arange(n_weeks, dtype=float)[None], np.zeros(1), 9) == 0).all()


@given(st.integers(1, 20))
@settings(max_examples=20)
def test_later_weeks_count_more(n_weeks):
    weights = week_weights(n_weeks)
    assert weights.sum() == pytest.approx(1)
    assert (np.diff(weights) > 0).all()


@given(st.integers(0, 90))
@settings(max_examples=30)
def test_weeks_end_with_the_last_day(n_days):
    weeks = as_weeks(np.arange(n_days, dtype=float))
    assert weeks.shape == (min(n_days // 7, N_WEEKS), 7)
    assert weeks.size == 0 or weeks[-1, -1] == n_days - 1


def test_weekdays_are_told_of_many_and_not_of_few():
    lively = np.array([1.0, 1, 1, 1, 1, 2, 2])
    assert weekday_factors(1e6 * lively, np.ones(7)) == pytest.approx(7 * lively / 9, rel=1e-3)
    assert weekday_factors(0.1 * lively, np.ones(7)) == pytest.approx(1, abs=0.01)
    assert (weekday_factors(np.zeros(7), np.zeros(7)) == 1).all()
    assert ratio(np.zeros(1), np.zeros(1)) == 1
