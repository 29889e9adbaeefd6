"""The life of a user agrees with the fold at the end of every day."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from features import oracle
from features.oracle import BEGIN, DAY, HISTORY, Event
from foretide.features import history
from foretide.features.fold import feature_table
from foretide.features.history import stage_history
from foretide.features.lifecycle import LifecycleRule

FIRST = date(2024, 1, 1)


@given(HISTORY, HISTORY)
@settings(max_examples=20, deadline=None)
def test_the_stages_are_those_of_the_fold_at_the_end_of_each_day(one, other):
    log = oracle.log({"u1": one, "u2": other})
    as_of = BEGIN + 290 * DAY
    ends = [BEGIN + n * DAY for n in range(1, 291)]
    by_day = feature_table(log, ends).select("user_id", "as_of", "stage").sort("user_id", "as_of")
    lives = stage_history(log, as_of)
    days = lives.with_columns(day=pl.int_ranges("days")).explode("day")
    told = days.select("user_id", as_of=(pl.col("since") + pl.duration(days=pl.col("day") + 1)), stage="stage")
    assert told.rows() == by_day.with_columns(pl.col("as_of").dt.date()).rows()
    assert stage_history(log, as_of, users=["u2"]).equals(lives.filter(user_id="u2"))


@pytest.mark.parametrize("n_users", [1, 3, 50])
def test_slices_of_users_change_nothing(n_users, monkeypatch):
    """One user came a year before the others, in the midst of them."""
    rng = np.random.default_rng(0)
    minutes = np.sort(rng.integers(500_000, 700_000, (40, 5))).tolist()
    users = {f"u{n:02}": [Event(minute) for minute in own] for n, own in enumerate(minutes)}
    users["u20"] = [Event(0), *users["u20"]]
    whole = stage_history(oracle.log(users), BEGIN + 600 * DAY)
    monkeypatch.setattr(history, "SLICE_USERS", n_users)
    assert stage_history(oracle.log(users), BEGIN + 600 * DAY).equals(whole)
    assert (
        whole.group_by("user_id")
        .agg(pl.col("days").sum(), pl.col("since").min())
        .filter(pl.col("since") + pl.duration(days="days") != FIRST + timedelta(days=600))
        .is_empty()
    )


def test_each_reason_in_the_life_of_one_user():
    busy = [*range(0, 60, 7), *range(60, 80)]  # from once a week to every day
    days = [*busy, *range(80, 140, 9), 175]  # to almost never, silence, and back
    log = oracle.log({"u": [Event(day * 24 * 60) for day in days]})
    lives = stage_history(log, BEGIN + 260 * DAY)
    told = lives.filter(pl.col("stage") != pl.col("stage").shift().fill_null("")).select("stage", "reason").rows()
    assert told[:3] == [("new", "recent"), ("active", "steady"), ("growing", "more_days")]
    assert ("at_risk", "fewer_days") in told
    assert told[-4:] == [
        ("churned", "long_silence"), ("resurrected", "came_back"), ("at_risk", "silence"), ("churned", "long_silence")
    ]  # fmt: skip
    (back,) = lives.filter(stage="resurrected")["since"]
    assert back == FIRST + timedelta(days=175)


def test_only_critical_events_count():
    frame = oracle.frame({"u": [Event(0), Event(60 * 24 * 40)]}).with_columns(event_type=pl.Series(["buy", "view"]))
    lives = stage_history(oracle.FrameBuckets(frame), BEGIN + 41 * DAY, LifecycleRule(critical_events=("buy",)))
    assert lives["stage"].to_list() == ["new", "at_risk", "churned"]


def test_nobody_before_the_first_event():
    log = oracle.log({"u": [Event(24 * 60)]})
    assert stage_history(log, BEGIN + DAY).is_empty()
    assert stage_history(log, BEGIN + 3 * DAY, users=["nobody"]).is_empty()
