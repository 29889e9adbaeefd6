"""The activity model: laws of its answers, known truth, and what it falls back on."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.schema import STAGES
from foretide.users import activity
from foretide.users.activity import ActivityModel
from foretide.users.covariates import LOGGED, covariates
from foretide.users.logistic import logistic
from foretide.users.rates import PRIOR_USERS, Rates, expected_days

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
HORIZON = 28


def users(n, rng, stages=STAGES[:5]):
    """Make a feature table of users who are active on a share of the days, their last month as before."""
    rate = rng.beta(0.7, 3, n)  # chance of activity on a day
    tenure = rng.integers(60, 300, n)
    columns = {name: rng.random(n) for name in LOGGED}
    columns |= {"tenure_days": tenure, "active_days": rng.binomial(tenure, rate)}
    columns |= {f"active_days_{days}": rng.binomial(days, rate) for days in (7, 28, 56)}
    columns |= {f"events_decayed_{days}": days * rate / np.log(2) for days in (7, 28, 84)}
    columns |= {"recency_days": rng.geometric(rate), "n_events": columns["active_days"]}
    columns |= {"gap_mean_days": np.where(rng.random(n) < 0.1, np.nan, 1 / rate)}
    table = pl.DataFrame(columns).with_columns(
        pl.Series("user_id", [f"u{i:05}" for i in range(n)]),
        pl.Series("stage", rng.choice(stages, n)),
        pl.lit(AS_OF - timedelta(days=HORIZON + 1)).alias("as_of"),
    )
    return table, rate


def with_outcome(table, rate, rng, days=HORIZON):
    """Add what the users do in a horizon: active on each day with their chance."""
    came = rng.random((len(rate), days)) < rate[:, None]
    active = came.sum(axis=1)
    return table.with_columns(
        pl.Series("inactive", active == 0),
        pl.Series("active_days_ahead", active),
        pl.Series("return_days", np.where(active, came.argmax(axis=1), -1)).replace(-1, None),
        pl.lit(days, pl.Int32).alias("horizon_days"),
        (pl.col("stage") != "churned").alias("eligible"),
    )


@pytest.fixture(scope="module")
def learnt():
    rng = np.random.default_rng(3)
    examples = pl.concat(with_outcome(*users(4000, rng), rng, days) for days in (7, 14, HORIZON))
    return ActivityModel(HORIZON).fit(examples)


def test_known_chances_and_active_days_are_recovered(learnt):
    table, rate = users(4000, np.random.default_rng(4))
    told = learnt.predict(table)
    truth = (1 - rate) ** HORIZON
    p = told["p_inactive"].to_numpy()
    assert p.mean() == pytest.approx(truth.mean(), abs=0.02)
    assert np.abs(p - truth).mean() < 0.05
    for group in np.array_split(np.argsort(p), 10):
        assert p[group].mean() == pytest.approx(truth[group].mean(), abs=0.05)
    days = told["expected_active_days"].to_numpy()
    assert days.mean() == pytest.approx(HORIZON * rate.mean(), rel=0.03)
    assert np.abs(days - HORIZON * rate).mean() < 1.0


def test_expected_days_lie_between_the_chance_of_any_and_the_horizon(learnt):
    told = learnt.predict(users(500, np.random.default_rng(5))[0])
    p, days = told["p_inactive"].to_numpy(), told["expected_active_days"].to_numpy()
    assert ((p >= 0) & (p <= 1) & (days >= 1 - p) & (days <= HORIZON)).all()


def test_a_longer_horizon_has_more_days_and_less_chance_of_none(learnt):
    table, _ = users(300, np.random.default_rng(12), stages=STAGES)
    told = [learnt.predict_for(table, days) for days in range(1, 3 * HORIZON, 4)]
    p, days = (np.array([answer[name] for answer in told]) for name in told[0].columns)  # (n_horizons, n_users)
    assert (np.diff(p, axis=0) <= 1e-12).all()
    assert (np.diff(days, axis=0) >= -1e-12).all()
    assert (np.abs(np.diff(days, n=2, axis=0)) < 0.5).all()  # smooth
    assert learnt.predict_for(table, HORIZON).equals(learnt.predict(table))


def test_shorter_horizons_are_told_by_the_model_of_the_longest(learnt):
    table, rate = users(4000, np.random.default_rng(13))
    for horizon in (7, 10, 20):
        told = learnt.predict_for(table, horizon)
        assert told["p_inactive"].mean() == pytest.approx(((1 - rate) ** horizon).mean(), abs=0.02)
        assert told["expected_active_days"].mean() == pytest.approx(horizon * rate.mean(), rel=0.04)


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_horizons_shorter_than_all_learnt_from_are_told_by_the_hazard_of_the_return(learnt, horizon):
    table, rate = users(4000, np.random.default_rng(15))
    told = learnt.predict_for(table, horizon)
    truth = (1 - rate) ** horizon
    p = told["p_inactive"].to_numpy()
    assert p.mean() == pytest.approx(truth.mean(), abs=0.02)
    assert np.abs(p - truth).mean() < 0.05
    assert told["expected_active_days"].sum() == pytest.approx(horizon * rate.sum(), rel=0.05)


def test_chances_that_would_rise_with_the_horizon_are_held():
    """Here who was seen for longer came less: the regressions alone would tell less of a longer horizon."""
    rng = np.random.default_rng(14)
    table, rate = users(1500, rng)
    model = ActivityModel(HORIZON).fit(
        pl.concat([with_outcome(table, rate, rng, 7), with_outcome(table, rate**3, rng, HORIZON)])
    )
    short, long = (model.predict_for(table, days) for days in (7, HORIZON))
    assert (long["p_inactive"] <= short["p_inactive"] + 1e-12).all()
    assert (long["expected_active_days"] >= short["expected_active_days"] - 1e-12).all()


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 400))
def test_expected_days_keep_their_bounds_whatever_the_parts(p, filled, days):
    expected = expected_days(np.array([p]), np.array([filled]), days)[0]
    assert 1 - p - 1e-12 <= expected <= days + 1e-9


def test_an_extreme_user_still_has_a_chance(learnt):
    table, _ = users(2, np.random.default_rng(6))
    extreme = table.with_columns(
        recency_days=pl.lit(5000.0),
        n_events=pl.lit(10**7),
        value_decayed_28=pl.lit(-(10.0**9)),
        gap_std_days=pl.lit(np.nan),
    )
    assert np.isfinite(covariates(extreme.with_columns(horizon_days=HORIZON), HORIZON, AS_OF)).all()
    told = learnt.predict(extreme)
    assert told["p_inactive"].is_between(0, 1).all()
    assert told["expected_active_days"].is_between(0, HORIZON).all()


def test_prediction_goes_row_by_row(learnt):
    table, _ = users(50, np.random.default_rng(7), stages=STAGES)
    whole = learnt.predict(table)
    backwards = learnt.predict(table.reverse()).reverse()
    assert whole.to_numpy() == pytest.approx(backwards.to_numpy())
    assert learnt.predict(table[:1]).to_numpy() == pytest.approx(whole[:1].to_numpy())


def test_a_logistic_regression_of_shares_equals_one_of_repeated_trials():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(300, 2))
    wins = rng.binomial(4, 1 / (1 + np.exp(-x[:, 0])))
    repeated = np.repeat(x, 4, axis=0)
    trials = (np.arange(4) < wins[:, None]).ravel().astype(float)
    plain = logistic(repeated, trials, penalty_c=0.01).predict_proba(x)[:, 1]
    weighted = logistic(x, wins / 4, penalty_c=0.04)  # a fourth of the rows
    assert weighted.predict_proba(x)[:, 1] == pytest.approx(plain, abs=1e-6)


def test_a_stronger_penalty_draws_chances_together():
    rng = np.random.default_rng(11)
    table, rate = users(600, rng)
    rows = with_outcome(table, rate, rng)
    spread = [ActivityModel(HORIZON, penalty_c=c).fit(rows).predict(table)["p_inactive"].std() for c in (1e-6, 0.01, 1)]
    assert spread == sorted(spread)
    assert spread[0] < 0.3 * spread[1]


def test_too_few_churned_users_get_the_rate_of_their_stage():
    rng = np.random.default_rng(9)
    table, rate = users(600, rng)
    churned = users(5, rng, stages=["churned"])[0]
    gone = with_outcome(churned, np.zeros(5), rng)
    model = ActivityModel(HORIZON).fit(pl.concat([with_outcome(table, rate, rng), gone]))
    assert model.coarse(churned)
    assert not model.coarse(table)
    told = model.predict(churned)["p_inactive"]
    assert told.n_unique() == 1
    idle = model.rates_.population_[0]
    assert told[0] == pytest.approx((5 + PRIOR_USERS * idle) / (5 + PRIOR_USERS))


def test_one_outcome_only_is_no_certainty():
    rng = np.random.default_rng(10)
    table, _ = users(40, rng)
    told = ActivityModel(HORIZON).fit(with_outcome(table, np.ones(40), rng)).predict(table)
    assert told["p_inactive"].is_between(0.001, 0.2).all()
    assert told["expected_active_days"].is_between(20, HORIZON).all()


def test_rates_are_shrunk_means_by_group():
    rows = pl.DataFrame(
        {
            "stage": ["new"] * 3 + ["active"] * 2,
            "inactive": [True, True, False, False, False],
            "active_days_ahead": [0, 0, 1, 7, 4],
            "horizon_days": [7] * 5,
        }
    )
    p, filled = Rates().fit(rows).predict(pl.DataFrame({"stage": ["active", "new", "growing"]}), 7)
    everyone = ((2 + 0.5 * 2) / 7, (0 + 1 + 0.5) / 5)  # with a uniform prior
    assert p == pytest.approx([everyone[0] * 10 / 12, (2 + everyone[0] * 10) / 13, everyone[0]])
    assert filled == pytest.approx([(1.5 + everyone[1] * 10) / 12, everyone[1] * 10 / 11, everyone[1]])


def test_the_churned_are_told_as_those_at_risk_where_none_was_seen():
    rows = pl.DataFrame({"stage": ["active"] * 50 + ["at_risk"] * 20, "inactive": [False] * 50 + [True] * 20})
    rows = rows.with_columns(active_days_ahead=pl.lit(0), horizon_days=pl.lit(1))
    asked = pl.DataFrame({"stage": ["at_risk", "churned", "active"]})
    at_risk, churned, active = Rates().fit(rows).predict(asked, 1)[0]
    assert active < at_risk == churned
    seen = pl.concat([rows, rows.filter(stage="active").with_columns(stage=pl.lit("churned"))])
    assert Rates().fit(seen).predict(asked, 1)[0][1] < at_risk


def test_rates_for_a_longer_horizon_keep_the_hazard():
    rows = pl.DataFrame({"stage": ["new"] * 8, "inactive": [True, False] * 4, "active_days_ahead": [0, 1] * 4})
    rates = Rates(None).fit(rows.with_columns(horizon_days=pl.lit(14)))
    assert rates.predict(rows, 28)[0] == pytest.approx(rates.predict(rows, 14)[0] ** 2)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31))
def test_the_thinning_of_large_sets_is_repeatable(seed):
    frame = pl.DataFrame({"row": np.arange(activity.TRAINING_ROWS + 7)})
    first, again = (activity.thinned(frame, np.random.default_rng(seed)) for _ in range(2))
    assert first.equals(again)
    assert first.height == activity.TRAINING_ROWS
    assert first["row"].is_sorted()
    assert first["row"].n_unique() == activity.TRAINING_ROWS
