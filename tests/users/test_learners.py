"""Learners as models of users: known truth, longer horizons, and what is told where nothing can be learnt."""

import numpy as np
import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.users.estimators import LEARNERS, configured, signed_log, trained
from foretide.users.examples import feature_names
from foretide.users.learners import CLIP, LearnerModel
from foretide.users.rates import Rates
from users.visiting import HORIZON, seen_and_test


@pytest.mark.parametrize("learner", LEARNERS)
def test_chances_are_right_on_average(learner):
    seen, test = seen_and_test()
    told = LearnerModel(learner, HORIZON).fit(seen).predict(test)
    assert told["p_inactive"].mean() == pytest.approx(test["inactive"].mean(), abs=0.06)
    assert told["expected_active_days"].mean() == pytest.approx(test["active_days_ahead"].mean(), rel=0.3)


def test_a_longer_horizon_than_any_learnt_from_is_carried_on():
    seen, test = seen_and_test()
    short = seen.filter(pl.col("horizon_days") < HORIZON)
    further = LearnerModel("lightgbm", 4 * HORIZON).fit(short)
    asked = LearnerModel("lightgbm", HORIZON // 2).fit(short)
    assert further.carried_on_
    assert not asked.carried_on_
    assert (further.slopes_[0] < 0) & (further.predict(test)["p_inactive"] < asked.predict(test)["p_inactive"]).all()
    assert (further.predict(test)["expected_active_days"] > asked.predict(test)["expected_active_days"]).all()


def test_one_length_alone_says_nothing_about_others():
    seen, test = seen_and_test()
    one = LearnerModel("tree", 2 * HORIZON).fit(seen.filter(pl.col("horizon_days") == HORIZON))
    assert (one.slopes_ == 0).all()
    same = LearnerModel("tree", HORIZON).fit(seen.filter(pl.col("horizon_days") == HORIZON))
    assert one.predict(test)["p_inactive"].equals(same.predict(test)["p_inactive"])


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_gets_the_rates_of_stages(outcome):
    seen, test = seen_and_test()
    rows = seen.with_columns(inactive=pl.lit(outcome), active_days_ahead=pl.lit(0 if outcome else 2))
    model = LearnerModel("lightgbm", HORIZON).fit(rows)
    assert model.coarse(test)
    assert not model.coarse(test.clear())
    rates = np.clip(Rates().fit(rows).predict(test, HORIZON)[0], CLIP, 1 - CLIP)
    assert model.predict(test)["p_inactive"].to_numpy() == pytest.approx(rates)


def test_what_happens_ahead_is_no_feature():
    names = feature_names(seen_and_test()[0])
    assert not {"inactive", "eligible", "value", "active_days_ahead", "return_days", "horizon_days"} & set(names)
    assert {"active_days", "recency_days", "gap_slope_days"} <= set(names)


def test_another_seed_is_another_model():
    seen, test = seen_and_test()
    first, second = (LearnerModel("lightgbm", HORIZON, rng).fit(seen).predict(test) for rng in (1, 2))
    assert not first.equals(second)


def test_an_unknown_learner_is_refused():
    with pytest.raises(UsageError, match="no learner 'crystal ball'"):
        LearnerModel("crystal ball", 28)


def test_a_signed_log_is_odd_and_leaves_nan():
    told = signed_log(np.array([-np.e + 1, 0.0, np.e - 1, np.nan]))
    assert told[:3] == pytest.approx([-1, 0, 1])
    assert np.isnan(told[3])


def test_a_network_of_few_rows_learns_in_smaller_batches_and_says_nothing():
    x, y = np.random.default_rng(0).normal(size=(90, 4)), np.arange(90) % 2
    for batch_size in (64, 1024):
        untrained = configured(LEARNERS["mlp"].of_chance(0), {"batch_size": batch_size, "max_iter": 2})
        network = trained(untrained, x, y)
        assert network[-1].batch_size == 45
        assert network[-1].n_iter_ == 2  # the last round that was allowed, without a warning
