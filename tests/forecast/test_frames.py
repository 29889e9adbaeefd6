"""Forecasts of frames: any kind of frame, any step, and what is odd about them."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import foretide
from foretide.errors import DataError, MappingError, UsageError
from foretide.forecast.engine import run
from foretide.forecast.frames import forecast, panel_of

DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(150)]


def daily(ids=("a", "b")):
    rng = np.random.default_rng(0)
    y = {name: rng.poisson(10 + 5 * n, len(DAYS)) for n, name in enumerate(ids)}
    return pl.concat(pl.DataFrame({"unique_id": [name] * len(DAYS), "ds": DAYS, "y": y[name]}) for name in ids)


def test_every_kind_of_frame_gives_the_same():
    frame = daily()
    told = forecast(frame, h=5).frame
    pandas = pd.DataFrame({"unique_id": frame["unique_id"], "ds": pd.to_datetime(frame["ds"]), "y": frame["y"]})
    text = frame.with_columns(pl.col("ds").cast(pl.String))
    for other in (pandas, frame.to_arrow(), text, frame.sample(fraction=1.0, shuffle=True, seed=1).sort("unique_id")):
        assert forecast(other, h=5).frame.equals(told)
    assert foretide.forecast(frame, h=5).frame.equals(told)
    assert told.columns == ["unique_id", "ds", "mean", "median", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert told["ds"].min() == DAYS[-1] + timedelta(days=1)


def test_a_frame_without_ids_is_one_series():
    assert forecast(daily(["a"]).drop("unique_id"), h=2).frame["unique_id"].unique().to_list() == ["y"]


@pytest.mark.parametrize(
    ("every", "n", "season", "h", "after"),
    [
        ("1h", 24 * 30, 24, 24, datetime(2024, 1, 31)),  # noqa: DTZ001
        ("1d", 150, 7, 3, date(2024, 5, 30)),
        ("1w", 160, 52, 3, date(2027, 1, 25)),
        ("1mo", 60, 12, 3, date(2029, 1, 1)),
        ("1q", 40, 4, 3, date(2034, 1, 1)),
    ],
)
def test_the_season_of_each_step_is_found(every, n, season, h, after):
    begin = datetime(2024, 1, 1)  # noqa: DTZ001
    ds = pl.datetime_range(begin, begin + timedelta(days=9_000), every, eager=True)[:n]
    y = 50 + 20 * np.sin(2 * np.pi * np.arange(n) / season) + np.random.default_rng(1).normal(0, 1, n)
    told = forecast(pl.DataFrame({"ds": ds, "y": y}), h=h)
    assert told.season_length == season
    assert told.frame["ds"][0] == after
    expected = 50 + 20 * np.sin(2 * np.pi * np.arange(n, n + h) / season)
    np.testing.assert_allclose(told.frame["median"], expected, atol=4)


def test_a_series_without_a_season_often_gets_none():
    """The longer season stays unless the shorter one is clearly better: what is not there is learnt to be flat."""
    rng, chosen = np.random.default_rng(2), []
    for _ in range(12):
        y = rng.poisson(100 + np.cumsum(rng.normal(0, 3, 200)).clip(-80))
        frame = pl.DataFrame({"ds": [DAYS[0] + timedelta(days=n) for n in range(200)], "y": y})
        chosen.append(forecast(frame, h=7, season_length=(7, 1)).season_length)
    assert chosen.count(1) >= 5


def test_the_chosen_season_is_the_one_alone():
    frame = daily()
    panel, grid = panel_of(frame)
    assert grid.name == "day"
    chosen = forecast(frame, h=5)
    alone = run(panel, 5, season_length=chosen.season_length)
    assert alone.frame.equals(chosen.frame)


def test_gaps_double_dates_and_late_begins():
    frame = daily().filter(~((pl.col("unique_id") == "a") & pl.col("ds").is_in(DAYS[50:60])))
    frame = frame.filter(~((pl.col("unique_id") == "b") & (pl.col("ds") < DAYS[100])))
    doubled = pl.concat([frame, frame.filter(ds=DAYS[120])])
    unknown, quiet = panel_of(doubled)[0].y, panel_of(doubled, "zero")[0].y
    assert np.isnan(unknown[0, 50:60]).all()
    assert quiet[0, 50:60].tolist() == [0.0] * 10
    assert np.isnan(quiet[1, :100]).all()
    assert unknown[0, 120] == 2 * frame.filter(unique_id="a", ds=DAYS[120])["y"][0]
    assert np.isfinite(forecast(doubled, h=3).frame["median"].to_numpy()).all()


def test_nothing_from_a_given_moment_on_is_known():
    frame = daily()
    before = frame.filter(pl.col("ds") < DAYS[120])
    assert forecast(frame, h=3, until=DAYS[120]).frame.equals(forecast(before, h=3).frame)
    with pytest.raises(DataError, match="no row"):
        forecast(frame, until=DAYS[0])


def test_a_later_end_leaves_steps_that_nobody_knows():
    quiet = panel_of(daily(), "zero", DAYS[-1] + timedelta(days=4))[0]
    assert quiet.y[:, -4:].tolist() == [[*daily().filter(unique_id=name)["y"][-1:], 0, 0, 0] for name in "ab"]
    told = forecast(daily(), h=3, until=DAYS[-1] + timedelta(days=4))
    assert told.frame["ds"][0] == DAYS[-1] + timedelta(days=4)
    assert "ends_differ" in told.notes


def test_series_that_end_early_are_mentioned():
    frame = daily().filter(~((pl.col("unique_id") == "a") & (pl.col("ds") > DAYS[100])))
    assert "ends_differ" in forecast(frame, h=3).notes
    assert "ends_differ" not in forecast(frame, h=3, gaps="zero").notes


@pytest.mark.parametrize(
    ("frame", "error", "said"),
    [
        (pl.DataFrame({"date": DAYS, "y": range(150)}), MappingError, "'ds'"),
        (pl.DataFrame({"ds": DAYS, "count": range(150)}), MappingError, "'y'"),
        (pl.DataFrame({"ds": ["soon"], "y": [1]}), MappingError, "dates or times"),
        (pl.DataFrame({"ds": DAYS[:2], "y": ["many", "few"]}), MappingError, "numbers"),
        (pl.DataFrame({"ds": DAYS[:2], "y": [None, float("nan")]}), DataError, "no row"),
        (pl.DataFrame({"ds": [], "y": []}), DataError, "no row"),
        ([1, 2, 3], MappingError, "frame"),
    ],
)
def test_what_is_no_series_is_told(frame, error, said):
    with pytest.raises(error, match=said):
        forecast(frame)


def test_irregular_steps_are_told():
    ds = pl.Series(np.sort(np.random.default_rng(3).integers(0, 10**12, 300))).cast(pl.Datetime("us"))
    with pytest.raises(DataError, match="irregular"):
        forecast(pl.DataFrame({"ds": ds, "y": 1.0}))
    with pytest.raises(UsageError, match="horizon"):
        forecast(daily(), h=0)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_very_short_series_are_answered(n):
    frame = daily(["a"])[:n]
    told = forecast(frame, h=30)
    assert np.isfinite(told.frame.drop("unique_id", "ds").to_numpy()).all()
    assert told.notes


def test_one_bad_series_spoils_no_other():
    good = daily(["a"])
    bad = good.with_columns(unique_id=pl.lit("spike"), y=pl.when(pl.col("ds") == DAYS[70]).then(10**9).otherwise(3))
    constant = good.with_columns(unique_id=pl.lit("constant"), y=pl.lit(7).cast(good["y"].dtype))
    told = forecast(pl.concat([good, bad.cast(good.schema), constant]), h=7).frame
    alone = forecast(good, h=7).frame
    assert np.isfinite(told.drop("unique_id", "ds").to_numpy()).all()
    steady = told.filter(unique_id="constant")["median"].to_numpy()
    np.testing.assert_allclose(steady, 7.0, rtol=0.05)
    np.testing.assert_allclose(told.filter(unique_id="a")["median"], alone["median"], rtol=0.35)


def test_arrow_without_pandas_names():
    table = pa.table({"ds": pa.array(DAYS), "y": pa.array(range(150))})
    assert forecast(table, h=1).frame.height == 1


def test_intervals_of_counts_are_whole_and_hold_the_median():
    told = forecast(daily(), h=14).frame
    bounds = told.select("lo-80", "hi-80", "lo-95", "hi-95").to_numpy()
    np.testing.assert_array_equal(bounds, np.round(bounds))
    assert (told["lo-95"] <= told["lo-80"]).all()
    assert (told["hi-80"] <= told["hi-95"]).all()
    assert told.select(pl.col("median").is_between("lo-80", "hi-80").all()).item()
    halves = daily().with_columns(pl.col("y") + 0.5)
    assert not np.array_equal(*(f(forecast(halves, h=3).frame["lo-80"].to_numpy()) for f in (np.round, np.asarray)))
