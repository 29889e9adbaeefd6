"""Retention and stickiness against counts by hand, over sets of days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.events.records import FrameBuckets
from foretide.features.cohorts import STICKINESS, retention, stickiness
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import RETENTION

BEGIN = datetime(2024, 2, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=60)
BRACKETS = [(0, 0), (1, 7), (8, 14), (15, 28)]
AGES = [0, 1, 2, 7, 14, 28]

USERS = st.lists(st.lists(st.integers(0, 24 * 60 - 1), min_size=1, max_size=20), min_size=1, max_size=6)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Shanghai"])


@dataclass(frozen=True)
class Split:
    """A bucket for each user."""

    frame: pl.DataFrame
    timezone: str

    @property
    def ids(self):
        return range(self.frame["user_id"].n_unique())

    def bucket(self, i, columns=None, until=None):
        user = self.frame["user_id"].unique().sort()[i]
        return FrameBuckets(self.frame.filter(user_id=user), self.timezone).bucket(i, columns, until)


def log(users, zone="UTC"):
    """Return events at hours after the beginning, a list for each user."""
    rows = [(f"u{n}", BEGIN + timedelta(hours=h), "view") for n, hours in enumerate(users) for h in hours]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "event_type": pl.String}
    return FrameBuckets(pl.DataFrame(rows, schema=schema, orient="row"), zone)


def days_of(users, zone, as_of=END):
    """Return the set of local days of each user, and the day that is not over."""
    today = as_of.astimezone(ZoneInfo(zone)).date()
    local = [{(BEGIN + timedelta(hours=h)).astimezone(ZoneInfo(zone)).date() for h in hours} for hours in users]
    return [known for days in local if (known := {day for day in days if day < today})], today


def monday(day):
    return day - timedelta(days=day.weekday())


@given(USERS, ZONES)
@settings(max_examples=30, deadline=None)
def test_weekly_retention_is_counted_by_hand(users, zone):
    seen, today = days_of(users, zone)
    weeks = [known for days in seen if (known := {monday(day) for day in days if monday(day) < monday(today)})]
    expected = []
    for cohort in sorted({min(known) for known in weeks}):
        members = [known for known in weeks if min(known) == cohort]
        for age in range((monday(today) - cohort).days // 7):
            back = sum(cohort + timedelta(weeks=age) in known for known in members)
            expected.append((cohort, age, len(members), back))
    table = retention(log(users, zone), END)
    assert table.schema == RETENTION
    assert table.rows() == expected


@given(USERS, ZONES, st.sampled_from(["n-day", "unbounded", "bracket"]))
@settings(max_examples=40, deadline=None)
def test_retention_by_days_is_counted_by_hand(users, zone, kind):
    seen, today = days_of(users, zone)
    spans = {"n-day": [(n, n) for n in AGES], "unbounded": [(n, n) for n in AGES], "bracket": BRACKETS}[kind]
    expected = []
    for cohort in sorted({monday(min(days)) for days in seen}):
        members = [days for days in seen if monday(min(days)) == cohort]
        for first, last in spans:
            if cohort + timedelta(days=6 + last) >= today:  # not over for who came on Sunday
                continue
            end = 10_000 if kind == "unbounded" else last
            back = sum(any(first <= (day - min(days)).days <= end for day in days) for days in members)
            expected.append((cohort, first, len(members), back))
    table = retention(log(users, zone), END, kind=kind, ages=AGES, brackets=BRACKETS)
    assert table.schema == RETENTION
    assert table.rows() == expected


@given(USERS, ZONES)
@settings(max_examples=30, deadline=None)
def test_stickiness_is_counted_by_hand(users, zone):
    seen, today = days_of(users, zone)
    first = min((min(days) for days in seen), default=today)
    expected = []
    for n in range((today - first).days):
        day = first + timedelta(days=n)
        windows = [{day - timedelta(days=back) for back in range(length)} for length in (1, 7, 28)]
        dau, wau, mau = (sum(bool(days & window) for days in seen) for window in windows)
        month = n >= 27
        share = dau / mau if month and mau else None
        expected.append((day, dau, wau if n >= 6 else None, mau if month else None, share))
    table = stickiness(log(users, zone), END)
    assert table.schema == STICKINESS
    assert table.rows() == expected


def tables(buckets, as_of):
    kinds = ("week", "n-day", "unbounded", "bracket")
    return [stickiness(buckets, as_of), *(retention(buckets, as_of, kind=kind) for kind in kinds)]


@given(USERS, ZONES)
@settings(max_examples=15, deadline=None)
def test_the_split_into_buckets_and_later_events_change_nothing(users, zone):
    as_of = BEGIN + timedelta(days=40)
    whole = log(users, zone)
    known = whole.frame.filter(pl.col("ts") < as_of)
    for one, split, before in zip(
        tables(whole, as_of),
        tables(Split(whole.frame, zone), as_of),
        tables(FrameBuckets(known, zone), as_of),
        strict=True,
    ):
        assert one.equals(split)
        assert one.equals(before)


def test_only_critical_events_are_activity():
    buckets = log([[0, 24]])
    assert stickiness(buckets, END, LifecycleRule(critical_events=("buy",))).is_empty()
    assert retention(buckets, END, LifecycleRule(critical_events=("view",)), "n-day", ages=[1])["retained"].item() == 1


@pytest.mark.parametrize("kind", ["week", "n-day", "unbounded", "bracket"])
def test_nothing_is_known_without_events(kind):
    for buckets, as_of in ((log([]), END), (log([[5]]), BEGIN - timedelta(days=1)), (log([[5]]), BEGIN)):
        assert retention(buckets, as_of, kind=kind).rows() == []
        assert stickiness(buckets, as_of).rows() == []


def test_a_log_of_one_day_has_one_row():
    assert stickiness(log([[1], [2, 3]]), BEGIN + timedelta(days=1)).rows() == [(date(2024, 2, 1), 2, None, None, None)]


@pytest.mark.parametrize(
    "asked", [{"kind": "monthly"}, {"kind": "n-day", "ages": [-1]}, {"kind": "bracket", "brackets": [(5, 3)]},
              {"kind": "n-day", "ages": [1, 1]}]
)  # fmt: skip
def test_ages_that_cannot_be_are_refused(asked):
    with pytest.raises(UsageError):
        retention(log([[0]]), END, **asked)
