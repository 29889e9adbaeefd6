"""Segments and users worth acting on, asked from the command line."""

import json

import polars as pl
import pytest


def test_found_segments_hold_every_user_once(foretide, shop):
    told = foretide("segments", "-w", shop, "-h", "7", "--format", "json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    users = json.loads(foretide("segments", "-w", shop, "-h", "7", "--users", "--format", "json").out)
    assert len({row["user_id"] for row in users}) == len(users) == sum(row["users"] for row in rows)


def test_a_segment_of_ones_own(foretide, shop, tmp_path):
    asked = ("segments", "-w", shop, "-h", "7", "--format", "json", "--where")
    (row,) = json.loads(foretide(*asked, "quiet=p_inactive > 0.5 and recency_days > 7").out)
    assert row["segment"] == "quiet"
    assert row["p_inactive"] > 0.5
    trends = json.loads(foretide(*asked, "quiet=p_inactive > 0.5", "--interests").out)
    assert {"all", "quiet"} == {row["segment"] for row in trends}
    assert foretide(*asked, "quiet=p_inactive > 0.5", "-o", tmp_path / "SEGMENTS.CSV").code == 0


@pytest.mark.parametrize(
    "condition", ["p_inactive > 0.5", "x=__import__('os')", "x=moon > 3", "x==3", "all=p_inactive > 0.5"]
)
def test_a_condition_that_is_none(foretide, shop, condition):
    told = foretide("segments", "-w", shop, "-h", "7", "--where", condition)
    assert told.code == 2
    assert told.err


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_users_worth_acting_on(foretide, shop, lang):
    told = foretide("worth", "-n", "3", "-w", shop, "-h", "7", "--format", "json", "--lang", lang)
    rows = json.loads(told.out)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    stakes = [row["at_stake"] for row in rows]
    assert stakes == sorted(stakes, reverse=True)
    assert all(row["at_stake"] == pytest.approx(row["p_inactive"] * row["if_active"]) for row in rows)


def test_the_outlook_by_segment_is_that_of_segments(foretide, shop):
    options = ("--where", "quiet=p_inactive > 0.5", "-w", shop, "-h", "7", "--format", "json")
    told, same = (foretide(*command, *options) for command in (("outlook", "--segment"), ("segments",)))
    assert json.loads(told.out) == json.loads(same.out)
    trends = json.loads(foretide("outlook", "--segment", "--interests", "-w", shop, "-h", "7", "--format", "json").out)
    assert len({row["segment"] for row in trends}) > 2  # everybody, and groups that were found
    for wrong in (("u1", "--segment"), ("--all", "--where", "quiet=p_inactive > 0.5")):
        refused = foretide("outlook", *wrong, "-w", shop)
        assert refused.code == 2
        assert "--segment" in refused.err


def test_interests_of_everybody_are_exported(foretide, shop, tmp_path):
    path = tmp_path / "interests.parquet"
    assert foretide("outlook", "--all", "--interests", "-w", shop, "-h", "7", "-o", path).code == 0
    shares = pl.read_parquet(path).group_by("user_id").agg(pl.col("share_now", "share_expected").sum())
    assert shares.drop("user_id").to_numpy() == pytest.approx(1, abs=0.02)


def test_users_worth_acting_on_are_exported(foretide, shop, tmp_path):
    path = tmp_path / "worth.parquet"
    assert foretide("worth", "-w", shop, "-h", "7", "-o", path).code == 0
    written = pl.read_parquet(path)
    assert written["rank"].to_list() == list(range(1, written.height + 1))
    assert written.height > 24  # more than a screen shows
