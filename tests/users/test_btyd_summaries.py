"""Sufficient statistics against a plain re-count, and the models as members beside others."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.users.btyd import BUY_TILL_YOU_DIE, BetaGeoNBD
from foretide.users.btyd_summaries import SUMMARY, condensed, exceeding, summaries, summaries_of
from foretide.users.cutoffs import LEAD_DAYS

START = datetime(2024, 1, 1, tzinfo=UTC)
RULE = LifecycleRule(critical_events=("buy",))
EVENT = st.tuples(st.sampled_from("abc"), st.integers(0, 24 * 120), st.sampled_from(["buy", "view"]))


def log(events, timezone="UTC"):
    rows = [(user, START + timedelta(hours=hours), kind, 1.0) for user, hours, kind in events]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "event_type": pl.String, "value": pl.Float64}
    return FrameBuckets(pl.DataFrame(rows, schema=schema, orient="row"), timezone)


def recounted(events, as_of, zone):
    today = (as_of - timedelta(microseconds=1)).astimezone(zone).date()
    told = {}
    for user in {event[0] for event in events}:
        moments = [START + timedelta(hours=h) for who, h, kind in events if who == user and kind == "buy"]
        days = sorted({ts.astimezone(zone).date() for ts in moments if ts < as_of})
        if days:
            told[user] = (len(days) - 1, (days[-1] - days[0]).days, (today - days[0]).days)
    return told


@settings(max_examples=60)
@given(st.lists(EVENT, max_size=40), st.integers(0, 24 * 120), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_summaries_equal_a_plain_recount(events, hours, timezone):
    as_of = START + timedelta(hours=hours)
    table = summaries(log(events, timezone), as_of, RULE)
    assert table.schema == SUMMARY
    told = {user: (x, recency, age) for user, x, recency, age in table.iter_rows()}
    assert told == recounted(events, as_of, ZoneInfo(timezone))


@settings(max_examples=60)
@given(st.lists(EVENT, min_size=1, max_size=40), st.integers(1, 120))
def test_a_feature_table_tells_the_same_at_midnight(events, days):
    as_of = START + timedelta(days=days)
    users = feature_table(log(events), [as_of], RULE)
    told = users.select("user_id").hstack(summaries_of(users)).sort("user_id")
    assert told.equals(summaries(log(events), as_of, RULE).sort("user_id"))


def test_later_events_change_nothing():
    events = [("a", 5, "buy"), ("a", 300, "buy"), ("b", 40, "buy")]
    as_of = START + timedelta(days=30)
    later = [*events, ("a", 24 * 30, "buy"), ("c", 24 * 40, "buy")]
    assert summaries(log(events), as_of).sort("user_id").equals(summaries(log(later), as_of).sort("user_id"))


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.5, 3)), min_size=1), st.floats(0.1, 9))
def test_rising_factorials_are_summed_by_exceedance(users, z):
    counts, weight = np.array(users).T
    exceed = exceeding(counts, weight)
    plain = sum(w * sum(np.log(z + i) for i in range(int(x))) for x, w in users)
    assert exceed @ np.log(z + np.arange(exceed.size)) == pytest.approx(plain)


def test_condensing_keeps_all_users():
    rows = pl.DataFrame({"frequency": [0, 0, 1], "recency": [0.0, 0.0, 2.0], "age": [9.0, 9.0, 9.0]})
    once = condensed(rows)
    assert once["weight"].to_list() == [2.0, 1.0]
    assert condensed(pl.concat([once, once]))["weight"].to_list() == [4.0, 2.0]


@pytest.fixture(scope="module")
def shop():
    rng = np.random.default_rng(1)
    gaps = rng.exponential(24 * rng.gamma(1.0, 12.0, 400)[:, None] + 20, (400, 30)).cumsum(axis=1)
    begins = rng.uniform(0, 24 * 60, 400)
    hours = begins[:, None] + np.hstack([np.zeros((400, 1)), gaps])
    rows = [(f"u{user}", int(hour), "buy") for user, mine in enumerate(hours) for hour in mine if hour < 24 * 150]
    return log(rows)


@pytest.mark.parametrize("name", BUY_TILL_YOU_DIE)
def test_models_are_members_beside_others(shop, name):
    as_of = START + timedelta(days=120)
    users = feature_table(shop, [START + timedelta(days=90), as_of], RULE)
    model = BUY_TILL_YOU_DIE[name](horizon_days=28).fit_examples(users)
    assert model.theta_ == pytest.approx(BUY_TILL_YOU_DIE[name]().fit(summaries(shop, as_of, RULE)).theta_, rel=1e-9)
    told = model.predict(users)
    assert told.columns == ["p_inactive", "expected_active_days"]
    assert told.height == users.height
    p, days = told.to_numpy().T
    assert ((p >= 0) & (p <= 1) & (days >= 1 - p) & (days <= 28)).all()
    at_once = model.p_none(summaries_of(users), [28])[:, 0]
    assert (p >= at_once - 1e-12).all()  # a later horizon: some have left by then
    assert (p - at_once).max() < 0.06
    later = model.expected(summaries_of(users), [LEAD_DAYS, LEAD_DAYS + 28])
    assert days == pytest.approx(np.clip(np.diff(later)[:, 0], 1 - p, 28))


def test_daily_visitors_stay_within_the_horizon():
    events = [("daily", 24 * day, "buy") for day in range(100)] + [("once", 5, "buy"), ("twice", 7, "buy")]
    events.append(("twice", 60, "buy"))
    users = feature_table(log(events), [START + timedelta(days=100)], RULE)
    told = BetaGeoNBD(horizon_days=7).fit_examples(users).predict(users)
    assert told["expected_active_days"].max() <= 7
    assert told.filter(users["user_id"] == "daily")["expected_active_days"][0] > 5
