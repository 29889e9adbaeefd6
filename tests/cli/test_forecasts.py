"""Asking what the forecasts are worth."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foretide.forecast.catalogue import MODELS
from foretide.forecast.engine import ENSEMBLE, FORECASTERS
from foretide.users.models import USER_MODELS


def test_the_backtest_of_a_measure(foretide, shop):
    told = foretide("backtest", "users", "-w", shop, "--format", "json", "-h", "7")
    assert told.code == 0, told.err
    rows = {row["model"]: row for row in json.loads(told.out)}
    assert ENSEMBLE in rows
    assert rows["SeasonalNaive"]["vs_naive"] == 1.0
    assert set(rows) - {ENSEMBLE} == {model.name for model in MODELS if model.tried == "all"}


def test_the_weights_of_each_series_add_up(foretide, shop):
    told = foretide("backtest", "events", "--by", "category", "-w", shop, "--format", "json", "--weights", "-h", "7")
    total = {}
    for row in json.loads(told.out):
        total[row["unique_id"]] = total.get(row["unique_id"], 0.0) + row["weight"]
    assert {round(x, 6) for x in total.values()} == {1.0}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_model_is_listed_with_what_it_is_good_for(foretide, lang):
    told = foretide("models", "--format", "json", "--lang", lang)
    rows = json.loads(told.out)
    listed = {kind: [row["model"] for row in rows if row["of"] == kind] for kind in ("series", "users")}
    assert listed == {"series": [model.name for model in MODELS], "users": list(USER_MODELS)}
    assert all(row["good_for"] for row in rows)
    assert set(FORECASTERS) <= set(listed["series"])
    options = " ".join(row["option"] for row in rows)
    assert "--model lightgbm" in options
    assert "train users --model glm" in options


def test_options_that_shares_do_not_take_are_said(foretide, shop):
    asked = ("forecast", "stages", "-w", shop, "-h", "3", "--format", "csv")
    plain, told = foretide(*asked), foretide(*asked, "--holidays", "US")
    assert told.out == plain.out
    assert "shares of a whole" in told.err
    assert "shares of a whole" not in plain.err


def test_no_model_is_cut_from_the_printed_list(foretide):
    told = foretide("models").out
    for name in [*(model.name for model in MODELS), *USER_MODELS]:
        assert f"\n{name} " in told


def test_a_model_and_holidays_on_request(foretide, shop):
    told = foretide("forecast", "events", "-w", shop, "-h", "7", "--model", "ridge", "--holidays", "US")
    assert told.code == 0, told.err
    assert "ridge" in told.out
    nothing_more = foretide("forecast", "events", "-w", shop, "-h", "7", "--model", "none")
    assert nothing_more.code == 0, nothing_more.err
    for option, words in (("--model", "oracle"), ("--holidays", "ATLANTIS")):
        refused = foretide("forecast", "events", "-w", shop, option, words)
        assert refused.code == 2
        assert words in refused.err


def test_an_empty_coverage_is_explained(foretide, shop):
    for lang, words in (("en", "empty for single models"), ("zh", "单个模型")):
        told = foretide("backtest", "users", "-w", shop, "-h", "7", "--model", "none", "--lang", lang)
        assert words in told.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-h", "0"), "horizon"),
        (("-h", "two"), "valid integer"),
        (("--level", "0,80"), "1 to 99"),
        (("--level", "many"), "whole percents"),
        (("--covariates", "nowhere.csv"), "nowhere.csv"),
        (("--events", "nowhere.csv"), "nowhere.csv"),
        (("--chart", "chart.doc"), ".html"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_sentence(foretide, shop, options, said):
    told = foretide("forecast", "events", "-w", shop, *options)
    assert told.code in (2, 3)
    assert said in told.err
    assert "Traceback" not in told.err


@pytest.fixture
def sold(foretide, tmp_path):
    """Make a workspace of ready-made series that rise with a promotion, and the file of promotions."""
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(210)]
    rng = np.random.default_rng(0)
    promotion = (rng.random(210) < 0.2).astype(float)
    y = rng.poisson(50 * np.exp(0.7 * promotion))[:200]
    pl.DataFrame({"unique_id": "a", "ds": days[:200], "y": y}).write_csv(tmp_path / "series.csv")
    pl.DataFrame({"ds": days, "promotion": promotion}).write_csv(tmp_path / "promotions.csv")
    place = tmp_path / "place"
    assert foretide("init", place).code == 0
    told = foretide("import", tmp_path / "series.csv", "-w", place)
    assert told.code == 0, told.err
    return place


def test_a_promotion_ahead_is_a_part_of_the_forecast(foretide, sold):
    asked = ("forecast", "series", "-w", sold, "-h", "10", "--model", "none", "--format", "csv")
    told = foretide(*asked, "--covariates", sold.parent / "promotions.csv", "--parts")
    assert told.code == 0, told.err
    parts = pl.read_csv(told.out.encode())
    promotion = pl.read_csv(sold.parent / "promotions.csv")["promotion"][200:]
    assert (parts["covariate"] > 15).to_list() == (promotion == 1).to_list()
    figures = parts.select("level", "trend", "season", "event", "covariate", "rest").sum_horizontal()
    np.testing.assert_allclose(figures, parts["median"])


def test_odd_series_beside_a_good_one_change_nothing(foretide, sold):
    asked = ("forecast", "series", "-w", sold, "-h", "10", "--format", "csv")
    alone = pl.read_csv(foretide(*asked).out.encode())
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(200)]
    spike = np.random.default_rng(1).poisson(9.0, 200)
    spike[150] = 10**9
    odd = {"zero": np.zeros(200, int), "still": np.full(200, 7), "spike": spike, "one": [5], "two": [5, 6]}
    frames = [pl.DataFrame({"unique_id": name, "ds": days[-len(y) :], "y": y}) for name, y in odd.items()]
    pl.concat(frames).write_csv(sold.parent / "odd.csv")
    told = foretide("import", sold.parent / "odd.csv", "-w", sold)
    assert told.code == 0, told.err
    told = foretide(*asked)
    among = pl.read_csv(told.out.encode())
    assert among["unique_id"].n_unique() == 6
    assert among.filter(unique_id="a").equals(alone)
    assert "stand still" in told.err


def test_holidays_count_for_ready_made_series_too(foretide, sold):
    asked = ("forecast", "series", "-w", sold, "-h", "10", "--model", "none", "--format", "csv", "--parts")
    assert foretide(*asked, "--holidays", "ATLANTIS").code == 2
    told = foretide(*asked, "--holidays", "US", "--as-of", "2024-06-15")
    assert told.code == 0, told.err


@pytest.mark.parametrize("suffix", ["html", "svg"])
def test_the_parts_are_drawn(foretide, sold, suffix):
    chart = sold.parent / f"parts.{suffix}"
    told = foretide("forecast", "series", "-w", sold, "-h", "14", "--model", "none", "--chart", chart, "--lang", "zh")
    assert told.code == 0, told.err
    assert str(chart) in told.err
    text = chart.read_text("utf-8")
    assert "季节" in text or "\\u5b63\\u8282" in text
    assert "<script src" not in text
