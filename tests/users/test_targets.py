"""Targets: the days after a cut-off against a plain re-count, and what may be learnt from when."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.targets import (
    LEAD_DAYS,
    TARGETS,
    horizon,
    shifted,
    targets,
    trainable_horizon,
    training_cutoffs,
    warm_up_days,
)

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


def recounted(events, cutoff, days, zone):
    """Count what each user does ahead, event by event."""
    begin = (cutoff.astimezone(zone) + timedelta(days=LEAD_DAYS)).astimezone(UTC)
    end = (cutoff.astimezone(zone) + timedelta(days=LEAD_DAYS + days)).astimezone(UTC)
    told = {}
    for user in {event[0] for event in events}:
        mine = [(START + timedelta(hours=h), v) for u, h, kind, v in events if u == user and kind == "buy"]
        before = [ts for ts, _ in mine if ts < cutoff]
        ahead = [(ts, v) for ts, v in mine if begin <= ts < end]
        if before:
            active = min(days, len({ts.astimezone(zone).date() for ts, _ in ahead}))
            eligible = cutoff - max(before) < timedelta(days=28)
            told[user] = (eligible, not ahead, active, pytest.approx(sum(v for _, v in ahead)))
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


def test_a_horizon_of_local_midnights_stays_at_midnight_when_the_clocks_change():
    cutoff = datetime(2024, 3, 25, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    begin, end = horizon(cutoff, 14, BERLIN)
    assert begin.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None) == datetime(2024, 3, 26)  # noqa: DTZ001
    assert end.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None) == datetime(2024, 4, 9)  # noqa: DTZ001


@given(st.integers(0, 900), st.integers(1, 200), st.integers(1, 12), st.sampled_from(["UTC", BERLIN]))
def test_every_training_horizon_is_over_and_comes_after_the_warm_up(history, days, at_most, timezone):
    as_of = shifted(START, history, timezone)
    cutoffs = training_cutoffs(START, as_of, days, timezone, at_most)
    assert len(cutoffs) <= at_most
    assert cutoffs == sorted(set(cutoffs))
    for cutoff in cutoffs:
        assert horizon(cutoff, days, timezone)[1] <= as_of
        assert cutoff >= START + timedelta(days=warm_up_days((as_of - START).days)) - timedelta(hours=1)
    gaps = {(b - a + timedelta(hours=1)).days % 7 for a, b in pairwise(cutoffs)}
    assert gaps <= {0}


def test_the_last_cutoff_is_as_late_as_can_be():
    as_of = START + timedelta(days=200)
    assert training_cutoffs(START, as_of, 28)[-1] == as_of - timedelta(days=LEAD_DAYS + 28)


@given(st.integers(0, 1000), st.integers(1, 400))
def test_a_trainable_horizon_has_a_cutoff_and_is_the_one_asked_for_where_it_fits(history, asked):
    days = trainable_horizon(history, asked)
    assert 0 <= days <= asked
    fits = bool(training_cutoffs(START, START + timedelta(days=history), asked))
    assert (days == asked) == fits
    if days:
        assert training_cutoffs(START, START + timedelta(days=history), days)


def test_events_at_or_after_the_end_of_training_change_no_target():
    as_of = START + timedelta(days=90)
    events = [(user, 24 * day, "buy", 1.0) for user in "abc" for day in range(0, 89, 5)]
    later = [("a", 24 * 90, "buy", 1.0), ("d", 24 * 95, "buy", 1.0)]
    cutoffs = training_cutoffs(START, as_of, 14)
    assert cutoffs
    before = targets(log(events), cutoffs, 14, RULE).sort("user_id", "as_of")
    assert before.equals(targets(log(events + later), cutoffs, 14, RULE).sort("user_id", "as_of"))
    assert before["as_of"].dt.date().max() == date(2024, 3, 16)
