"""Rolling cut-offs: nothing of a fold comes after what it may know."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foretide.tune.folds import FOLDS, cutoff_of_test, n_folds_and_days, rolling_folds
from foretide.users.backtest import trial
from foretide.users.cutoffs import CLOCK_CHANGE, horizon

FIRST = datetime(2024, 1, 1, 9, 30, tzinfo=UTC)


@given(st.integers(0, 500), st.integers(0, 23), st.integers(1, 300), st.sampled_from(["UTC", "Africa/Cairo"]))
@example(396, 0, 120, "Africa/Cairo")  # the last fold has just the days it needs, and the clocks changed in them
def test_each_fold_learns_from_what_was_over_and_is_judged_before_the_test(history_days, hour, horizon_days, zone):
    until = FIRST + timedelta(days=history_days, hours=hour)
    folds = rolling_folds(FIRST, until, horizon_days, zone)
    for training, (cutoff, days) in folds:
        assert horizon(cutoff, days, zone)[1] <= until
        assert all(c > FIRST and horizon(c, d, zone)[1] <= cutoff for c, d in training)
        assert max(d for _, d in training) == days <= horizon_days
    if folds:
        assert until - horizon(*folds[0].validation, zone)[1] <= CLOCK_CHANGE
        cutoffs = [fold.validation[0] for fold in folds]
        weeks = [(later - earlier) / timedelta(weeks=1) for later, earlier in pairwise(cutoffs)]
        assert all(week > 0.99 and abs(week - round(week)) < 0.01 for week in weeks)


@given(st.integers(1, 200))
def test_a_long_log_has_all_folds_on_horizons_that_do_not_overlap(horizon_days):
    folds = rolling_folds(FIRST, FIRST + timedelta(days=100 + 7 * horizon_days), horizon_days, "UTC")
    assert len(folds) == FOLDS
    for later, earlier in pairwise(folds):
        assert horizon(*earlier.validation, "UTC")[1] <= later.validation[0] + timedelta(days=1)


@pytest.mark.parametrize(("history_days", "folds"), [(4, 0), (6, 1), (21, 1), (38, 2), (60, 3)])
def test_short_logs_have_fewer_folds(history_days, folds):
    assert len(rolling_folds(FIRST, FIRST + timedelta(days=history_days), 28, "UTC")) == folds


def test_a_horizon_that_does_not_fit_is_shortened_alike_for_learning_and_judging():
    assert n_folds_and_days(273, 273) == (3, 114)  # 273 = 28 + 2 (1 + 114) + 14 + 1


@given(st.integers(0, 100_000), st.integers(1, 300))
def test_the_test_cutoff_is_that_of_the_backtest(hours, horizon_days):
    as_of = FIRST + timedelta(hours=hours)
    for timezone in ("UTC", "America/New_York"):
        assert cutoff_of_test(as_of, horizon_days, timezone) == trial(FIRST, as_of, horizon_days, timezone).test[0]
