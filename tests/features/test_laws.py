"""The fold against a plain-Python oracle, and the laws of stages and growth accounting."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.activity import FEATURES
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import accounting, stage_counts
from foretide.schema import STAGES

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

#: Hours after the beginning, over half a year, with bursts and long silences.
HOURS = st.lists(st.integers(0, 24 * 180), min_size=1, max_size=40)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"])


def log(hours_by_user, zone="UTC"):
    """Return events at these hours after the beginning as buckets."""
    rows = [
        {"user_id": user, "ts": BEGIN + timedelta(hours=h), "event_type": "view", "value": float(h % 7)}
        for user, hours in hours_by_user.items()
        for h in hours
    ]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "event_type": pl.String, "value": pl.Float64}
    return FrameBuckets(pl.DataFrame(rows, schema=schema), zone)


def oracle_stage(times, as_of, zone, w):  # noqa: PLR0911 - a stage a line, as the definition
    """Tell the stage from the whole list of events, as the definition reads."""
    known = sorted(t for t in times if t < as_of)
    if not known:
        return None
    gap, age = as_of - known[-1], as_of - known[0]
    returns = [later for earlier, later in pairwise(known) if later - earlier >= 4 * w * DAY]
    if gap >= 4 * w * DAY:
        return "churned"
    if gap >= 2 * w * DAY:
        return "at_risk"
    if returns and as_of - returns[-1] < 2 * w * DAY:
        return "resurrected"
    if age < 2 * w * DAY:
        return "new"
    today = local_day(as_of - timedelta(microseconds=1), zone)
    ages = {(today - local_day(t, zone)).days for t in known}
    x1, x2 = sum(a < 4 * w for a in ages), sum(4 * w <= a < 8 * w for a in ages)
    if x1 + x2 >= 5 and age >= 8 * w * DAY:
        z = (x1 - x2) / math.sqrt(x1 + x2)
        if z >= 1.645:
            return "growing"
        if z <= -1.645:
            return "at_risk"
    return "active"


def local_day(moment, zone):
    return moment.astimezone(ZoneInfo(zone)).date()


def oracle_features(hours, as_of, zone):
    """Work the activity features out from the list of events."""
    known = sorted(t for t in (BEGIN + timedelta(hours=h) for h in hours) if t < as_of)
    today = local_day(as_of - timedelta(microseconds=1), zone)
    days = sorted({local_day(t, zone) for t in known})
    ages = [(as_of - t) / DAY for t in known]
    gaps = [(b - a).days for a, b in pairwise(days)]
    values = [float(round((t - BEGIN) / timedelta(hours=1)) % 7) for t in known]
    recent = [sum((today - day).days < n for day in days) for n in (7, 28, 56)]
    decayed = [sum(0.5 ** (age / half_life) for age in ages) for half_life in (7, 28, 84)]
    value = sum(v * 0.5 ** (age / 28) for v, age in zip(values, ages, strict=True))
    mean, std = (np.mean(gaps), np.std(gaps)) if gaps else (math.nan, math.nan)
    return [ages[-1], ages[0], len(known), *recent, len(days), *decayed, value, mean, std]


@given(HOURS, HOURS, ZONES, st.integers(1, 24 * 200), st.sampled_from([3, 7, 20]))
@settings(max_examples=60, deadline=None)
def test_the_fold_is_what_the_definitions_say(one, other, zone, hour, window_days):
    as_of = BEGIN + timedelta(hours=hour)
    table = feature_table(log({"u1": one, "u2": other}, zone), [as_of], LifecycleRule(window_days))
    rows = {row["user_id"]: row for row in table.iter_rows(named=True)}
    for user, hours in (("u1", one), ("u2", other)):
        stage = oracle_stage([BEGIN + timedelta(hours=h) for h in hours], as_of, zone, window_days)
        assert (rows[user]["stage"] if user in rows else None) == stage
        if stage:
            told = [rows[user][name] for name in FEATURES]
            np.testing.assert_allclose(told, oracle_features(hours, as_of, zone), rtol=1e-9, atol=1e-7)


@given(HOURS, st.lists(st.integers(0, 24 * 90), min_size=1, max_size=10))
@settings(max_examples=25, deadline=None)
def test_nothing_from_as_of_on_changes_a_row(hours, later):
    as_of = BEGIN + timedelta(days=90)
    past = [h for h in hours if h < 24 * 90] or [0]
    future = [24 * 90 + h for h in later]
    assert feature_table(log({"u1": past}), [as_of]).equals(feature_table(log({"u1": past + future}), [as_of]))


@given(HOURS)
@settings(max_examples=25, deadline=None)
def test_many_cutoffs_in_one_pass_are_each_cutoff_alone(hours):
    cutoffs = [BEGIN + n * 9 * DAY for n in range(1, 22)]
    together = feature_table(log({"u1": hours}), cutoffs)
    alone = pl.concat([feature_table(log({"u1": hours}), [cutoff]) for cutoff in cutoffs])
    assert together.equals(alone)


@given(HOURS, ZONES)
@settings(max_examples=25, deadline=None)
def test_the_only_way_out_of_churned_is_resurrected(hours, zone):
    cutoffs = [BEGIN + timedelta(hours=6 * n) for n in range(1, 4 * 185)]
    stages = feature_table(log({"u1": hours}, zone), cutoffs).sort("as_of")["stage"].to_list()
    assert set(stages) <= set(STAGES)
    for before, after in pairwise(stages):
        if before == "churned":
            assert after in {"churned", "resurrected"}


@given(st.lists(HOURS, min_size=1, max_size=5), ZONES)
@settings(max_examples=25, deadline=None)
def test_growth_adds_up_and_agrees_with_the_stages(users, zone):
    buckets = log({f"u{n}": hours for n, hours in enumerate(users)}, zone)
    end = BEGIN + 190 * DAY
    account, counts = accounting(buckets, end), stage_counts(buckets, end)
    flows = account["new"] + account["resurrected"] - account["lost"]
    assert account["active"].to_list() == flows.cum_sum().to_list()
    alive = counts.filter(pl.col("stage") != "churned").group_by("ds", maintain_order=True).agg(pl.col("users").sum())
    assert alive["users"].to_list() == account["active"].to_list()
    assert account["new"].sum() == len(users)


def test_buckets_add_up():
    hours = {f"u{n}": [n * 31 % 2000, n * 57 % 4000] for n in range(20)}

    class Two:
        timezone = "UTC"
        ids = (0, 1)

        def bucket(self, i, columns=None, until=None):
            part = {user: at for n, (user, at) in enumerate(hours.items()) if n % 2 == i}
            return log(part).bucket(0, columns, until)

    end = BEGIN + 190 * DAY
    assert stage_counts(Two(), end).equals(stage_counts(log(hours), end))
    assert accounting(Two(), end).equals(accounting(log(hours), end))


def test_only_critical_events_keep_a_user_alive():
    frame = log({"u1": [0, 24 * 50]}).frame.with_columns(event_type=pl.Series(["purchase", "view"]))
    rule = LifecycleRule(critical_events=("purchase",))
    (stage,) = feature_table(FrameBuckets(frame), [BEGIN + 51 * DAY], rule)["stage"]
    assert stage == "churned"


def test_an_event_at_as_of_does_not_count():
    assert feature_table(log({"u1": [24]}), [BEGIN + DAY]).is_empty()
    assert feature_table(log({"u1": [24]}), [BEGIN + DAY + timedelta(microseconds=1)]).height == 1


@pytest.mark.parametrize("day", [date(2024, 3, 10), date(2024, 11, 3)])
def test_a_day_of_the_changing_clock_is_one_active_day(day):
    zone = ZoneInfo("America/New_York")
    times = [datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC) for hour in (0, 1, 4, 23)]
    hours = [round((t - BEGIN) / timedelta(hours=1)) for t in times]
    (row,) = feature_table(log({"u1": hours}, "America/New_York"), [times[-1] + DAY]).iter_rows(named=True)
    assert row["active_days"] == 1
