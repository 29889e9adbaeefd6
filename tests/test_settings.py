"""A workspace's settings survive the file, and a broken file gets a clear sentence."""

import json
import shutil
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from foretide.errors import NotAWorkspaceError, UsageError
from foretide.features.calendar import FORM, own_events
from foretide.settings import DOMAINS, SETTINGS_FILE, Settings
from foretide.workspace import Workspace


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_saved_is_loaded(tmp_path, domain):
    chosen = Settings(domain, "Europe/Berlin", 5, ("purchase", 'say "hi"'), "DE-BY", "our events.csv")
    chosen.save(tmp_path)
    assert Settings.load(tmp_path) == chosen


def test_a_folder_without_the_file_is_no_workspace(tmp_path):
    with pytest.raises(NotAWorkspaceError, match="foretide init"):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("domain = ", "not valid TOML"),
        ("colour = 'red'", "unknown setting 'colour'"),
        ("domain = 'cooking'", "'cooking' is not one of"),
        ("window_days = 0", "from 1 to 30"),
        ("window_days = 'a week'", "from 1 to 30"),
        ("timezone = 'Mars/Olympus'", "IANA"),
        ("timezone = '../etc'", "IANA"),
        ("holidays = 'somewhere nice'", "'US' or 'DE-BY'"),
        ("holidays = 49", "'US' or 'DE-BY'"),
        ("events = ['a.csv']", "CSV file in quotes"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, words):
    (tmp_path / SETTINGS_FILE).write_text(line + "\n")
    with pytest.raises(UsageError, match=words):
        Settings.load(tmp_path)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_example_of_each_domain_is_valid(tmp_path, domain):
    example = Path(__file__).parents[1] / "examples" / f"{domain}.toml"
    shutil.copy(example, tmp_path / SETTINGS_FILE)
    assert Settings.load(tmp_path).domain == domain


@pytest.fixture
def small(tmp_path):
    """A workspace with holidays, an event of its own and ten weeks of one event a day."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "ours.csv").write_text("name,start,end\nfair,2025-02-03,2025-02-04\n")
    place = Workspace.create(tmp_path / "small", holidays="US", events="ours.csv")
    days = pl.datetime_range(date(2025, 1, 1), date(2025, 3, 12), "1d", time_zone="UTC", eager=True)
    place.ingest(pl.DataFrame({"ts": days}).with_columns(user_id=pl.lit("a"), event_type=pl.lit("view")))
    return place


def test_the_calendar_is_that_of_the_settings_unless_another_is_named(small):
    assert {"fair", "New Year's Day", "Washington's Birthday"} <= set(small.calendar()["event"])
    assert "fair" not in small.calendar(holidays="DE")["event"]
    assert small.calendar(own=own_events(small.path / "ours.csv"))["event"].to_list() == ["fair"]
    assert small.calendar(datetime(2025, 1, 5, tzinfo=UTC))["ds"].min() == date(2025, 1, 1)


def test_init_writes_every_setting(foretide, tmp_path):
    options = "--domain video --timezone Asia/Shanghai --window-days 14 --critical-event view --critical-event rate"
    told = foretide("init", tmp_path / "new", *options.split(), "--holidays", "CN", "--events", "ours.csv")
    assert told.code == 0, told.err
    chosen = Settings("video", "Asia/Shanghai", 14, ("view", "rate"), "CN", "ours.csv")
    assert Settings.load(tmp_path / "new") == chosen
    assert all(getattr(chosen, setting.name) != setting.default for setting in fields(Settings))


@pytest.mark.parametrize("command", ["init", "effects", "forecast", "backtest"])
def test_help_names_all_columns_of_an_events_file(foretide, command):
    assert FORM in foretide(command, "--help").out


def test_effects_are_those_of_the_settings(foretide, small):
    told = foretide("effects", "-w", small.path, "--format", "json")
    assert told.code == 0, told.err
    assert {row["event"] for row in json.loads(told.out)} >= {"fair", "Washington's Birthday"}
