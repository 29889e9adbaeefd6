"""Asking through the command line: every answer in every format, and questions that cannot be answered."""

import csv
import io
import json
from datetime import timedelta

import polars as pl
import pytest

from foretide import __version__
from foretide.schema import OUTLOOK, RECOMMENDATIONS
from foretide.users.further import FURTHER

FORECAST = ["unique_id", "ds", "mean", "median", "lo-80", "hi-80", "lo-95", "hi-95"]


@pytest.mark.parametrize("what", ["events", "users", "value", "stages", "interests"])
def test_every_measure_has_a_forecast(foretide, shop, what):
    told = foretide("forecast", what, "-w", shop, "--format", "json", "-h", "14")
    assert told.code == 0, told.err
    frame = pl.DataFrame(json.loads(told.out))
    assert frame.columns == FORECAST
    assert frame.group_by("unique_id").len()["len"].unique().to_list() == [14]
    assert frame["lo-95"].min() >= 0
    if what in {"stages", "interests"}:
        assert frame.group_by("ds").agg(pl.col("mean").sum())["mean"].to_list() == pytest.approx([1.0] * 14)


def test_one_series_for_each_country(foretide, shop, simulation):
    told = foretide("forecast", "users", "--by", "country", "-w", shop, "--format", "csv", "-h", "3", "--level", "90")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert {row["unique_id"] for row in rows} == set(simulation.users["country"])
    assert set(rows[0]) == {"unique_id", "ds", "mean", "median", "lo-90", "hi-90"}


def test_the_outlook_of_everyone_and_of_one(foretide, shop, tmp_path):
    path = tmp_path / "outlook.parquet"
    assert foretide("outlook", "--all", "-w", shop, "-o", path).code == 0
    everyone = pl.read_parquet(path)
    assert everyone.columns == [*OUTLOOK.names(), *FURTHER.names()[1:]]
    assert everyone["p_inactive"].is_between(0, 1).all()
    user = everyone["user_id"][0]
    (one,) = json.loads(foretide("outlook", user, "-w", shop, "--format", "json").out)
    assert one["p_inactive"] == pytest.approx(everyone["p_inactive"][0])


def test_recommendations_with_and_without_reasons(foretide, shop):
    told = foretide("recommend", "--all", "-w", shop, "-k", "5", "--format", "json")
    frame = pl.DataFrame(json.loads(told.out))
    assert frame.columns == RECOMMENDATIONS.names()
    assert frame["rank"].max() == 5
    user = frame["user_id"][0]
    for lang in ("en", "zh"):
        assert foretide("recommend", user, "-w", shop, "--explain", "--lang", lang).code == 0


def test_an_unknown_user_is_answered_and_told(foretide, shop):
    told = foretide("recommend", "nobody", "-w", shop)
    assert told.code == 0
    assert "nobody" in told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("forecast", "weather"), "weather"),
        (("forecast", "events", "-h", "0"), "horizon"),
        (("forecast", "events", "--level", "high"), "level"),
        (("forecast", "events", "--level", "100"), "level"),
        (("forecast", "events", "--by", "shoe_size"), "shoe_size"),
        (("forecast", "events", "--as-of", "yesterday"), "yesterday"),
        (("forecast", "events", "-o", "answer.xlsx"), ".parquet"),
        (("forecast", "events", "-o", "answer.pdf"), ".csv or .json or .parquet"),
        (("forecast", "events", "-o", "/proc/answer.csv"), "/proc/answer.csv cannot be written: "),
        (("report", "-o", "answer.pdf"), ".html or .htm"),
        (("report", "-o", "/proc/answer.html"), "/proc/answer.html cannot be written: "),
        (("forecast", "events", "--lang", "xx"), "'xx'; give one of en, zh"),
        (("report", "--lang", "xx"), "'xx'; give one of en, zh"),
        (("forecast", "events", "-o", "nowhere/answer.csv"), "nowhere"),
        (("outlook",), "--all"),
        (("outlook", "u1", "--all"), "you named the user 'u1' and gave --all"),
        (("recommend", "u1", "--all"), "you named the user 'u1' and gave --all"),
        (("recommend", "--all", "-k", "0"), "k"),
    ],
)
def test_a_question_that_cannot_be_answered(foretide, shop, arguments, words):
    told = foretide(*arguments, "-w", shop)
    assert told.code in {1, 2}
    assert words in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_the_version(foretide):
    told = foretide("--version")
    assert (told.code, told.out) == (0, f"foretide {__version__}\n")


@pytest.mark.parametrize("asked", ["stages", "outlook"])
def test_a_language_from_the_environment_is_checked_too(foretide, shop, monkeypatch, asked):
    monkeypatch.setenv("FORETIDE_LANG", "xx")
    told = foretide(asked, "-w", shop)
    assert told.code == 2
    assert "en, zh" in told.err


def test_an_unknown_user_has_a_row_that_says_so(foretide, shop, simulation):
    user = simulation.events["user_id"][0]
    for name, known in ((user, True), ("nobody", False)):
        (row,) = json.loads(foretide("outlook", name, "-w", shop, "--format", "json").out)
        assert (row["user_id"], row["known"]) == (name, known)
        (line,) = csv.DictReader(io.StringIO(foretide("outlook", name, "-w", shop, "--format", "csv").out))
        assert line["known"] == str(known).lower()
    told = foretide("outlook", "nobody", "-w", shop)
    assert told.code == 0
    assert "known" in told.out
    assert "False" in told.out


