"""Expected value: decayed sums by hand, planted means found, shrinkage chosen by the past, nulls without values."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.value import KAPPAS, SPENDING, USUAL_KAPPA, ValueModel, spending

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
RULE = LifecycleRule()


def log(rows, timezone="UTC"):
    """Make a log of (user, days before AS_OF, value)."""
    events = [(user, AS_OF - timedelta(days=days), value) for user, days, value in rows]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "value": pl.Float64}
    return FrameBuckets(pl.DataFrame(events, schema=schema, orient="row"), timezone)


def table(spread, noise, n_users, n_days, rng):
    """Make what users with mean values of their own spent on their days so far, and in a horizon of ten days."""
    mean = rng.gamma(1 / spread**2, 20 * spread**2, n_users)
    so_far = mean * n_days + rng.normal(0, noise * np.sqrt(n_days), n_users)
    users = [f"u{i:05}" for i in range(n_users)]
    known = {"user_id": users, "as_of": [AS_OF] * n_users}
    known |= {f"days_{d}": np.full(n_users, float(n_days)) for d in (28, 84, 336)}
    known |= {f"value_{d}": so_far for d in (28, 84, 336)}
    ahead = {"user_id": users, "as_of": [AS_OF] * n_users}
    ahead |= {"value": 10 * mean + rng.normal(0, noise * np.sqrt(10), n_users)}
    columns = {name: known[name] for name in SPENDING}
    return pl.DataFrame(columns, schema=SPENDING), pl.DataFrame(ahead, schema_overrides={"as_of": SPENDING["as_of"]})


def test_days_and_value_are_decayed_by_age():
    spent = spending(log([("a", 28, 5.0), ("a", 28.1, 7.0), ("a", 84, 8.0), ("b", 0, 9.0)]), [AS_OF], RULE)
    assert spent["user_id"].to_list() == ["a"]
    row = spent.row(0, named=True)
    # 28 and 28.1 days ago are two local days: the first is a midnight
    assert row["days_28"] == pytest.approx(0.5 + 0.5 ** (28.1 / 28) + 0.125)
    assert row["value_84"] == pytest.approx(5 * 0.5 ** (1 / 3) + 7 * 0.5 ** (28.1 / 84) + 4)


def test_two_visits_on_a_day_are_one_active_day_as_old_as_the_last():
    row = spending(log([("a", 27.9, 5.0), ("a", 27.5, 7.0)]), [AS_OF], RULE).row(0, named=True)
    assert row["days_28"] == pytest.approx(0.5 ** (27.5 / 28))
    assert row["value_28"] == pytest.approx(12 * 0.5 ** (27.5 / 28))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 90), st.floats(-5, 50)), min_size=1, max_size=30))
def test_many_cutoffs_in_one_pass_equal_each_by_itself(rows):
    buckets = log(rows, "America/New_York")
    cutoffs = [AS_OF - timedelta(days=days) for days in (40, 17.3, 17.1, 0)]
    together = spending(buckets, cutoffs, RULE)
    apart = [spending(buckets, [cutoff], RULE) for cutoff in cutoffs]
    both = pl.concat(apart).sort("user_id", "as_of")
    assert together.select("user_id", "as_of").equals(both.select("user_id", "as_of"))
    assert together.drop("user_id", "as_of").to_numpy() == pytest.approx(both.drop("user_id", "as_of").to_numpy())


def test_nothing_after_a_cutoff_matters():
    before = [("a", 10, 5.0), ("b", 3, 2.0)]
    later = [*before, ("a", 0, 100.0), ("b", -1, 50.0), ("c", -2, 1.0)]
    assert spending(log(before), [AS_OF], RULE).equals(spending(log(later), [AS_OF], RULE))


@pytest.mark.parametrize(("noise", "best"), [(5.0, 1.0), (40.0, 16.0)])
def test_the_noisier_a_day_the_more_the_population_counts(noise, best):
    # Buehlmann and Straub: kappa = variance within / variance between; the means have variance 10 ** 2
    spent, ahead = table(0.5, noise, 6000, 6, np.random.default_rng(3))
    model = ValueModel().fit(ahead, np.full(6000, 10.0), spent)
    places = {kappa: place for place, kappa in enumerate(KAPPAS)}
    at_best = min(KAPPAS, key=lambda kappa: abs(np.log(kappa * 100 / noise**2)))
    assert abs(places[model.kappa_] - places[at_best]) <= 1
    assert abs(places[model.kappa_] - places[best]) <= 2


def test_planted_means_are_recovered_better_than_without_shrinkage():
    spent, ahead = table(0.5, 30.0, 4000, 6, np.random.default_rng(4))
    days = np.full(4000, 10.0)
    told = ValueModel().fit(ahead, days, spent).predict(ahead, days, spent)["expected_value"].to_numpy()
    plain = (spent["value_84"] / spent["days_84"] * 10).to_numpy()
    error, plain_error = (np.mean((x - ahead["value"].to_numpy()) ** 2) for x in (told, plain))
    assert error < 0.9 * plain_error
    assert told.sum() == pytest.approx(ahead["value"].sum(), rel=0.02)


def test_value_is_proportional_to_the_days_and_no_days_are_worth_nothing():
    spent, ahead = table(0.5, 10.0, 50, 6, np.random.default_rng(5))
    model = ValueModel().fit(ahead, np.full(50, 10.0), spent)
    one, two, none = (model.predict(ahead, np.full(50, days), spent)["expected_value"] for days in (1.0, 2.0, 0.0))
    assert two.to_numpy() == pytest.approx(2 * one.to_numpy())
    assert (none == 0).all()


def test_a_stranger_has_the_mean_of_the_population():
    spent = spending(log([("a", 1, 10.0), ("b", 1, 30.0)]), [AS_OF], RULE)
    empty = pl.DataFrame(schema={"user_id": pl.String, "as_of": SPENDING["as_of"], "value": pl.Float64})
    model = ValueModel().fit(empty, np.zeros(0), spent)
    assert model.kappa_ == USUAL_KAPPA
    told = model.predict(pl.DataFrame({"user_id": ["nobody", "b"]}), np.array([3.0, 1.0]), spent)
    assert told["value_a_day"][0] == pytest.approx(20)
    assert told["expected_value"][0] == pytest.approx(60)
    assert 20 < told["value_a_day"][1] < 30


def test_without_any_value_nothing_is_said():
    spent = spending(log([("a", 1, None), ("b", 40, None)]), [AS_OF, AS_OF - timedelta(days=30)], RULE)
    past = pl.DataFrame({"user_id": ["b"], "as_of": [AS_OF - timedelta(days=30)], "value": [0.0]})
    past = past.with_columns(pl.col("as_of").cast(SPENDING["as_of"]))
    model = ValueModel().fit(past, np.ones(1), spent)
    told = model.predict(pl.DataFrame({"user_id": ["a", "b"]}), np.ones(2), spent.filter(pl.col("as_of") == AS_OF))
    assert told["expected_value"].null_count() == 2


def test_only_critical_events_count():
    buckets = log([("a", 1, 10.0), ("a", 2, 30.0)])
    typed = FrameBuckets(buckets.frame.with_columns(event_type=pl.Series(["view", "purchase"])))
    spent = spending(typed, [AS_OF], LifecycleRule(critical_events=("purchase",)))
    assert spent["value_336"][0] == pytest.approx(30 * 0.5 ** (2 / 336))
