"""The population against the table of users at each day's end; accounts of chosen days; moves by age; interests."""

from collections import Counter
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
from foretide.features.moves import AGES, INTEREST_MIX, MATRICES, interest_mix, transition_matrices
from foretide.features.population import accounting, stage_counts, whole_days
from foretide.schema import ACCOUNTING, STAGE_COUNTS, STAGES

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


@given(USERS, st.integers(1, 24 * 30))
@settings(max_examples=20, deadline=None)
def test_later_events_and_their_order_change_nothing(users, hours):
    as_of = BEGIN + timedelta(days=60)
    known = [[0, *hours_] for hours_ in users]
    more = [[*hours_, 24 * 60 + hours] for hours_ in known]
    for tell in (stage_counts, accounting):
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


def age_of(hours, zone, first):
    """Return the bucket of ages of a user at the end of a day; None for who was not there yet."""
    age = day_end(first, zone) - (BEGIN + timedelta(hours=min(hours)))
    if age <= timedelta(0):
        return None
    return AGES[sum(age >= timedelta(days=n) for n in (28, 84, 365))]


@given(USERS, ZONES, st.dates(FIRST, LAST), st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_transition_matrices_are_the_pairs_of_stages_by_age(users, zone, first, days):
    buckets = log(users, zone)
    last = first + timedelta(days=days)
    before, after = stages_at(buckets, first), stages_at(buckets, last)
    keys = [(age_of(users[int(user[1:])], zone, first), before.get(user), stage) for user, stage in after.items()]
    pairs = Counter(keys)
    table = transition_matrices(buckets, first, last, RULE)
    assert table.schema == MATRICES
    assert {row[:3]: row[3] for row in table.rows() if row[3]} == dict(pairs)
    assert table.height == (len(AGES) * len(STAGES) + 1) * len(STAGES)
    for age, stage, _, n, chance in table.rows():
        came = sum(count for key, count in pairs.items() if key[:2] == (age, stage))
        assert chance == (n / came if came else None)


def test_every_age_is_told_apart():
    users = [[0], [24 * 73], [24 * 74], [24 * 90], [24 * 100]]
    first = FIRST + timedelta(days=101)
    table = transition_matrices(log(users), first, first + timedelta(days=1), RULE).filter(pl.col("users") > 0)
    assert dict(table.group_by("age").agg(pl.col("users").sum()).rows()) == {"84-364": 1, "28-83": 2, "0-27": 2}


def shopping(rows, zone="UTC"):
    """Return events of hours after the beginning and categories."""
    table = [("u", BEGIN + timedelta(hours=h), category) for h, category in rows]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "category": pl.String}
    return FrameBuckets(pl.DataFrame(table, schema=schema, orient="row"), zone)


@given(
    st.lists(st.tuples(st.integers(0, 24 * 40), st.sampled_from(["a", "b", "c", None])), max_size=40),
    ZONES,
    st.integers(1, 4),
)
@settings(max_examples=30, deadline=None)
def test_the_mix_of_interests_is_counted_by_hand(rows, zone, top):
    as_of = BEGIN + timedelta(days=38)
    this = monday(as_of.astimezone(ZoneInfo(zone)).date())
    known = [(monday((BEGIN + timedelta(hours=h)).astimezone(ZoneInfo(zone)).date()), name) for h, name in rows if name]
    known = [(week, name) for week, name in known if week < this]
    sizes = Counter(name for _, name in known)
    order = sorted(sizes, key=lambda name: (-sizes[name], name))
    shown = [*order[:top], *(["(other)"] if order[top:] else [])]
    expected = []
    week = min((week for week, _ in known), default=this)
    while week < this:
        names = [name if name in order[:top] else "(other)" for at, name in known if at == week]
        n = len(names)
        expected += [(week, name, names.count(name), names.count(name) / n if n else None) for name in shown]
        week += timedelta(weeks=1)
    table = interest_mix(shopping(rows, zone), as_of, top)
    assert table.schema == INTEREST_MIX
    assert table.rows() == expected


def monday(day):
    return day - timedelta(days=day.weekday())