def test_the_outlook_of_one_user_in_json_has_the_interests(foretide, shop, simulation, tmp_path):
    user = simulation.events["user_id"][0]
    (row,) = json.loads(foretide("outlook", user, "-w", shop, "--format", "json").out)
    shares = pl.DataFrame(row["interests"])
    assert shares.columns == ["category", "share_now", "share_expected"]
    assert shares["category"].is_unique().all()
    assert shares["share_now"].sum() == pytest.approx(1, abs=0.02)
    assert shares["share_expected"].sum() == pytest.approx(1, abs=0.02)
    assert shares["share_now"].is_sorted(descending=True)
    path = tmp_path / "one.json"
    foretide("outlook", user, "-w", shop, "-o", path)
    written = json.loads(path.read_text())[0]["interests"]  # sums of threads agree but for the last digit
    assert [part["category"] for part in written] == shares["category"].to_list()
    assert [part["share_expected"] for part in written] == pytest.approx(shares["share_expected"].to_list())
    assert "interests" not in json.loads(foretide("outlook", "--all", "-w", shop, "--format", "json").out)[0]


def test_nothing_after_as_of_is_known(foretide, shop):
    told = foretide("history", "events", "-w", shop, "--as-of", "2025-03-01", "--format", "json")
    days = [row["ds"] for row in json.loads(told.out)]
    assert days
    assert max(days) == "2025-02-28"


@pytest.mark.parametrize("command", [("history",), ("stages",), ("growth",), ("forecast",), ("outlook", "--all")])
def test_a_log_that_ended_long_before_is_said(foretide, shop, simulation, command):
    last = simulation.events["ts"].max()
    for days, said in ((40, True), (2, False)):
        told = foretide(*command, "-w", shop, "--as-of", f"{last + timedelta(days=days, minutes=1):%Y-%m-%dT%H:%M}")
        assert told.code == 0
        assert (f"ends {days} days before" in told.err) == said
    assert "days before" not in foretide(*command, "-w", shop).err


def test_the_account_of_growth_adds_up(foretide, shop):
    account = pl.DataFrame(json.loads(foretide("growth", "-w", shop, "--format", "json").out)).sort("ds")
    flows = account["new"] + account["resurrected"] - account["lost"]
    assert (account["active"].diff()[1:] == flows[1:]).all()


def test_the_long_tail_is_grouped_and_said(foretide, tmp_path):
    rows = [f"u{n % 9},2026-01-{1 + n % 28:02}T10:00:00Z,c{n}" for n in range(1_000)]
    (tmp_path / "tail.csv").write_text("user_id,ts,category\n" + "\n".join(rows) + "\n")
    foretide("init", tmp_path / "place")
    foretide("import", tmp_path / "tail.csv", "-w", tmp_path / "place")
    told = foretide("history", "events", "--by", "category", "-w", tmp_path / "place", "--format", "json")
    assert len({row["unique_id"] for row in json.loads(told.out)}) == 200
    assert "801" in told.err


def test_a_single_day_has_a_report_and_forecasts(foretide, tmp_path):
    place = tmp_path / "place"
    (tmp_path / "day.csv").write_text("user_id,ts,category\nu1,2026-01-01T10:00:00Z,a\nu2,2026-01-01T12:00:00Z,a\n")
    foretide("init", place)
    foretide("import", tmp_path / "day.csv", "-w", place)
    for what in ("events", "users"):
        told = foretide("forecast", what, "-w", place, "-h", "3")
        assert (told.code, "too short" in told.err) == (0, True)
    for what in ("stages", "interests"):
        told = foretide("forecast", what, "-w", place, "-h", "3")
        assert (told.code, told.out) == (3, "")
        assert "from 7 days on, but 1 " in told.err
    assert foretide("report", "-w", place, "-o", tmp_path / "day.html").code == 0
    assert "Stages and interests are not forecast" in (tmp_path / "day.html").read_text("utf-8")
    assert "less than three days" in foretide("outlook", "--all", "-w", place).err


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_check_speaks_every_language(foretide, shop, lang):
    assert foretide("check", "-w", shop, "--lang", lang).code == 0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_is_one_file(foretide, shop, tmp_path, lang):
    path = tmp_path / "report.html"
    told = foretide("report", "-w", shop, "-o", path, "--lang", lang)
    assert told.code == 0, told.err
    assert f'lang="{lang}' in path.read_text("utf-8")


def test_no_values_have_no_forecast_and_no_place_in_the_report(foretide, tmp_path):
    place, page = tmp_path / "place", tmp_path / "report.html"
    rows = [f"u{n % 7},2026-01-{1 + n % 28:02}T10:00:00Z,a" for n in range(200)]
    (tmp_path / "x.csv").write_text("user_id,ts,category\n" + "\n".join(rows) + "\n")
    foretide("init", place)
    foretide("import", tmp_path / "x.csv", "-w", place)
    told = foretide("forecast", "value", "-w", place)
    assert (told.code, told.out) == (3, "")
    assert "no event" in told.err
    assert "--map value=" in told.err
    assert foretide("report", "-w", place, "-o", page).code == 0
    assert "Value, day by day" not in page.read_text("utf-8")
    assert "Events, day by day" in page.read_text("utf-8")
