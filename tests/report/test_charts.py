"""Every chart is valid Vega-Lite, takes its colours from the palette and marks where the past ends."""

from __future__ import annotations

import json
import re

import altair as alt
import polars as pl
import pytest

from foretide.report import charts, headline, sections
from foretide.report.charts import stacked
from foretide.report.theme import PALETTE
from foretide.text import LANGUAGES, speaking

#: Charts of the past only, or without a time axis; their titles say up to when.
NO_EDGE = {
    "growth", "moves", "retention", "retention-curve", "retention-kinds", "habits", "movers", "outlook",
    "stickiness", "stickiness-users", "effects", "whatif", "segments",
    "reliability-all", "reliability-active", "reliability-at_risk",
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(data):
    """Every figure by its key, in each language."""

    def figures(lang):
        with speaking(lang):
            told = [figure for section in sections.sections(data) for figure in section.figures]
            return {figure.key: figure for figure in [headline.lifecycle(data), *told]}

    return {lang: figures(lang) for lang in LANGUAGES}


@pytest.fixture(params=LANGUAGES)
def figures(request, drawn):
    return drawn[request.param]


def rows(spec: dict, layer: dict) -> list[dict]:
    return spec["datasets"][layer["data"]["name"]]


def shape(spec: object) -> object:
    """Return what a specification consists of and the types of its parts, without words and figures."""
    if isinstance(spec, dict):
        parts = {key: part for key, part in spec.items() if key not in {"datasets", "name"}}
        return {key: part if key == "type" else shape(part) for key, part in parts.items()}
    return [shape(part) for part in spec] if isinstance(spec, list) else type(spec).__name__


def test_every_chart_is_valid_and_drawn_alike_in_every_language(drawn):
    """Validating takes a fifth of a second a chart, so of charts that consist of the same one is validated."""
    first, *others = (drawn[lang] for lang in LANGUAGES)
    kinds = {}
    for key, figure in first.items():
        kinds[json.dumps(shape(figure.spec))] = figure.spec
        assert all(shape(other[key].spec) == shape(figure.spec) for other in others), key
    assert len(kinds) > 10
    for spec in kinds.values():
        alt.LayerChart.from_dict(spec, validate=True)


def test_colours_are_those_of_the_palette(figures):
    for figure in figures.values():
        text = json.dumps(figure.spec)
        assert set(re.findall(r"var\(--([\w-]+)\)", text)) <= set(PALETTE)
        assert set(re.findall(r"#[0-9a-f]{6}\b", text)) <= {"#10161d", "#ffffff"}


def test_the_edge_is_at_the_last_known_day(figures, data):
    for key in figures.keys() - NO_EDGE:
        spec = figures[key].spec
        lines = [
            rows(spec, layer)
            for layer in spec["layer"]
            if layer["mark"]["type"] == "rule" and "tooltip" not in layer["encoding"]
        ]
        assert [row["ds"][:10] for line in lines for row in line] == [data.last_day.isoformat()], key
        words = [layer["mark"]["text"] for layer in spec["layer"] if "text" in layer["mark"]]
        assert len(words) == 2, key


def test_the_forecast_begins_where_the_past_ends(data):
    own = pl.col("unique_id") == "events"
    past, ahead = data.activity_history.filter(own), data.activity_forecast.filter(own)
    line = charts.joined(past, ahead, "y")
    assert line.row(0) == (data.last_day, past["y"][-1])
    assert line["mean"][1:].to_list() == ahead["mean"].to_list()


def test_bars_of_growth_stand_on_each_other():
    account = pl.DataFrame({"ds": [1, 1, 1], "flow": ["new", "resurrected", "lost"], "users": [5, 3, -4]})
    ends = {row["flow"]: (row["lo"], row["hi"]) for row in stacked(account).iter_rows(named=True)}
    assert ends == {"new": (0, 5), "resurrected": (5, 8), "lost": (0, -4)}


def test_every_cell_of_the_maps_holds_its_share(figures):
    for key, field in (("moves", "chance"), ("retention-kinds", "share")):
        squares, words = figures[key].spec["layer"]
        assert (squares["mark"]["type"], words["mark"]["type"]) == ("rect", "text")
        assert words["encoding"]["text"]["field"] == field
        assert rows(figures[key].spec, words) == rows(figures[key].spec, squares)
        assert words["encoding"]["fill"]["scale"]["domain"] == squares["encoding"]["color"]["scale"]["domain"]


def test_an_effect_is_drawn_with_its_interval_where_it_has_one(figures):
    usual, intervals, points = figures["effects"].spec["layer"]
    shown = rows(figures["effects"].spec, points)
    assert [row["usual"] for row in rows(figures["effects"].spec, usual)] == [1.0]
    assert [row["event"] for row in shown if row["lo"] is None] == ["Flood"]
    assert rows(figures["effects"].spec, intervals) == [row for row in shown if row["lo"] is not None]
    low, high = points["encoding"]["x"]["scale"]["domain"]
    assert all(
        0 < low < row["lo_at"] <= row["effect_at"] <= row["hi_at"] < high for row in shown if row["lo"] is not None
    )


def test_no_chart_is_heavy(figures):
    for figure in figures.values():
        assert sum(len(values) for values in figure.spec["datasets"].values()) < 3000, figure.key
