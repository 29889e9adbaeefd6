"""The section on events: it tells what is clear, shows what is not, and names what cannot be told."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from foretide.report.effects import FALSE_ALARMS, MAX_DRAWN, clear, effects, gain, judged
from foretide.text import LANGUAGES, speaking

from .conftest import CATEGORIES, EVENTS


@pytest.fixture
def section(data):
    with speaking("en"):
        return effects(data)


def test_the_clear_events_are_named_with_their_size(section, data):
    plain = section.sentence.replace("\u2068", "").replace("\u2069", "").replace("\u00a0", " ")
    assert "Clear effects on activity: Spring Fair (50.0 % more), Soup week: Soup (50.0 % fewer)." in plain
    assert "Of 2 more no effect can be told from chance." in plain
    assert "Storm" not in plain


def test_a_verdict_needs_few_false_alarms_and_an_interval(data):
    table = judged(data.effects)
    told = dict(table.select("event", "verdict").iter_rows())
    assert told == {"Spring Fair": "more", "Storm": "unclear", "Soup week": "less", "Flood": "unclear"}
    assert (clear(data.effects)["q_value"] <= FALSE_ALARMS).all()
    assert clear(data.effects)["event"].to_list() == ["Spring Fair", "Soup week"]


def test_every_event_is_told_or_its_absence_is(section):
    written = {row[0].split(":")[0] for row in section.figures[0].table.rows}
    assert written == set(EVENTS[:4])
    lines = section.remark.splitlines()
    assert "windows of the same length without an event (90 of them" in lines[0]
    for line, event in zip(lines[1:4], (EVENTS[5], EVENTS[4], EVENTS[3]), strict=True):
        assert event in line
    assert "What else happened on the same days" in lines[4]


def test_an_effect_without_an_interval_has_a_dash(section):
    table = section.figures[0].table
    (flood,) = (row for row in table.rows if row[0] == "Flood")
    assert dict(zip(table.header, flood, strict=True))["Windows without an event"] == "3"
    assert flood[3] == "–"


def test_a_small_q_is_not_written_as_none(data):
    tiny = data.effects.with_columns(q_value=pl.lit(1e-9))
    with speaking("en"):
        table = effects(replace(data, effects=tiny)).figures[0].table
    assert {row[-1] for row in table.rows} == {"below 0.001"}


def test_single_interests_that_moved_are_listed(section):
    (table,) = section.tables
    assert [row[0] for row in table.rows] == ["Spring Fair"]
    assert table.rows[0][2] == CATEGORIES[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_nothing_can_be_told_the_section_says_so(data, lang):
    with speaking(lang):
        nothing = effects(replace(data, effects=data.effects.clear(), interest_effects=None))
        unclear = effects(replace(data, effects=data.effects.with_columns(q_value=pl.lit(0.5))))
    assert nothing.figures == ()
    assert all(event in nothing.remark for event in EVENTS)
    assert "4" in unclear.sentence


def test_without_events_in_the_settings_there_is_no_section(data):
    assert effects(replace(data, calendar=None, effects=None, interest_effects=None)) is None


def test_of_many_events_the_newest_are_drawn_and_all_are_written(data):
    many = pl.concat([data.effects.head(1)] * (MAX_DRAWN + 5)).with_columns(
        ds=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, MAX_DRAWN + 5)),
        end=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, MAX_DRAWN + 5)),
    )
    with speaking("en"):
        (drawn,) = effects(replace(data, effects=many)).figures
    points = drawn.spec["datasets"][drawn.spec["layer"][2]["data"]["name"]]
    assert len(points) == MAX_DRAWN
    assert len(drawn.table.rows) == MAX_DRAWN + 5
    assert drawn.table.rows[0][1] == "29 Jan 2024"


@pytest.mark.parametrize(("ratio", "words"), [(1.589, "+59\u00a0%"), (0.5714, "−43\u00a0%"), (1.0, "0\u00a0%")])
def test_a_ratio_is_written_as_a_change(ratio, words):
    with speaking("en"):
        assert gain(ratio) == words
