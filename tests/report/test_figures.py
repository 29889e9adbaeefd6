"""The figures behind the sentences: sums, means and thinning, against plain Python."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from foretide.features.series import OTHER
from foretide.report.figures import (
    MAX_DAYS_DRAWN,
    TOP_INTERESTS,
    interest_bands,
    movers,
    stage_users,
    staying,
    thinned,
    weekly_account,
)
from foretide.schema import ACCOUNTING

DAY = date(2024, 1, 1)


def daily(values: list[float]) -> pl.DataFrame:
    return pl.DataFrame({"ds": [DAY + timedelta(days=i) for i in range(len(values))], "y": values})


@each(st.integers(1, MAX_DAYS_DRAWN))
def test_a_short_history_is_drawn_as_it_is(n):
    frame = daily([float(i) for i in range(n)])
    assert thinned(frame, [], "y").equals(frame)


@each(st.integers(MAX_DAYS_DRAWN + 1, 400), st.floats(0, 1e6), st.booleans())
def test_a_long_history_ends_on_its_last_day_in_whole_weeks(n, size, stock):
    values = [size * (1 + np.sin(n * day)) for day in range(n)]
    weeks = thinned(daily(values), [], "y", stock=stock)
    assert weeks["ds"].to_list() == [
        DAY + timedelta(days=len(values) - 1 - 7 * back) for back in reversed(range(len(values) // 7))
    ]
    last = values[-1] if stock else sum(values[-7:]) / 7
    assert weeks["y"][-1] == pytest.approx(last)


def test_those_who_stay_and_those_who_left_are_all(data):
    history, ahead = stage_users(data.stage_history, data.stage_forecast)
    past, fan = staying(history, ahead)
    total = ahead.group_by("ds").agg(pl.col("mean").sum()).sort("ds")
    assert total["mean"].to_list() == pytest.approx([data.n_users] * len(fan))
    gone = ahead.filter(pl.col("stage") == "churned").sort("ds")
    assert (fan["mean"] + gone["mean"]).to_list() == pytest.approx(total["mean"].to_list())
    assert (fan["lo-80"] + gone["hi-80"]).to_list() == pytest.approx(total["mean"].to_list())
    assert past["users"][-1] == data.accounting["active"][-1]


def test_the_bands_nest_after_turning(data):
    _, fan = staying(*stage_users(data.stage_history, data.stage_forecast))
    for low, high in (("lo-95", "lo-80"), ("lo-80", "mean"), ("mean", "hi-80"), ("hi-80", "hi-95")):
        assert (fan[low] <= fan[high]).all()


def test_the_stream_fills_every_day(data):
    whole = interest_bands(data.interest_history, data.interest_forecast)
    assert whole.group_by("ds").agg(pl.col("share").sum())["share"].to_list() == pytest.approx(
        [1.0] * whole["ds"].n_unique()
    )
    assert whole["rank"].max() == TOP_INTERESTS
    assert whole["ds"].max() == data.interest_forecast["ds"].max()


def test_movers_against_plain_python(data):
    table = movers(data.interest_history, data.interest_forecast)
    for row in table.iter_rows(named=True):
        name = row["category"]
        past = data.interest_history.filter(pl.col("unique_id") == name)["y"].to_list()[-28:]
        ahead = data.interest_forecast.filter(pl.col("unique_id") == name)["mean"].to_list()[-7:]
        assert row["change"] == pytest.approx(sum(ahead) / 7 - sum(past) / 28)
    assert table["change"].is_sorted(descending=True)


def test_the_grouped_tail_is_no_interest(data):
    named = data.interest_history.with_columns(pl.col("unique_id").replace("Soup", OTHER))
    ahead = data.interest_forecast.with_columns(pl.col("unique_id").replace("Soup", OTHER))
    assert OTHER not in movers(named, ahead)["category"]
    whole = interest_bands(named, ahead)
    assert whole.filter(pl.col("ds") == whole["ds"].min())["share"].sum() == pytest.approx(1.0)


@each(st.lists(st.tuples(*[st.integers(0, 50)] * 3), min_size=7, max_size=60))
def test_whole_weeks_keep_every_user(flows):
    new, back, lost = zip(*flows, strict=True)
    days = [DAY + timedelta(days=i) for i in range(len(flows))]
    account = pl.DataFrame(
        {"ds": days, "active": [0] * len(flows), "new": new, "resurrected": back, "lost": lost}, schema=ACCOUNTING
    )
    weekly = weekly_account(account)
    whole = len(flows) // 7 * 7
    expected = {"new": sum(new[-whole:]), "resurrected": sum(back[-whole:]), "lost": -sum(lost[-whole:])}
    assert dict(weekly.group_by("flow").agg(pl.col("users").sum()).iter_rows()) == expected
