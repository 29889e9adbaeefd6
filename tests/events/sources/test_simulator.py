"""The simulated log agrees with its own truth, and its truth with what was asked for."""

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import stats

from foretide.errors import UsageError
from foretide.events.sources.files import sniff
from foretide.events.sources.simulator import (
    DIRT,
    Drift,
    HabitChange,
    Scenario,
    Simulation,
    SocialEvent,
    scenario_defaults,
    simulate,
    write_files,
)
from foretide.schema import EVENTS

#: Nothing changes in it: whatever moves is a mistake or chance.
CALM = Scenario(
    newcomer_share=0.0,
    weekly_strength=0.0,
    yearly_strength=0.0,
    trend_per_year=0.0,
    dropout_per_day=0.0,
    return_per_day=0.0,
    social_event=None,
    drift=None,
    habit_change=None,
)
#: The day of an event in UTC.
DS = pl.col("ts").dt.date().alias("ds")


@pytest.fixture(scope="module")
def shop() -> Simulation:
    return simulate(scenario_defaults["ecommerce"])


def since(scenario: Scenario, day: int) -> pl.Expr:
    first = scenario.start + timedelta(days=scenario.day(day))
    return DS.ge(first)


@pytest.mark.parametrize("domain", scenario_defaults)
def test_daily_counts_scatter_around_the_oracle_as_it_says(domain):
    simulation = simulate(replace(scenario_defaults[domain], n_users=500))
    counts = simulation.events.group_by(DS).agg(n=pl.len())
    daily = simulation.truth.daily.join(counts, on="ds", how="left").fill_null(0)
    z = ((daily["n"] - daily["mean_events"]) / daily["sd_events"]).to_numpy()
    n_days = len(z)
    assert abs(z.sum()) < 4 * np.sqrt(n_days)
    low, high = stats.chi2(n_days).ppf([1e-4, 1 - 1e-4])
    assert low < (z**2).sum() < high


def test_active_users_agree_with_the_oracle(shop):
    active = shop.events.group_by(DS).agg(pl.col("user_id").n_unique())["user_id"].sum()
    expected = shop.truth.daily["mean_active_users"].sum()
    assert abs(active - expected) < 4 * np.sqrt(expected)


def test_category_counts_agree_with_the_oracle(shop):
    counts = shop.events.group_by("category").agg(n=pl.len())
    expected = shop.truth.categories.group_by("category").agg(pl.col("mean_events").sum())
    both = counts.join(expected, on="category")
    assert both.height == shop.scenario.n_categories
    np.testing.assert_allclose(both["n"], both["mean_events"], rtol=0.03)


def test_category_means_add_up_to_the_daily_mean(shop):
    added = shop.truth.categories.group_by("ds", maintain_order=True).agg(pl.col("mean_events", "share").sum())
    np.testing.assert_allclose(added["mean_events"], shop.truth.daily["mean_events"])
    np.testing.assert_allclose(added["share"], 1.0)


def test_nobody_acts_outside_a_spell(shop):
    matched = shop.events.with_columns(DS).join(shop.truth.spells, on="user_id")
    end = pl.col("end").fill_null(pl.col("ds").max() + timedelta(days=1))
    inside = matched.filter(pl.col("ds") >= pl.col("begin"), pl.col("ds") < end)
    assert inside.height == shop.events.height


def test_arrivals_and_returns_are_seen_on_their_day(shop):
    begins = shop.truth.spells.filter(pl.col("begin") > shop.scenario.start)
    seen = shop.events.select("user_id", DS.alias("begin")).unique()
    assert begins.join(seen, on=["user_id", "begin"], how="anti").is_empty()
    returns = begins.height - shop.truth.daily["arrivals"].sum()
    assert returns > 100


def test_rates_of_dropout_and_return_are_those_asked_for(shop):
    there = shop.truth.daily["there"]
    dropouts = shop.truth.spells["end"].is_not_null().sum()
    expected = shop.scenario.dropout_per_day * there[:-1].sum()
    assert abs(dropouts - expected) < 4 * np.sqrt(expected)


