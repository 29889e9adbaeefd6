"""The fold against a plain-Python oracle, and the laws of stages and growth accounting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import oracle
from features.oracle import BEGIN, DAY, HISTORY, ONE_EVENT, Event
from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import accounting, stage_counts
from foretide.schema import STAGES

#: Kept in four bytes.
IN_FLOAT32 = {"hours_hill_1"}
#: Hours after the beginning, over half a year, with bursts and long silences.
HOURS = st.lists(st.integers(0, 24 * 180), min_size=1, max_size=40)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"])
THEMES = ("activity", "habits", "interests")


def log(hours_by_user, zone="UTC"):
    """Return events at these hours after the beginning as buckets."""
    return oracle.log({user: [Event(h * 60) for h in hours] for user, hours in hours_by_user.items()}, zone)


@given(HISTORY, HISTORY, ZONES, st.integers(1, 24 * 200), st.sampled_from([3, 7, 20]))
@settings(max_examples=120, deadline=None)
def test_the_fold_is_what_the_definitions_say(one, other, zone, hour, window_days):
    as_of = BEGIN + timedelta(hours=hour)
    table = feature_table(oracle.log({"u1": one, "u2": other}, zone), [as_of], LifecycleRule(window_days), THEMES)
    rows = {row.pop("user_id"): row for row in table.iter_rows(named=True)}
    for user, events in (("u1", one), ("u2", other)):
        stage = oracle.stage([e.ts for e in events], as_of, zone, window_days)
        assert (rows[user]["stage"] if user in rows else None) == stage
        if stage:
            expected = oracle.features(events, as_of, zone, window_days)
            told = {name: x for name, x in rows[user].items() if name not in {"stage", "as_of"}}
            assert told.keys() == expected.keys()
            for name, x in expected.items():
                assert told[name] == pytest.approx(x, rel=1e-5 if name in IN_FLOAT32 else 1e-9, abs=1e-7, nan_ok=True)


@given(HISTORY, st.lists(ONE_EVENT, min_size=1, max_size=10))
@settings(max_examples=40, deadline=None)
def test_nothing_from_as_of_on_changes_a_row(events, later):
    cutoffs = [BEGIN + days * DAY for days in (60, 90)]
    past = [e for e in events if e.ts < cutoffs[-1]] or [Event(0)]
    future = [e._replace(minute=24 * 60 * 90 + e.minute) for e in later]
    before = feature_table(oracle.log({"u1": past}), cutoffs, themes=THEMES)
    assert feature_table(oracle.log({"u1": past + future}), cutoffs, themes=THEMES).equals(before)
    first = [e for e in past if e.ts < cutoffs[0]]  # the row of an earlier cut-off knows nothing of a later one
    alone = feature_table(oracle.log({"u1": first}), cutoffs[:1], themes=THEMES)
    assert before.filter(as_of=cutoffs[0]).equals(alone)


@given(HISTORY)
@settings(max_examples=25, deadline=None)
def test_many_cutoffs_in_one_pass_are_each_cutoff_alone(events):
    cutoffs = [BEGIN + n * 9 * DAY for n in range(1, 22)]
    log = oracle.log({"u1": events})
    together = feature_table(log, cutoffs, themes=THEMES)
    alone = pl.concat([feature_table(log, [cutoff], themes=THEMES) for cutoff in cutoffs])
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
    frame = log({"u1": [0, 24 * 50]}).frame.sort("ts").with_columns(event_type=pl.Series(["purchase", "view"]))
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
