"""Asking about change through the command line."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from foretide.features.change_points import CHANGE_POINTS
from foretide.features.fold import feature_table
from foretide.features.lifecycle import REASONS
from foretide.schema import STAGES
from foretide.workspace import Workspace

ANSWERS = {
    "features": ["user_id", "as_of", "stage", "recency_days"],
    "life": ["user_id", "since", "stage", "reason", "days"],
    "cohorts": ["cohort", "age", "users", "retained", "share"],
    "stickiness": ["ds", "dau", "wau", "mau", "stickiness"],
    "moves": ["stage", "next_stage", "users", "chance"],
    "mix": ["ds", "category", "events", "share"],
    "changes": ["series", "ds", "before", "after", "ratio"],
    "drift": ["user_id", "n_recent", "n_reference", "divergence"],
    "habits": ["user_id", "n_recent", "n_reference", "divergence"],
}


@pytest.mark.parametrize("command", ANSWERS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_question_has_an_answer(foretide, shop, command, lang):
    everyone = ["--all"] if command in {"drift", "habits"} else []
    told = foretide(command, "-w", shop, "--format", "json", "--lang", lang, *everyone)
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    if command != "changes":
        assert rows
    if rows:
        assert list(rows[0])[: len(ANSWERS[command])] == ANSWERS[command]


def test_features_of_several_times_in_a_file(foretide, shop, tmp_path):
    place = Workspace.open(shop)
    times = ["2025-02-01", "2025-04-01"]
    out = tmp_path / "features.parquet"
    told = foretide("features", "-w", shop, "-o", out, *(part for t in times for part in ("--as-of", t)))
    assert told.code == 0, told.err
    moments = [place.moment(pl.Series([t]).str.to_datetime().item()) for t in times]
    table = feature_table(place.store, moments, place.rule, ("activity", "habits", "interests"))
    assert pl.read_parquet(out).equals(table)
    assert f"{table.height:,} rows" in told.err
    assert list(tmp_path.glob("*features*")) == [out]


def test_a_wide_table_names_the_columns_that_do_not_fit(foretide, shop):
    told = foretide("features", "-w", shop)
    assert "new_category_expected" in told.out.replace("\n", " ")
    assert max(map(len, told.out.splitlines())) <= 160


def test_holidays_and_own_events_have_effects(foretide, shop, simulation, tmp_path):
    world = simulation.scenario
    first = world.start + timedelta(days=world.day(world.social_event.day))
    calendar = tmp_path / "events.csv"
    calendar.write_text(f"name,start,end\nfestival,{first},{first + timedelta(days=6)}\n")
    told = foretide("effects", "-w", shop, "--events", calendar, "--by", "category", "--format", "json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    (planted,) = (row for row in rows if row["segment"] == world.categories[world.social_event.category])
    assert planted["lo"] < world.social_event.size < planted["hi"]
    by_holiday = foretide("effects", "-w", shop, "--holidays", "DE", "--format", "json")
    assert {"Good Friday"} <= {row["event"] for row in json.loads(by_holiday.out)}
    assert all(date.fromisoformat(row["ds"]) >= date(2025, 1, 1) for row in json.loads(by_holiday.out))


def test_changes_know_the_events_of_the_settings(foretide, shop, monkeypatch):
    (shop / "events.csv").write_text("name,start,end\nsale,2025-03-01,2025-03-07\n")
    settings = (shop / "foretide.toml").read_text()
    (shop / "foretide.toml").write_text(settings.replace('events = ""', 'events = "events.csv"'))
    asked = []

    def noted(*_, calendar, **__):
        asked.append(calendar)
        return CHANGE_POINTS.to_frame()

    monkeypatch.setattr("foretide.features.change_points.change_points", noted)
    assert foretide("changes", "-w", shop).code == 0
    assert asked[0].select("event", "ds").rows() == [("sale", date(2025, 3, 1))]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("effects",), "--holidays COUNTRY"),
        (("effects", "--holidays", "XX"), "XX"),
        (("effects", "--events", "nowhere.csv"), "nowhere.csv"),
        (("cohorts", "--kind", "monthly"), "'week', 'n-day', 'unbounded', 'bracket'"),
        (("features", "--theme", "weather"), "activity, habits, interests"),
        (("features", "--engine", "abacus"), "local, spark"),
        (("features", "--master", "local[2]"), "--engine spark"),
        (("life", "nobody"), "'nobody' has no events"),
        (("drift", "--rate", "2"), "rate"),
    ],
)
def test_what_cannot_be_asked_is_told(foretide, shop, arguments, said):
    told = foretide(*arguments, "-w", shop)
    assert told.code in {1, 2, 3}
    assert said in told.err


def test_compact_tells_what_it_did(foretide, shop):
    place = Workspace.open(shop)
    place.ingest(pl.DataFrame({"user_id": ["u1"], "ts": ["2025-03-01T00:00Z"], "event_type": ["view"]}))
    n = place.store.n_files
    told = foretide("compact", "-w", shop)
    assert told.out.startswith(f"{place.store.n_events:,} events are in 16 buckets; {n} files became {n - 1}. ")


def test_effects_in_an_empty_workspace_are_told(foretide, tmp_path):
    Workspace.create(tmp_path / "empty")
    told = foretide("effects", "--holidays", "DE", "--as-of", "2025-01-01", "-w", tmp_path / "empty")
    assert told.code in {1, 3}
    assert "unexpected" not in told.err


@pytest.mark.parametrize(
    "command", ["life", "cohorts", "stickiness", "moves", "mix", "changes", "drift", "habits", "features"]
)
def test_a_moment_long_after_the_log_is_mentioned(foretide, shop, command):
    told = foretide(command, "-w", shop, "--as-of", "2027-01-01")
    assert told.code == 0, told.err
    assert "The log ends" in told.err


def test_stages_are_in_words_on_the_screen_and_codes_in_files(foretide, shop, tmp_path):
    on_screen = foretide("life", "-w", shop, "--lang", "zh").out
    assert "近期首次到来" in on_screen
    assert "at_risk" not in on_screen
    foretide("life", "-w", shop, "--lang", "zh", "-o", tmp_path / "life.csv")
    told = pl.read_csv(tmp_path / "life.csv")
    assert set(told["reason"]) <= set(REASONS)
    assert set(told["stage"]) <= set(STAGES)


def test_moves_of_all_ages_are_those_of_each_age_together(foretide, shop):
    together, by_age = (
        pl.DataFrame(json.loads(foretide("moves", "-w", shop, "--format", "json", *more).out), infer_schema_length=None)
        for more in ((), ("--by-age",))
    )
    assert by_age["users"].sum() == together["users"].sum()
    assert together["users"].min() > 0


def test_events_of_which_nothing_can_be_told_are_named(foretide, shop, tmp_path):
    calendar = tmp_path / "events.csv"
    calendar.write_text("name,start,end,category\nearly,2019-01-01,2019-01-02,\nodd,2025-02-01,2025-02-02,spaceships\n")
    told = foretide("effects", "-w", shop, "--events", calendar, "--by", "category")
    assert "early, odd" in told.err
    told = foretide("effects", "-w", shop, "--events", calendar)
    assert "--by category" in told.err


def test_a_broken_calendar_is_told_before_the_workspace_is_opened(foretide, tmp_path):
    calendar = tmp_path / "events.csv"
    calendar.write_text("name,end\nx,2025-01-01\n")
    told = foretide("effects", "-w", tmp_path / "nowhere", "--events", calendar)
    assert "events.csv" in told.err