def test_the_week_is_recovered():
    simulation = simulate(replace(CALM, weekly_strength=0.4, n_days=364))
    by_weekday = simulation.events.group_by(DS.dt.weekday()).agg(n=pl.len()).sort("ds")["n"].to_numpy()
    relative = by_weekday / by_weekday.mean()
    assert np.ptp(relative) / 2 == pytest.approx(0.4, abs=0.02)
    assert relative.argmax() == 5  # Saturday


def test_year_and_trend_are_recovered():
    simulation = simulate(replace(CALM, yearly_strength=0.3, trend_per_year=0.5, n_days=1461, n_users=1000))
    by_year = simulation.events.group_by(DS.dt.year()).agg(n=pl.len()).sort("ds")["n"].to_numpy()
    np.testing.assert_allclose(by_year[1:] / by_year[:-1], 1.5, rtol=0.03)
    by_month = simulation.events.group_by(DS.dt.month()).agg(n=pl.len()).sort("ds")["n"].to_numpy()
    assert by_month[11] > 1.5 * by_month[5]


def test_the_social_event_multiplies_its_category_alone():
    social = SocialEvent(day=-70, duration_days=14, size=2.5, category=1)
    simulation = simulate(replace(CALM, social_event=social, n_days=180))
    first = simulation.scenario.start + timedelta(days=110)
    window = DS.is_between(first, first + timedelta(days=13))
    counts = simulation.events.group_by(window.alias("inside"), pl.col("category") == "clothing").len()
    n = {(inside, of_it): count for inside, of_it, count in counts.iter_rows()}
    per_day = {key: count / (14 if key[0] else 166) for key, count in n.items()}
    assert per_day[True, True] / per_day[False, True] == pytest.approx(2.5, rel=0.04)
    assert per_day[True, False] / per_day[False, False] == pytest.approx(1.0, rel=0.02)


def test_drift_is_in_the_planted_users_and_in_no_others():
    simulation = simulate(replace(CALM, drift=Drift(share=0.3, day=-60, from_category=0, to_category=3), n_days=120))
    planted = simulation.truth.users.select("user_id", "drift_size", drifts=pl.col("drift_day").is_not_null())
    events = simulation.events.with_columns(after=since(simulation.scenario, -60)).join(planted, on="user_id")
    names = simulation.scenario.categories
    shares = events.group_by("drifts", "after").agg(
        left=(pl.col("category") == names[0]).mean(),
        gained=(pl.col("category") == names[3]).mean(),
        size=pl.col("drift_size").mean(),
    )
    row = {(r["drifts"], r["after"]): r for r in shares.iter_rows(named=True)}
    assert row[True, True]["left"] - row[True, False]["left"] == pytest.approx(-row[True, True]["size"], abs=0.02)
    assert row[True, True]["gained"] - row[True, False]["gained"] == pytest.approx(row[True, True]["size"], abs=0.02)
    assert row[False, True]["left"] == pytest.approx(row[False, False]["left"], abs=0.01)
    assert row[False, True]["gained"] == pytest.approx(row[False, False]["gained"], abs=0.01)


def test_habits_move_in_the_planted_users_and_in_no_others():
    simulation = simulate(replace(CALM, habit_change=HabitChange(share=0.4, day=-60, hours=5.0), n_days=120))
    users = simulation.truth.users.select("user_id", "peak_hour", moves=pl.col("habit_day").is_not_null())
    local = pl.col("ts").dt.epoch("s") / 3600 + pl.col("tz_offset_min") / 60
    late = ((local - pl.col("peak_hour") + 12) % 24 - 12).alias("late")  # than the user's usual hour
    events = simulation.events.with_columns(after=since(simulation.scenario, -60)).join(users, on="user_id")
    medians = events.group_by("moves", "after").agg(late.median())
    hours = {(moves, after): late for moves, after, late in medians.iter_rows()}
    assert hours[True, True] - hours[True, False] == pytest.approx(5.0, abs=0.25)
    assert hours[False, True] - hours[False, False] == pytest.approx(0.0, abs=0.1)


