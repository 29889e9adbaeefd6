"""Targets: the days after a cut-off against a plain re-count."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.cutoffs import LEAD_DAYS, training_cutoffs
from foretide.users.targets import NEXT_CATEGORIES, TARGETS, next_categories, targets

START = datetime(2024, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
RULE = LifecycleRule(critical_events=("buy",))


def log(events, timezone="UTC"):
    """Make a log of (user, hours since START, event type, value)."""
    rows = [(user, START + timedelta(hours=hours), kind, value) for user, hours, kind, value in events]
    schema = {
        "user_id": pl.String,
        "ts": pl.Datetime("us", "UTC"),
        "event_type": pl.String,
        "value": pl.Float64,
    }
    return FrameBuckets(pl.DataFrame(rows, schema=schema, orient="row"), timezone)


def moved(moment, days, zone):
    """Move a moment by local days; a time that the clocks skip or show twice is the earliest it can be."""
    wall = moment.astimezone(zone) + timedelta(days=days)
    return min(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def recounted(events, cutoff, days, zone):
    """Count what each user does ahead, event by event."""
    begin, end = moved(cutoff, LEAD_DAYS, zone), moved(cutoff, LEAD_DAYS + days, zone)
    told = {}
    for user in {event[0] for event in events}:
        mine = [(START + timedelta(hours=h), v) for u, h, kind, v in events if u == user and kind == "buy"]
        before = [ts for ts, _ in mine if ts < cutoff]
        ahead = [(ts, v) for ts, v in mine if begin <= ts < end]
        if before:
            active = min(days, len({ts.astimezone(zone).date() for ts, _ in ahead}))
            eligible = cutoff - max(before) < timedelta(days=28)
            waited = [(ts.astimezone(zone).date() - begin.astimezone(zone).date()).days for ts, _ in ahead]
            back = min(days - 1, *waited) if waited else None
            told[user] = (eligible, not ahead, active, pytest.approx(sum(v for _, v in ahead)), back)
    return told


EVENT = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, 24 * 120),
    st.sampled_from(["buy", "view"]),
    st.integers(-5, 20).map(float),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(EVENT, max_size=40),
    st.integers(0, 24 * 100),
    st.integers(1, 35),
    st.sampled_from(["UTC", BERLIN]),
)
def test_targets_are_what_a_recount_gives(events, hours, days, timezone):
    cutoff = START + timedelta(hours=hours)
    rows = targets(log(events, timezone), [cutoff], days, RULE)
    assert rows.schema == TARGETS
    told = {row[0]: row[2:] for row in rows.iter_rows()}
    assert told == recounted(events, cutoff, days, ZoneInfo(timezone))


def test_yesterdays_visit_going_on_is_no_return():
    cutoff = START + timedelta(days=10)
    within_a_day = [("a", 9 * 24, "buy", 1.0), ("a", 10 * 24 + 23, "buy", 1.0)]
    rows = targets(log(within_a_day), [cutoff], 7, RULE)
    assert rows.select("inactive", "active_days").row(0) == (True, 0)


def test_the_return_is_counted_from_the_first_day_of_the_horizon_and_censored_at_its_end():
    cutoff = START + timedelta(days=10)
    events = [(user, 0, "buy", 1.0) for user in "abcd"]
    events += [("a", 11 * 24, "buy", 1.0), ("b", 17 * 24 + 23, "buy", 1.0), ("c", 18 * 24, "buy", 1.0)]
    rows = targets(log(events), [cutoff], 7, RULE).sort("user_id")
    assert rows["return_days"].to_list() == [0, 6, None, None]
    assert rows["inactive"].to_list() == rows["return_days"].is_null().to_list()


def test_events_at_or_after_the_end_of_training_change_no_target():
    as_of = START + timedelta(days=90)
    events = [(user, 24 * day, "buy", 1.0) for user in "abc" for day in range(0, 89, 5)]
    later = [("a", 24 * 90, "buy", 1.0), ("d", 24 * 95, "buy", 1.0)]
    cutoffs = training_cutoffs(START, as_of, 14)
    assert cutoffs
    before = targets(log(events), cutoffs, 14, RULE).sort("user_id", "as_of")
    assert before.equals(targets(log(events + later), cutoffs, 14, RULE).sort("user_id", "as_of"))
    assert before["as_of"].dt.date().max() == date(2024, 3, 16)


def test_the_values_of_a_user_do_not_depend_on_those_of_others():
    cutoff = START + timedelta(days=10)
    mine = [("b", 0, "buy", 1.0), ("b", 12 * 24, "buy", 0.1), ("b", 13 * 24, "buy", 0.2)]
    huge = [(user, 24 * day, "buy", value) for user, value in (("a", 1e15), ("c", -1e15)) for day in (0, 12)]
    together = targets(log(mine + huge), [cutoff], 7, RULE)
    assert together.filter(user_id="b").equals(targets(log(mine), [cutoff], 7, RULE))
    assert together.filter(user_id="a")["value"].item() == 1e15


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 24 * 40), st.sampled_from(["x", "y", None])), max_size=30
    ),
    st.integers(0, 24 * 30),
    st.integers(1, 14),
    st.sampled_from(["UTC", BERLIN]),
)
def test_the_next_category_is_that_of_the_first_event_in_the_horizon_that_has_one(rows, hours, days, timezone):
    cutoff = START + timedelta(hours=hours)
    buckets = log([(user, at, "view", 1.0) for user, at, _ in rows], timezone)
    buckets = FrameBuckets(
        buckets.frame.with_columns(category=pl.Series([c for *_, c in rows], dtype=pl.String)), timezone
    )
    found = next_categories(buckets, [(cutoff, days), (cutoff, days + 1)])
    assert found.schema == NEXT_CATEGORIES
    zone, expected = ZoneInfo(timezone), {}
    for length in (days, days + 1):
        begin, end = moved(cutoff, LEAD_DAYS, zone), moved(cutoff, LEAD_DAYS + length, zone)
        timed = sorted((START + timedelta(hours=at), category or "", user) for user, at, category in rows)
        known = {user for ts, _, user in timed if ts < cutoff}
        for ts, category, user in timed:
            if user in known and category and begin <= ts < end:
                expected.setdefault((user, length), category)
    assert {(user, length): category for user, _, length, category in found.iter_rows()} == expected
