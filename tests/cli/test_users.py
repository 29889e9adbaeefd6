"""Asking about single users."""

import json
import re

import polars as pl
import pytest


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_why_a_user_is_expected_to_stay_away(foretide, shop, lang):
    everyone = json.loads(foretide("stages", "-w", shop, "--format", "json").out)
    user = everyone[0]["user_id"]
    told = foretide("explain", user, "-w", shop, "-h", "7", "--lang", lang)
    assert told.code == 0, told.err
    assert "recency" in told.out
    assert re.search({"en": "more visits|more days without a visit", "zh": "再来访次数|再不来访天数"}[lang], told.out)
    assert not re.search(r"silence|True|False", told.out)
    assert user in told.err
    assert "glm" in told.err
    rows = json.loads(foretide("explain", user, "-w", shop, "-h", "7", "--format", "json").out)
    assert {"reason", "says", "log_odds", "p_without"} == set(rows[0])


def test_the_reasons_of_everybody_are_exported(foretide, shop, tmp_path):
    path = tmp_path / "reasons.parquet"
    told = foretide("explain", "--all", "-w", shop, "-h", "7", "-o", path)
    assert told.code == 0, told.err
    assert "cause" in told.err
    every = pl.read_parquet(path)
    assert every.columns == ["user_id", "reason", "says", "log_odds", "p_without"]
    assert every["user_id"].n_unique() == len(json.loads(foretide("stages", "-w", shop, "--format", "json").out))
    user = every["user_id"][0]
    alone = json.loads(foretide("explain", user, "-w", shop, "-h", "7", "--format", "json").out)
    assert every.filter(user_id=user)["says"].to_list() == [row["says"] for row in alone]
    assert foretide("explain", user, "--all", "-w", shop).code == 2


def test_the_model_as_a_whole_and_who_is_not_known(foretide, shop):
    rows = json.loads(foretide("explain", "-w", shop, "-h", "7", "--format", "json").out)
    assert all(row["mean_size"] >= 0 and row["about"] for row in rows)
    refused = foretide("explain", "nobody-at-all", "-w", shop)
    assert refused.code != 0
    assert "nobody-at-all" in refused.err