def test_answers_have_values_of_their_kind_and_follow_interest(shop):
    values = {kind: frame["value"] for (kind,), frame in shop.events.group_by("event_type")}
    assert set(values["rating"]) == set(values["survey"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert set(values["feedback"]) == {0.0, 1.0}
    assert values["purchase"].min() > 0
    assert values["view"].null_count() == len(values["view"])
    survey = shop.events.filter(pl.col("event_type") == "survey")
    assert (survey["item_id"] == "interest: " + survey["category"]).all()
    own_share = (pl.len().over("user_id", "category") / pl.len().over("user_id")).alias("own_share")
    answers = shop.events.with_columns(own_share).filter(pl.col("event_type").is_in(["rating", "survey", "feedback"]))
    for kind in ("rating", "survey", "feedback"):
        of_kind = answers.filter(pl.col("event_type") == kind)
        correlation = stats.spearmanr(of_kind["own_share"], of_kind["value"]).statistic
        assert correlation > 6 / np.sqrt(of_kind.height)  # six standard deviations of chance


def test_the_log_has_the_columns_of_the_schema_and_is_in_order(shop):
    assert shop.events.schema == EVENTS
    assert shop.events["ts"].is_sorted()
    assert shop.events["event_id"].is_unique().all()
    assert shop.events["tz_offset_min"].n_unique() >= 3
    sessions = shop.events.group_by("session_id").agg(pl.col("user_id").n_unique(), DS.n_unique())
    assert sessions.select(pl.col("user_id", "ds").max()).row(0) == (1, 1)


def test_items_keep_their_category_and_users_come_from_the_table(shop):
    acted_on = shop.events.filter(pl.col("event_type") != "survey").select("item_id", "category").unique()
    assert acted_on.join(shop.items, on=["item_id", "category"], how="anti").is_empty()
    assert shop.events.join(shop.users, on="user_id", how="anti").is_empty()
    assert shop.users["segment"].value_counts()["count"].to_list() == pytest.approx([2000 / 3] * 3, abs=1)


def test_the_seed_decides_everything():
    scenario = replace(scenario_defaults["video"], n_users=50, n_days=40)
    again, other = simulate(scenario), simulate(replace(scenario, seed=8))
    assert_frame_equal(simulate(scenario).events, again.events)
    assert_frame_equal(simulate(scenario).truth.users, again.truth.users)
    assert not simulate(scenario).events.equals(other.events)


@settings(max_examples=25, deadline=None)
@given(
    domain=st.sampled_from(list(scenario_defaults)),
    n_users=st.integers(1, 20),
    n_days=st.integers(1, 100),
    n_categories=st.integers(4, 12),
    seed=st.integers(0, 1000),
)
def test_laws_hold_for_any_size(domain, n_users, n_days, n_categories, seed):
    scenario = Scenario(domain, n_users=n_users, n_days=n_days, n_categories=n_categories, n_items=12, seed=seed)
    simulation = simulate(scenario)
    days = simulation.events.group_by(DS).agg(n=pl.len())
    daily = simulation.truth.daily
    assert daily.height == n_days
    assert days.join(daily.filter(pl.col("mean_events") > 0), on="ds", how="anti").is_empty()
    assert simulation.truth.users.height == simulation.users.height == n_users
    assert simulation.items["category"].n_unique() == n_categories


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"domain": "farming"}, "domain 'farming' is not one of"),
        ({"n_users": 0}, "at least one user"),
        ({"n_items": 3}, "one item in each category"),
        ({"loyalty": 1.5}, "loyalty must lie between 0 and 1"),
        ({"rating_share": 0.6, "survey_share": 0.6}, "more than 1"),
        ({"n_categories": 2}, "outside 0 to 1"),
    ],
)
def test_an_impossible_world_is_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        Scenario(**wrong)


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulate(replace(scenario_defaults["ecommerce"], n_users=100, n_days=90))


