"""What the report asks of a workspace: the events of its settings, and who comes back."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from foretide.errors import NotEnoughDataError, StorageError
from foretide.features.calendar import CALENDAR
from foretide.features.series import ALL
from foretide.report.gather import coming_back, effects_of, make_report
from foretide.workspace import Workspace


@pytest.fixture
def place(shop, simulation):
    """The simulated shop, whose settings name what was planted in it."""
    world = simulation.scenario
    planted = world.social_event
    name = world.categories[planted.category]
    first = world.start + timedelta(days=world.day(planted.day))
    last = first + timedelta(days=planted.duration_days - 1)
    (shop / "events.csv").write_text(f"name,start,end,category\nfestival,{first},{last},{name}\nsale,{first},,\n")
    settings = (shop / "foretide.toml").read_text()
    (shop / "foretide.toml").write_text(settings.replace('events = ""', 'events = "events.csv"'))
    return Workspace.open(shop)


def test_each_event_is_told_of_what_it_is_about(place, simulation):
    category = simulation.scenario.categories[simulation.scenario.social_event.category]
    others = [name for name in simulation.scenario.categories if name != category]
    found = effects_of(place, place.moment(), others)
    assert found["calendar"].schema == CALENDAR
    assert dict(found["effects"].select("event", "segment").iter_rows()) == {"sale": ALL, "festival": category}
    festival = found["effects"].filter(event="festival").row(0, named=True)
    assert festival["lo"] < simulation.scenario.social_event.size < festival["hi"]
    assert set(found["interest_effects"]["event"]) == {"sale"}
    assert set(found["interest_effects"]["segment"]) == {*others, category}


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    empty = Workspace.create(tmp_path / "empty")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "report.html", "/proc/report.html"):
        with pytest.raises(StorageError, match="cannot be written"):
            make_report(empty, path)
    with pytest.raises(NotEnoughDataError):
        make_report(empty, tmp_path / "report.html")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "file"]


def test_settings_that_name_no_events_have_no_effects(shop):
    place = Workspace.open(shop)
    assert effects_of(place, place.moment(), []) == {}


def test_all_ways_of_coming_back_count_the_same_users(place):
    found = coming_back(place, place.moment())
    sizes = [
        table.filter(pl.col("age") == 0).select("cohort", "users")
        for table in (found["retention_by_day"]["n-day"], found["retention_by_day"]["unbounded"])
    ]
    assert sizes[0].equals(sizes[1])
    assert found["stickiness"]["mau"][-1] <= place.outlook().users.height
