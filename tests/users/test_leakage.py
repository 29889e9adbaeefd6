"""Features end where targets begin: examples against a recount in plain Python, on logs made to trip them up."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sqrt
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import EVENTS
from foretide.users.cutoffs import horizon
from foretide.users.examples import examples, feature_names, training_pairs

RULE = LifecycleRule()
US, DAY = timedelta(microseconds=1), timedelta(days=1)
#: With clocks that change within the days of the tests, and half an hour off.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")


def log(rows, zone):
    """Make a log of (user, moment, value)."""
    schema = {name: EVENTS[name] for name in ("user_id", "ts", "value")}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(event_type=pl.lit("visit"))
    return FrameBuckets(frame, zone.key)


def local_day(moment, zone):
    return moment.astimezone(zone).date()


def stage_of(times, cutoff, zone):
    """Return the stage by DEFINITIONS, W = 7 days."""
    today = local_day(cutoff - US, zone)
    ages = {(today - local_day(ts, zone)).days for ts in times}
    x1, x2 = sum(age < 28 for age in ages), sum(28 <= age < 56 for age in ages)
    returns = [later for earlier, later in pairwise(times) if later - earlier >= 28 * DAY]
    gap, age = cutoff - times[-1], cutoff - times[0]
    if gap >= 28 * DAY:
        return "churned"
    if gap >= 14 * DAY:
        return "at_risk"
    if returns and cutoff - returns[-1] < 14 * DAY:
        return "resurrected"
    if age < 14 * DAY:
        return "new"
    z = (x1 - x2) / sqrt(x1 + x2) if x1 + x2 >= 5 and age >= 56 * DAY else 0.0
    return "growing" if z >= 1.645 else "at_risk" if z <= -1.645 else "active"


def known_of(mine, cutoff, zone):
    """Return what is known of a user at a cut-off, from the events before it."""
    times = [ts for ts, _ in mine]
    today = local_day(cutoff - US, zone)
    days = sorted({local_day(ts, zone) for ts in times})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    left = [0.5 ** ((cutoff - ts) / (28 * DAY)) for ts in times]
    return {
        "stage": stage_of(times, cutoff, zone),
        "recency_days": (cutoff - times[-1]) / DAY,
        "tenure_days": (cutoff - times[0]) / DAY,
        "n_events": len(times),
        "active_days": len(days),
        **{f"active_days_{n}": sum((today - day).days < n for day in days) for n in (7, 28, 56, 90)},
        "events_decayed_28": sum(left),
        "value_decayed_28": sum(share * value for share, (_, value) in zip(left, mine, strict=True)),
        "gap_mean_days": sum(gaps) / len(gaps) if gaps else float("nan"),
        "gap_longest_days": max(gaps, default=float("nan")),
        "returns": sum(later - earlier >= 28 * DAY for earlier, later in pairwise(times)),
        "eligible": cutoff - times[-1] < 28 * DAY,
    }


def ahead_of(mine, begin, end, zone):
    """Return what a user did from the one local midnight (or other time) to the other."""
    ahead = [(ts, value) for ts, value in mine if begin <= ts < end]
    n_days = (local_day(end, zone) - local_day(begin, zone)).days
    waited = [(local_day(ts, zone) - local_day(begin, zone)).days for ts, _ in ahead]
    return {
        "inactive": not ahead,
        "active_days_ahead": min(len(set(waited)), n_days),
        "value": sum(value for _, value in ahead),
        "return_days": min(*waited, n_days - 1) if waited else None,
    }


@st.composite
def tricky(draw):
    """Make a zone, a pair and events at, just before and just after every moment at which something is decided."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    midnight = datetime(2024, 3, 24, tzinfo=zone) + draw(st.integers(0, 12)) * DAY
    cutoff = (midnight + draw(st.sampled_from([0, 0, 1, 13])) * timedelta(hours=1)).astimezone(UTC)
    days = draw(st.sampled_from([1, 7, 28]))
    bounds = horizon(cutoff, days, zone.key)
    decisive = [*bounds, *(cutoff - n * DAY for n in (0, 1, 14, 28, 56))]
    edge = st.builds(lambda moment, n: moment + n * US, st.sampled_from(decisive), st.sampled_from([-1, 0, 1]))
    anywhere = st.integers(-90 * 24, 40 * 24).map(lambda hours: cutoff + hours * timedelta(hours=1))
    event = st.tuples(st.sampled_from("ab"), edge | anywhere, st.integers(-3, 9).map(float))
    return zone, cutoff, days, draw(st.lists(event, min_size=1, max_size=25))