def kind_of(row: dict[str, object]) -> str:
    """Name what is wrong with a row, in the order of DIRT, by plain means."""
    ts, value = str(row["ts"] or ""), str(row["value"] or "")
    if not row["user_id"]:
        return "no_user"
    if not ts:
        return "no_ts"
    if not ts[0].isascii() or not ts.startswith("20"):
        return "bad_ts"
    if datetime.fromisoformat(ts).tzinfo is None:
        return "no_zone"
    return {"plenty": "bad_value", "inf": "infinite_value"}.get(value, "whole")


def read_csv(path) -> tuple[list[dict[str, str]], int]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    torn = [row for row in rows if row["ts"] is None]
    return [row for row in rows if row["ts"] is not None], len(torn)


def read_jsonl(path) -> tuple[list[dict[str, object]], int]:
    lines = path.read_text(encoding="utf-8").splitlines()
    torn = [line for line in lines if not line.endswith("}")]
    return [json.loads(line) for line in lines if line.endswith("}")], len(torn)


@pytest.mark.parametrize(("name", "read"), [("csv", read_csv), ("jsonl", read_jsonl)])
def test_dirt_is_counted_exactly(small, tmp_path, name, read):
    written = write_files(small, tmp_path / "new" / "folder", dirt=0.08)
    rows, torn = read(getattr(written, name))
    kinds = Counter(kind_of(row) for row in rows)
    ids = Counter(row["event_id"] for row in rows)
    found = {kind: kinds[kind] for kind in DIRT} | {"repeated": len(rows) - len(ids), "torn": torn}
    assert found == written.dirt
    assert len(rows) + torn == written.n_rows
    assert sum(written.dirt.values()) == pytest.approx(0.08 * small.events.height, abs=8)


@pytest.mark.parametrize(("name", "torn"), [("csv", "too_few_columns"), ("jsonl", "malformed_line")])
def test_an_import_finds_the_dirt_that_was_written(small, tmp_path, name, torn):
    written = write_files(small, tmp_path, dirt=0.08)
    chunks = list(sniff(getattr(written, name)).chunks())
    reasons = Counter(reason for chunk in chunks for reason in chunk.rejected["reason"])
    kinds = ("no_user", "no_ts", "bad_ts", "no_zone")
    assert reasons == {kind: written.dirt[kind] for kind in kinds} | {
        "bad_value": written.dirt["bad_value"] + written.dirt["infinite_value"],
        torn: written.dirt["torn"],
    }
    assert sum(chunk.n_read for chunk in chunks) == written.n_rows


@pytest.mark.parametrize(("name", "read"), [("csv", read_csv), ("jsonl", read_jsonl)])
def test_clean_files_hold_the_log(small, tmp_path, name, read):
    written = write_files(small, tmp_path)
    rows, torn = read(getattr(written, name))
    assert (len(rows), torn) == (small.events.height, 0)
    assert written.dirt == dict.fromkeys(written.dirt, 0)
    times = [datetime.fromisoformat(str(row["ts"])) for row in rows]
    assert times == small.events["ts"].to_list()
    offsets = [round(ts.utcoffset().total_seconds() / 60) for ts in times]
    assert offsets == small.events["tz_offset_min"].to_list()
    values = [float(row["value"]) if row["value"] not in ("", None) else None for row in rows]
    assert values == small.events["value"].to_list()


def test_parquet_and_tables_are_written_as_they_are(small, tmp_path):
    written = write_files(small, tmp_path)
    assert_frame_equal(pl.read_parquet(written.parquet), small.events)
    assert_frame_equal(pl.read_csv(written.items), small.items)
    assert_frame_equal(pl.read_csv(written.users), small.users)


def test_too_much_dirt_is_refused(small, tmp_path):
    with pytest.raises(UsageError, match="dirt must lie"):
        write_files(small, tmp_path, dirt=0.9)
