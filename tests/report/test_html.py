"""The page: well formed, whole in every language, true to its data, closed to the outside."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise

import polars as pl
import pytest

from foretide.errors import MissingExtraError, StorageError
from foretide.report import html
from foretide.report.data import ReportData
from foretide.report.html import page, write_report
from foretide.report.interests import interests
from foretide.report.sections import SECTIONS
from foretide.report.trust import backtest_table, health, metric
from foretide.text import LANGUAGES, speaking

from .conftest import CATEGORIES, EVENTS, Page, hostile, series_only

KEYS = {
    "stages", "population", "whatif", "activity", "interests", "growth", "moves", "retention", "stickiness", "habits",
    "effects", "changes", "outlook", "reasons", "models", "reliability", "segments", "recommend", "backtest", "health",
    "notes",
}  # fmt: skip

NEEDS = {
    "stages": {"stage_forecast"},
    "activity": {"activity_forecast"},
    "interests": {"interest_history"},
    "growth": {"accounting"},
    "retention": {"retention"},
    "stickiness": {"stickiness"},
    "effects": {"calendar"},
    "habits": {"habits"},
    "moves": {"moves"},
    "outlook": {"outlook"},
    "reasons": {"outlook"},
    "recommend": {"recommendations"},
    "health": {"findings"},
}
MAX_BYTES = 2_500_000
#: A page takes seconds, so what cannot hide one another stands in one name.
ATTACKS = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>\"'`${alert(1)} datum['x'] + \\ \u2028 {n} { \u2068unbalanced <!--",
)


def rendered(data: ReportData, lang: str = "en") -> Page:
    with speaking(lang):
        return Page(page(data, lang))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_well_formed_and_whole(written, lang):
    path = written[lang]
    seen = Page(path.read_text("utf-8"))
    assert seen.slips == []
    assert seen.stack == []
    assert seen.ids() >= KEYS
    assert path.stat().st_size < MAX_BYTES
    assert next(attrs["lang"] for tag, attrs in seen.tags if tag == "html").startswith(lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_headings_do_not_skip_a_level(written, lang):
    levels = [int(tag[1]) for tag, _ in Page(written[lang].read_text("utf-8")).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_chart_is_described_and_has_its_figures_as_a_table(written, lang):
    text = written[lang].read_text("utf-8")
    seen = Page(text)
    specs = json.loads(re.search(r'id="charts">(.*?)</script>', text).group(1))["specs"]
    assert specs.keys() <= seen.ids()
    assert all(spec["description"] for spec in specs.values())
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert len(figures) == len(specs)
    assert all("<table" in figure for figure in figures)


def test_chinese_has_no_english_left(written):
    words = Page(written["zh"].read_text("utf-8")).text()
    for name in (*EVENTS, *CATEGORIES, "Corner shop", "foretide"):
        words = words.replace(name, "")
    words = re.sub(r"--\w+", "", words)  # options of commands
    assert not re.search(r"\b(the|users|expected|forecast|days|week|share)\b", words)
    assert "2024年12月31日" in words


@pytest.mark.parametrize("key", NEEDS)
def test_a_section_without_data_is_left_out(data, key):
    build = next(build for build in SECTIONS if build.__name__.startswith(key))
    with speaking("en"):
        for name in NEEDS[key]:
            assert build(replace(data, **{name: None})) is None
            if key != "health":
                assert build(replace(data, **{name: getattr(data, name).clear()})) is None


def test_without_users_the_rest_is_still_there(data):
    gone = {name: None for key in NEEDS if key not in {"activity", "interests"} for name in NEEDS[key]}
    gone |= dict.fromkeys(["change_points", "drift", "habit_drift"])
    page_ = rendered(replace(data, **gone, stage_history=None))
    assert page_.ids() & KEYS == {"activity", "interests", "backtest", "notes"}
    assert "Soup" in page_.text()


def health_said(data: ReportData) -> str:
    with speaking("en"):
        return health(data).sentence


def test_a_check_that_found_nothing_is_said(data):
    assert "The check found nothing odd." in health_said(replace(data, findings=data.findings.clear()))


def test_series_alone_give_activity_and_backtest(data):
    seen = rendered(series_only(data))
    assert seen.ids() & KEYS == {"activity", "backtest"}
    assert "till C" in seen.text()


def test_a_long_tail_is_stated_not_drawn(data):
    small = (pl.col("unique_id") == CATEGORIES[0], 0.1)
    tail = {
        part: getattr(data, part).with_columns(pl.when(small[0]).then(pl.col(y)).otherwise(pl.col(y) * small[1]))
        for part, y in (("interest_history", "y"), ("interest_forecast", "mean"))
    }
    with speaking("en"):
        drawn = interests(replace(data, **tail)).figures[0]
    assert drawn.legend[-1].note.endswith("not drawn")
    assert "all others" in drawn.table.header


def test_nothing_but_a_title_is_still_a_page(data):
    seen = rendered(ReportData("Empty", data.as_of, 28))
    assert seen.slips == []
    assert not seen.ids() & KEYS


def test_short_histories_make_a_page(data):
    few = {
        name: frame.filter(pl.col("ds") > data.last_day - pl.duration(days=3))
        for name in ("activity_history", "stage_history", "interest_history", "accounting")
        if (frame := getattr(data, name)) is not None
    }
    week = data.retention.filter(pl.col("age") == 0)
    assert rendered(replace(data, retention=week, **few)).slips == []


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("−", "-").replace(",", "")


def test_the_first_sentence_is_true(data, seen):
    lead = plain(seen["en"].text())
    told = re.search(
        r"(\d+) users (\d+) of them active today. In 28 days on 28 Jan 2025 we expect (\d+) active users "
        r"\((\d+) to (\d+)\) with those who come back or are new by then: ([\d.]+) % (\w+)\.",
        lead,
    )
    users, now, ahead, lo, hi = map(int, told.groups()[:5])
    last = data.stage_history.filter(pl.col("ds") == data.last_day)
    assert users == last["users"].sum() == data.n_users
    assert now == last.filter(pl.col("stage") != "churned")["users"].sum()
    end = data.stage_forecast.filter(pl.col("ds") == data.stage_forecast["ds"].max())
    gone = end.filter(pl.col("unique_id") == "churned").row(0, named=True)
    assert [ahead, lo, hi] == [round(users - gone[name]) for name in ("mean", "hi-80", "lo-80")]
    change = (users - gone["mean"]) / now - 1
    assert float(told[6]) == round(abs(100 * change), 1)
    assert told[7] == ("more" if change > 0 else "fewer")


def test_the_growth_sentence_adds_up(data, seen):
    told = re.search(
        r"last 28 days (\d+) new users came and (\d+) came back while (\d+) left: "
        r"([+-]?\d+) on balance from (\d+) to (\d+)",
        plain(seen["en"].text()),
    )
    new, back, lost, net, before, after = map(int, told.groups())
    assert new + back - lost == net == after - before
    assert before == data.accounting["active"][-29]
    assert after == data.accounting["active"][-1]


def test_the_outlook_sentence_is_a_sum(data, seen):
    words = plain(seen["en"].text())
    told = re.search(
        r"Of today's (\d+) active users (\d+) are expected to show no activity in the 28 days up to 29 Jan 2025; "
        r"(\d+) have a chance",
        words,
    )
    chances = data.outlook.filter(pl.col("stage") != "churned")["p_inactive"].to_list()
    assert [int(x) for x in told.groups()] == [len(chances), round(sum(chances)), sum(p > 0.8 for p in chances)]
    stay, ahead = re.search(
        r"about (\d+) would stay then. The (\d+) active users expected on 28 Jan 2025", words
    ).groups()
    assert int(stay) == round(len(chances) - sum(chances))
    assert f"on 28 Jan 2025 we expect {ahead} active users" in words
    assert f"of today's {len(chances)} active users without any activity in the 28 days up to 29 Jan 2025" in words


def test_the_busiest_hour_is_the_busiest(data, seen):
    told = re.search(r"busiest hour is (\w+) (\d\d):00 to", plain(seen["en"].text()))
    busiest = max(data.habits.iter_rows(named=True), key=lambda row: row["events"])
    assert int(told[2]) == busiest["hour"]
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    assert names.index(told[1]) + 1 == busiest["weekday"]


@pytest.mark.parametrize(
    ("error", "words"),
    [(0.7421, "0.742"), (0.0000489, "0.0000489"), (1195.4, "1,195"), (0.0, "0.000"), (-0.52, "−0.520"), (None, "–")],
)
def test_errors_keep_the_digits_that_count(error, words):
    assert metric(error) == words


def test_figures_that_look_the_same_are_best_alike(data):
    with speaking("en"):
        written_ = backtest_table(
            "events", data.backtests["activity"].with_columns(mase=pl.Series([0.9, 0.7421, 0.7424, 1.0, 2.0]))
        )
    assert {row for row, column in written_.best if written_.header[column] == "MASE"} == {1, 2}
    naive = written_.header.index("Against SeasonalNaive")
    assert [row[naive] for row in written_.rows] == ["1.000", "0.825", "0.825", "1.111", "2.222"]


def test_a_backtest_that_was_lost_is_said(seen):
    words = seen["en"].text()
    assert "For interests, one model alone did better: SeasonalWindowMedian (MASE 0.790)." in words
    assert "For activity, one model alone" not in words


def tooltips(spec: dict) -> list[dict]:
    return [tip for layer in spec["layer"] for tip in layer.get("encoding", {}).get("tooltip", [])]


@pytest.mark.parametrize("attack", ATTACKS)
def test_names_never_become_markup(data, attack):
    seen = rendered(hostile(data, attack))
    assert seen.slips == []
    assert [tag for tag, _ in seen.tags].count("script") == 2
    assert not [tag for tag, _ in seen.tags if tag == "img"]
    assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
    charts = "".join(text for stack, text in seen.texts if "script" in stack and text.startswith('{"settings"'))
    assert attack in json.dumps(json.loads(charts)["specs"], ensure_ascii=False).replace("\\\\", "\\").replace(
        '\\"', '"'
    )
    assert "<" not in charts


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_loaded(written, lang):
    text = written[lang].read_text("utf-8")
    seen = Page(text)
    loading = {"src", "srcset", "data", "poster", "action"}
    assert not [attrs for _, attrs in seen.tags if loading & attrs.keys()]
    assert all(attrs["href"].startswith("#") for tag, attrs in seen.tags if "href" in attrs)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_lets_only_this_page_run(written):
    text = written["en"].read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    for kind, pattern in (("script", r'<script type="module">(.*?)</script>'), ("style", r"<style>(.*?)</style>")):
        inside = re.search(pattern, text, re.DOTALL).group(1)
        assert b64encode(hashlib.sha256(inside.encode()).digest()).decode() in policy, kind


def test_a_missing_extra_is_said(data, tmp_path, monkeypatch):
    monkeypatch.setattr(html, "find_spec", lambda name: None if name == "altair" else find_spec(name))
    with pytest.raises(MissingExtraError, match=r"install foretide\[report\]"):
        write_report(data, tmp_path / "report.html")


def test_an_unwritable_place_leaves_what_was_there(data, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="choose another place"):
        write_report(series_only(data), tmp_path / "file" / "report.html")
    taken = tmp_path / "folder.html"
    (taken / "inside").mkdir(parents=True)
    with pytest.raises(StorageError, match="choose another place"):
        write_report(series_only(data), taken)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.html"]


def test_a_second_report_replaces_the_first(data, tmp_path):
    path, few = tmp_path / "deep" / "report.html", series_only(data)
    assert write_report(few, path) == path
    first = path.read_text("utf-8")
    assert write_report(few, path).read_text("utf-8") == first
    assert list(path.parent.iterdir()) == [path]
