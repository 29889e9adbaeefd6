"""Who comes back, and how often: the sentences are sums of the tables."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
import pytest

from foretide.features.cohorts import MONTH_DAYS
from foretide.report.returning import retention, smoothed, stickiness
from foretide.text import LANGUAGES, speaking


def plain(text: str) -> str:
    return re.sub("[\u2068\u2069,]", "", text).replace("\u00a0", " ")


def test_the_ways_of_counting_are_told_side_by_side(data):
    with speaking("en"):
        section = retention(data)
    told = re.search(
        r"([\d.]+) % were here on exactly day 28 ([\d.]+) % on some day from 15 to 28", plain(section.sentence)
    )
    for kind, age, share in (("n-day", 28, told[1]), ("bracket", 15, told[2])):
        known = data.retention_by_day[kind].filter(age=age)
        assert float(share) == round(100 * known["retained"].sum() / known["users"].sum(), 1)
    assert [drawn.key for drawn in section.figures] == ["retention", "retention-curve", "retention-kinds"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_weeks_are_told_without_the_other_ways(data, lang):
    young = {kind: frame.filter(pl.col("age") == 0) for kind, frame in data.retention_by_day.items()}
    with speaking(lang):
        assert len(retention(replace(data, retention_by_day={})).figures) == 1
        assert len(retention(replace(data, retention_by_day=young)).figures) == 1
        few = {"n-day": data.retention_by_day["n-day"]}
        assert len(retention(replace(data, retention_by_day=few)).figures) == 3


def test_stickiness_is_how_many_days_of_a_month_a_user_comes(data):
    with speaking("en"):
        section = stickiness(data)
    days = data.stickiness.tail(MONTH_DAYS)
    visits = days["dau"].sum() / days["mau"][-1]
    told = re.search(
        r"was here on ([\d.]+) of them: on an average day ([\d.]+) % of the 2000 users", plain(section.sentence)
    )
    assert float(told[1]) == round(visits, 1)
    assert float(told[2]) == round(100 * visits / MONTH_DAYS, 1)
    before = data.stickiness[-2 * MONTH_DAYS : -MONTH_DAYS]
    assert f"it was {100 * before['dau'].mean() / before['mau'][-1]:.1f} %" in plain(section.sentence)


def test_a_short_log_has_nothing_to_compare_with(data):
    with speaking("en"):
        assert "before" not in stickiness(replace(data, stickiness=data.stickiness.head(MONTH_DAYS + 5))).sentence
        assert stickiness(replace(data, stickiness=data.stickiness.head(MONTH_DAYS - 1))) is None


def test_a_month_without_users_has_no_stickiness(data):
    gone = data.stickiness.with_columns(
        pl.when(pl.col("ds") > pl.col("ds").max() - pl.duration(days=40)).then(0).otherwise(pl.col(name)).alias(name)
        for name in ("dau", "wau", "mau")
    )
    with speaking("en"):
        assert stickiness(replace(data, stickiness=gone)) is None
    assert smoothed(gone)["share"][-1] is None
