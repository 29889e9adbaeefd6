"""Asking what the forecasts are worth."""

import json

import pytest

from foretide.forecast.catalogue import MODELS
from foretide.forecast.engine import ENSEMBLE, FORECASTERS


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
    assert [row["model"] for row in rows] == [model.name for model in MODELS]
    assert all(row["good_for"] for row in rows)
    assert set(FORECASTERS) <= {row["model"] for row in rows}


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