def recounted(rows, cutoff, days, zone):
    """Return by user what is known at the cut-off and what came in the horizon."""
    begin, end = (
        (cutoff.astimezone(zone) + n * DAY).astimezone(UTC) for n in (1, 1 + days)
    )  # local days: a wall clock is moved, not a stopwatch
    told = {}
    for user in {user for user, *_ in rows}:
        mine = sorted((ts, value) for of, ts, value in rows if of == user)
        if before := [(ts, value) for ts, value in mine if ts < cutoff]:
            told[user] = known_of(before, cutoff, zone) | ahead_of(mine, begin, end, zone)
    return told


@settings(max_examples=60)
@given(tricky())
def test_features_and_targets_are_those_of_a_recount(case):
    zone, cutoff, days, rows = case
    found = examples(log(rows, zone), [(cutoff, days)], RULE)
    expected = recounted(rows, cutoff, days, zone)
    assert set(found["user_id"]) == set(expected)
    for row in found.iter_rows(named=True):
        for name, value in expected[row["user_id"]].items():
            wanted = pytest.approx(value, nan_ok=True) if isinstance(value, float) else value
            assert row[name] == wanted, name


@settings(max_examples=30)
@given(tricky(), st.integers(0, 5))
def test_what_comes_at_or_after_the_cutoff_is_in_no_feature_and_what_came_before_the_horizon_in_no_target(case, n):
    zone, cutoff, days, rows = case
    begin, end = horizon(cutoff, days, zone.key)
    found = examples(log(rows, zone), [(cutoff, days)], RULE)
    other = [row for row in rows if row[1] < cutoff] + [("a", cutoff + hours * DAY / 24, 5.0) for hours in range(n)]
    known = found.select("user_id", "stage", "eligible", *feature_names(found))
    assert known.equals(examples(log(other, zone), [(cutoff, days)], RULE).select(known.columns))
    ahead = found.select("user_id", "inactive", "active_days_ahead", "value", "return_days")
    within = [row for row in rows if begin <= row[1] < end]
    first = [(user, cutoff - US, 1.0) for user in found["user_id"]]  # known, by one event before the cut-off
    assert ahead.equals(examples(log(within + first, zone), [(cutoff, days)], RULE).select(ahead.columns))


@pytest.mark.parametrize("zone", ZONES)
def test_a_label_is_learnt_from_only_when_its_whole_horizon_is_over(zone):
    """One user, who comes at the last microsecond of every day: a horizon that is not over would be told too low."""
    key = ZoneInfo(zone)
    first = datetime(2024, 1, 1, tzinfo=key)
    rows = [("only", (first + n * DAY).astimezone(UTC) - US, 1.0) for n in range(1, 130)]
    as_of = (first + 100 * DAY).astimezone(UTC)
    pairs = training_pairs(rows[0][1], as_of, 14, zone)
    so_far = [row for row in rows if row[1] < as_of]
    found = examples(log(so_far, key), pairs, RULE)
    assert found.equals(examples(log(rows, key), pairs, RULE))
    assert found["active_days_ahead"].to_list() == found["horizon_days"].to_list()
    assert found["return_days"].to_list() == [0] * found.height
    assert horizon(*max(pairs), zone)[1] == as_of
