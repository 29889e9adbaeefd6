"""Next stages: nothing impossible has a chance, they agree with the chance of no activity, and learn a planted rule."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import STAGES
from foretide.users.backtest import MODEL, trial
from foretide.users.examples import examples
from foretide.users.next_stage import CHANCES, NextStageModel, TransitionRates, codes, stages_ahead, with_stages_ahead
from foretide.users.next_stage_bounds import possible
from foretide.users.next_stage_scores import STATIC, STAYS, stage_backtest, stage_quality

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = BEGIN + timedelta(days=200)
RULE = LifecycleRule()


def visitors(n_users, rng, n_days=230):
    """Make users with rates of their own who pause now and then for weeks."""
    rows = []
    for user in range(n_users):
        rate, joined = rng.beta(0.6, 3), rng.integers(0, n_days - 20)
        there = rng.random(n_days) < rate
        for pause in rng.integers(0, n_days, 2):
            there[pause : pause + rng.integers(5, 60)] = False
        there[:joined], there[joined] = False, True
        rows += [(f"u{user:04}", BEGIN + timedelta(days=float(day + rng.random()))) for day in np.flatnonzero(there)]
    frame = pl.DataFrame(rows, schema={"user_id": pl.String, "ts": pl.Datetime("us", "UTC")}, orient="row")
    return FrameBuckets(frame.with_columns(value=1.0, event_type=pl.lit("view"), category=pl.lit("x")))


@pytest.fixture(scope="module")
def log():
    return visitors(1500, np.random.default_rng(1))


def rows_of(log, pairs):
    return with_stages_ahead(examples(log, pairs, RULE), log, pairs, RULE)


def taught(log, horizon_days):
    test = trial(BEGIN, AS_OF, horizon_days, "UTC")
    rows = rows_of(log, test.pairs)
    return rows, test


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from([1, 3, 7, 13, 14, 15, 20, 27, 28, 29, 40, 60, 90]))
def test_whatever_happens_was_possible(seed, horizon_days):
    log = visitors(150, np.random.default_rng(seed), n_days=200)
    rows = rows_of(log, [(BEGIN + timedelta(days=back), horizon_days) for back in (30, 75, 105)])
    for came in (True, False):
        part = rows.filter(pl.col("inactive") != came)
        reach = possible(part, horizon_days, RULE, came=came)
        assert reach[np.arange(part.height), codes(part["stage_ahead"])].all()


def test_of_a_horizon_of_the_churned_gap_exactly_the_inactive_are_churned(log):
    rows = rows_of(log, [(BEGIN + timedelta(days=day), 28) for day in (60, 120)])
    assert (rows["inactive"] == (rows["stage_ahead"] == "churned")).all()


@pytest.mark.parametrize("horizon_days", [10, 20, 28, 45])
def test_chances_add_to_one_and_agree_with_the_chance_of_no_activity(log, horizon_days):
    rows, test = taught(log, horizon_days)
    users = rows.filter(pl.col("as_of") == test.test[0])
    p_inactive = np.random.default_rng(2).random(users.height)
    chances = NextStageModel(horizon_days).fit(rows).predict(users, p_inactive)
    assert chances.columns == list(CHANCES)
    assert chances.sum_horizontal().to_numpy() == pytest.approx(1)
    churned = chances["p_churned"].to_numpy()
    if horizon_days == 28:
        assert churned == pytest.approx(p_inactive)
    elif horizon_days > 28:
        assert (churned >= p_inactive - 1e-12).all()
        assert (churned > p_inactive + 1e-3).any()
    else:
        assert (churned <= p_inactive + 1e-12).all()
        young = (users["recency_days"] + horizon_days + 1 < 28).to_numpy()
        assert young.any()
        assert (churned[young] == 0).all()


def test_nobody_is_new_again_and_an_old_user_never_is(log):
    rows, test = taught(log, 28)
    users = rows.filter(pl.col("as_of") == test.test[0])
    told = NextStageModel(28).fit(rows).predict(users, np.full(users.height, 0.3))
    assert (told["p_new"] == 0).all()


def test_nothing_after_as_of_matters(log):
    test = trial(BEGIN, AS_OF, 28, "UTC")
    cut = FrameBuckets(log.frame.filter(pl.col("ts") < AS_OF))
    users = feature_table(cut, [AS_OF], RULE)
    p = np.full(users.height, 0.4)
    told = [NextStageModel(28).fit(rows_of(seen, test.pairs)).predict(users, p) for seen in (log, cut)]
    assert told[0].equals(told[1])


def test_prediction_goes_row_by_row(log):
    rows, test = taught(log, 28)
    model = NextStageModel(28).fit(rows)
    users = rows.filter(pl.col("as_of") == test.test[0])
    p = np.linspace(0, 1, users.height)
    backwards = model.predict(users.reverse(), p[::-1]).reverse()
    assert model.predict(users, p).to_numpy() == pytest.approx(backwards.to_numpy())


def test_it_tells_more_than_the_stage_does(log):
    rows, test = taught(log, 28)
    loss = dict(
        stage_backtest(rows, test, NextStageModel(28))
        .filter(pl.col("stage") == "all")
        .select("model", "log_loss")
        .iter_rows()
    )
    assert loss[MODEL] < 0.97 * loss[STATIC] < loss[STAYS]


def test_a_stage_that_never_occurred_keeps_a_small_chance_where_it_is_possible(log):
    rows, test = taught(log, 28)
    never = rows.filter((pl.col("stage_ahead") != "resurrected") | (pl.col("as_of") == test.test[0]))
    users = rows.filter(pl.col("as_of") == test.test[0])
    told = NextStageModel(28).fit(of_training(never, test)).predict(users, np.full(users.height, 0.2))
    within = pl.Series(possible(users, 28, RULE, came=True)[:, STAGES.index("resurrected")])
    assert told.filter(within)["p_resurrected"].is_between(1e-7, 0.05).all()
    assert (told.filter(~within)["p_resurrected"] == 0).all()


def of_training(rows, test):
    return rows.filter(pl.col("as_of") < test.test[0])


def test_few_examples_fall_back_to_the_rates_of_the_stage(log):
    rows, test = taught(log, 28)
    few = of_training(rows, test).filter(pl.col("horizon_days") == 28).head(20)
    users = rows.filter(pl.col("as_of") == test.test[0])
    model = NextStageModel(28).fit(few)
    assert model.coarse(users)
    given_ = model.given(users, came=True)
    reach = possible(users, 28, RULE, came=True)
    rates = model.rates_[True].matrix_[codes(users["stage"])] * reach
    assert given_ == pytest.approx(rates / rates.sum(axis=1, keepdims=True))


def test_a_longer_horizon_than_was_learnt_still_agrees(log):
    rows, test = taught(log, 28)
    users = rows.filter(pl.col("as_of") == test.test[0])
    p = np.full(users.height, 0.3)
    told = NextStageModel(90).fit(of_training(rows, test)).predict(users, p)
    assert told.sum_horizontal().to_numpy() == pytest.approx(1)
    assert (told["p_churned"] >= 0.3).all()
    assert (told["p_new"] == 0).all()


def test_stages_ahead_are_those_of_the_feature_table(log):
    cutoff = BEGIN + timedelta(days=90)
    ahead = stages_ahead(log, [(cutoff, 20), (cutoff, 7)], RULE)
    table = feature_table(log, [cutoff + timedelta(days=21)], RULE).select("user_id", "stage")
    both = ahead.filter(pl.col("horizon_days") == 20).join(table, on="user_id")
    assert both.height == table.height
    assert (both["stage"] == both["stage_ahead"]).all()


def test_static_rates_recover_a_planted_chain():
    rng = np.random.default_rng(4)
    chain = rng.dirichlet(np.ones(6), 6)
    now = rng.integers(0, 6, 60_000)
    ahead = (rng.random((now.size, 1)) > chain[now].cumsum(axis=1)).sum(axis=1)
    assert TransitionRates().fit(now, ahead).matrix_ == pytest.approx(chain, abs=0.02)


def test_scores_of_a_case_counted_by_hand():
    seen = pl.DataFrame({"stage": ["active"] * 3 + ["new"], "stage_ahead": ["active", "active", "churned", "active"]})
    p = np.zeros((4, 6))
    p[:, STAGES.index("active")], p[:, STAGES.index("churned")] = 0.25, 0.75
    p[0] = p[0][[0, 1, 5, 3, 4, 2]]  # the first is told to be active
    table = stage_quality(seen, {"m": p})
    whole = table.filter(pl.col("stage") == "all").row(0, named=True)
    assert whole["log_loss"] == pytest.approx(-(2 * np.log(0.75) + 2 * np.log(0.25)) / 4)
    assert whole["accuracy"] == 0.5
    churned = table.filter(pl.col("stage") == "churned").row(0, named=True)
    assert (churned["n"], churned["n_ahead"], churned["log_loss"]) == (0, 1, None)
    assert (churned["precision"], churned["recall"], churned["f1"]) == pytest.approx((1 / 3, 1, 0.5))
    assert whole["f1"] == pytest.approx((0.5 + 2 * 1 / (1 + 3)) / 2)
    resurrected = table.filter(pl.col("stage") == "resurrected").row(0, named=True)
    assert (resurrected["precision"], resurrected["recall"], resurrected["f1"]) == (None, None, None)
