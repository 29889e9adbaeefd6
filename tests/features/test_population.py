"""The population against the table of users at each day's end; accounts of chosen days; cohorts by hand."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import NotEnoughDataError
from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import accounting, retention, stage_counts, transitions, whole_days
from foretide.schema import ACCOUNTING, RETENTION, STAGE_COUNTS, STAGES

BEGIN = datetime(2024, 2, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=100)
FIRST, LAST = date(2024, 2, 1), date(2024, 5, 10)
RULE = LifecycleRule(window_days=3)  # 12 days to churn: many users come and go in the log

USERS = st.lists(st.lists(st.integers(0, 24 * 100), min_size=1, max_size=20), min_size=1, max_size=6)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Shanghai"])
CHOSEN_DAYS = st.sets(st.dates(FIRST, LAST - timedelta(days=2)), min_size=1, max_size=12).map(sorted)


def log(users, zone="UTC"):
    """Return events at hours after the beginning, a list for each user."""
    rows = [(f"u{n}", BEGIN + timedelta(hours=h), "view", 1.0) for n, hours in enumerate(users) for h in hours]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "event_type": pl.String, "value": pl.Float64}
    return FrameBuckets(pl.DataFrame(rows, schema=schema, orient="row"), zone)


def day_end(day, zone):
    """Return the local midnight after a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


def stages_at(buckets, day):
    """Return the stage of each user at the end of a day."""
    table = feature_table(buckets, [day_end(day, buckets.timezone)], RULE)
    return dict(table.select("user_id", "stage").iter_rows())


@given(USERS, ZONES, CHOSEN_DAYS)
@settings(max_examples=30, deadline=None)
def test_stage_counts_are_the_stages_of_all_users_added_up(users, zone, days):
    buckets = log(users, zone)
    counts = stage_counts(buckets, END, RULE, days)
    assert counts.schema == STAGE_COUNTS
    there = [list(stages_at(buckets, day).values()) for day in days]
    expected = [(day, stage, now.count(stage)) for day, now in zip(days, there, strict=True) for stage in STAGES]
    assert counts.rows() == expected


@given(USERS, ZONES, CHOSEN_DAYS)
@settings(max_examples=30, deadline=None)
def test_the_account_of_chosen_days_adds_up_from_what_was_before(users, zone, days):
    buckets = log(users, zone)
    account = accounting(buckets, END, RULE, days)
    assert account.schema == ACCOUNTING
    before = stages_at(buckets, days[0] - timedelta(days=1))
    for row, day in zip(account.iter_rows(named=True), days, strict=True):
        now = stages_at(buckets, day)
        was, alive = ({user for user, stage in at.items() if stage != "churned"} for at in (before, now))
        assert row["active"] == len(alive) == len(was) + row["new"] + row["resurrected"] - row["lost"]
        assert row["new"] == len(alive - before.keys())
        assert row["lost"] == len(was - alive)
        before = now


@given(USERS, ZONES, st.dates(FIRST, LAST), st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_transitions_are_the_pairs_of_stages(users, zone, first, days):
    buckets = log(users, zone)
    last = first + timedelta(days=days)
    before, after = stages_at(buckets, first), stages_at(buckets, last)
    pairs = [(before.get(user), stage) for user, stage in after.items()]
    table = transitions(buckets, first, last, RULE)
    assert table.rows() == [(a, b, pairs.count((a, b))) for a in (None, *STAGES) for b in STAGES]


@given(USERS, st.integers(1, 24 * 30))
@settings(max_examples=20, deadline=None)
def test_later_events_and_their_order_change_nothing(users, hours):
    as_of = BEGIN + timedelta(days=60)
    known = [[0, *hours_] for hours_ in users]
    more = [[*hours_, 24 * 60 + hours] for hours_ in known]
    for tell in (stage_counts, accounting, retention):
        first = tell(log([[h for h in hours_ if h < 24 * 60] for hours_ in known]), as_of)
        assert tell(log(more), as_of).equals(first)
        assert tell(log([hours_[::-1] for hours_ in more]), as_of).equals(first)


def test_a_user_who_churned_and_came_back_is_lost_then_resurrected():
    account = accounting(log([[0, 24 * 20]]), END, RULE).filter(pl.sum_horizontal("new", "resurrected", "lost") > 0)
    churned, back = FIRST + timedelta(days=11), FIRST + timedelta(days=20)  # 12 days after its midnight: day 11's end
    again = back + timedelta(days=11)
    assert account.rows() == [(FIRST, 1, 1, 0, 0), (churned, 0, 0, 0, 1), (back, 1, 0, 1, 0), (again, 0, 0, 0, 1)]


def test_an_event_at_midnight_belongs_to_the_day_that_begins():
    counts = stage_counts(log([[0], [24]]), BEGIN + timedelta(days=2)).filter(stage="new")
    assert counts["users"].to_list() == [1, 2]


def test_days_are_those_over_by_as_of():
    buckets = log([[5]], "America/New_York")  # midnight there, on 1 February
    noon = BEGIN + timedelta(days=2, hours=12)
    assert whole_days(buckets, noon) == [FIRST, FIRST + timedelta(days=1)]
    assert stage_counts(buckets, noon, days=[FIRST, LAST])["ds"].unique().to_list() == [FIRST]
    with pytest.raises(NotEnoughDataError):
        accounting(buckets, noon, days=[LAST])
    with pytest.raises(NotEnoughDataError):
        stage_counts(buckets, BEGIN + timedelta(hours=6))


@given(USERS, ZONES)
@settings(max_examples=30, deadline=None)
def test_retention_is_counted_by_hand(users, zone):
    weeks = [{monday(BEGIN + timedelta(hours=h), zone) for h in hours} for hours in users]
    this = monday(END, zone)  # not over
    cohorts = sorted({min(seen) for seen in weeks if min(seen) < this})
    expected = []
    for cohort in cohorts:
        members = [seen for seen in weeks if min(seen) == cohort]
        for age in range((this - cohort).days // 7):
            back = sum(cohort + timedelta(weeks=age) in seen for seen in members)
            expected.append((cohort, age, len(members), back))
    table = retention(log(users, zone), END)
    assert table.schema == RETENTION
    assert table.rows() == expected


def monday(moment, zone):
    day = moment.astimezone(ZoneInfo(zone)).date()
    return day - timedelta(days=day.weekday())
