"""What models are judged on: the test cut-off is never seen, and the mark tells data and settings apart."""

from datetime import timedelta

import polars as pl
import pytest

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.tune.exam import exam
from foretide.tune.folds import cutoff_of_test
from tune.visits import START, log, visits

AS_OF = START + timedelta(days=120)
HORIZON = 14
RULE = LifecycleRule()
UNTIL = cutoff_of_test(AS_OF, HORIZON, "UTC")


@pytest.fixture(scope="module")
def asked():
    return exam(log(), AS_OF, HORIZON, RULE)


def changed_after(moment):
    """The same log up to a moment, and another world from then on."""
    before = visits().filter(pl.col("ts") < moment)
    other = visits(n_users=400, seed=9).filter(pl.col("ts") >= moment)
    return FrameBuckets(pl.concat([before, other]))


def test_nothing_from_the_test_cutoff_on_changes_anything(asked):
    other = exam(changed_after(UNTIL), AS_OF, HORIZON, RULE)
    assert other.mark == asked.mark
    assert other.horizon_days == asked.horizon_days
    for fold in range(len(asked.folds)):
        assert all(a.equals(b) for a, b in zip(asked.folds[fold], other.folds[fold], strict=True))
    assert [other.loss(0, "glm", {})] == [asked.loss(0, "glm", {})]


def test_what_comes_before_the_test_cutoff_does_change_it(asked):
    other = exam(changed_after(UNTIL - timedelta(days=1)), AS_OF, HORIZON, RULE)
    assert other.mark.until == asked.mark.until
    assert other.mark.data != asked.mark.data


def test_the_mark_stands_for_the_settings_too(asked):
    other = exam(log(), AS_OF, HORIZON, LifecycleRule(window_days=5))
    assert other.mark.settings != asked.mark.settings
    assert exam(log(), AS_OF, HORIZON, RULE).mark == asked.mark


def test_each_fold_learns_before_it_is_judged(asked):
    for seen, ahead in asked.folds:
        over = seen.select(pl.col("as_of") + pl.duration(days=pl.col("horizon_days") + 1)).to_series()
        assert over.max() <= ahead["as_of"].min()
        assert ahead["as_of"].max() + timedelta(days=1 + HORIZON) <= UNTIL
        assert ahead["horizon_days"].unique().to_list() == [HORIZON]


def test_a_short_log_and_a_horizon_of_no_days_are_refused():
    with pytest.raises(NotEnoughDataError, match="14"):
        exam(log(n_days=18), START + timedelta(days=18), HORIZON, RULE)
    with pytest.raises(NotEnoughDataError):
        exam(log(), START - timedelta(days=18), HORIZON, RULE)
    with pytest.raises(UsageError, match="horizon is 0 days"):
        exam(log(), AS_OF, 0, RULE)
