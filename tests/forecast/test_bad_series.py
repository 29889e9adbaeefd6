"""Bad series through the public call: each has a stated answer or a clear error, and spoils no other series."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

import foretide
from foretide.errors import DataError, MappingError, UsageError

N_DAYS = 200
DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(N_DAYS)]
WEEK = np.array([1.0, 1.1, 0.9, 1.0, 1.3, 1.6, 0.7])


def counts(mean, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * WEEK[np.arange(N_DAYS) % 7]).astype(float)


def frame_of(**series):
    """Make a frame of series, each its figures on the last of ``DAYS``."""
    parts = [
        pl.DataFrame({"unique_id": name, "ds": DAYS[N_DAYS - len(y) :], "y": np.asarray(y, dtype=float)})
        for name, y in series.items()
    ]
    return pl.concat(parts)


GOOD = frame_of(**{f"good{i}": counts(12.0 * (i + 1), i) for i in range(8)})


def told_of_good(frame, models=()):
    """Return the figures of the good series, ``(n_rows, n_columns)``."""
    told = foretide.forecast(frame, 14, models=models).frame
    assert np.isfinite(told.drop("unique_id", "ds").to_numpy()).all()
    return told.filter(pl.col("unique_id").str.starts_with("good")).drop("unique_id", "ds").to_numpy()


@pytest.fixture(scope="module")
def alone():
    return told_of_good(GOOD)


spike = counts(20.0, 50)
spike[150] = 1e9
LEFT_APART = {
    "one step": [5.0],
    "two steps": [5.0, 6.0],
    "constant": [7.0] * N_DAYS,
    "all zero": [0.0] * N_DAYS,
    "one huge spike": spike,
    "a spike in nothing": [0.0] * 180 + [1e6] + [0.0] * 19,
    "sparse": np.random.default_rng(5).poisson(0.3, N_DAYS),
    "sparse fractions": np.random.default_rng(6).poisson(0.3, N_DAYS) * 0.37,
}


@pytest.mark.parametrize("name", LEFT_APART)
def test_nothing_is_learnt_from_an_odd_series(alone, name):
    np.testing.assert_allclose(told_of_good(pl.concat([GOOD, frame_of(bad=LEFT_APART[name])])), alone, rtol=1e-9)


def test_a_spike_that_is_over_is_not_forecast_on():
    told = foretide.forecast(frame_of(bad=spike), 14, models=()).frame
    assert told["mean"].mean() == pytest.approx(20 * WEEK.mean(), rel=0.1)
    assert told["hi-95"].max() < 100
    among = foretide.forecast(pl.concat([GOOD, frame_of(bad=spike)]), 14, models=())
    assert among.frame.filter(unique_id="bad")["mean"].mean() == pytest.approx(20 * WEEK.mean(), rel=0.1)
    assert "odd_series" in among.notes


@pytest.mark.parametrize("name", ["one huge spike", "a spike in nothing", "all zero"])
def test_an_odd_leaf_spoils_no_other_leaf(name):
    ids = [f"good{i}" for i in range(8)]
    groups = pl.DataFrame({"unique_id": [*ids, "bad"], "group": ["x", "y"] * 4 + ["x"]})
    frame = pl.concat([GOOD, frame_of(bad=LEFT_APART[name])])
    told, without = (
        foretide.forecast(one, 14, models=(), hierarchy=table).frame.filter(pl.col("unique_id").is_in(ids))
        for one, table in ((frame, groups), (GOOD, groups[:8]))
    )
    np.testing.assert_allclose(told["mean"], without["mean"], rtol=0.1)


def test_trees_learn_nothing_from_odd_series():
    trees = ("lightgbm",)
    odd = frame_of(**{name: y for name, y in LEFT_APART.items() if "sparse" not in name})
    np.testing.assert_allclose(told_of_good(pl.concat([GOOD, odd]), trees), told_of_good(GOOD, trees), rtol=1e-9)


def test_a_series_without_figures_and_one_that_ended_long_ago_change_nothing(alone):
    silent = frame_of(bad=[np.nan] * N_DAYS)
    ended = frame_of(bad=counts(30.0, 9)).filter(pl.col("ds") < DAYS[100])
    for bad, note in ((silent, "series_left_out"), (ended, "ends_differ")):
        np.testing.assert_allclose(told_of_good(pl.concat([GOOD, bad])), alone, rtol=1e-9)
        assert note in foretide.forecast(pl.concat([GOOD, bad]), 2, models=()).notes


gappy = counts(25.0, 7)
gappy[60:75] = np.nan
LEARNT_FROM = {
    "missing days": gappy,
    "negative": counts(25.0, 8) * np.where(np.arange(N_DAYS) % 50 == 3, -1, 1),
    "amounts": counts(25.0, 8) * 1.7,
    "short": counts(25.0, 8)[-40:],
}


@pytest.mark.parametrize("name", LEARNT_FROM)
def test_a_series_like_others_moves_them_a_little_as_they_learn_from_each_other(alone, name):
    among = told_of_good(pl.concat([GOOD, frame_of(bad=LEARNT_FROM[name])]))
    moved = np.abs(among - alone) / (alone + 5.0)
    assert moved[:, :2].max() < 0.1
    assert moved.max() < 0.3  # bounds are whole


def test_one_series_of_amounts_does_not_take_whole_bounds_from_counts():
    told = foretide.forecast(pl.concat([GOOD, frame_of(bad=counts(25.0, 8) * 1.7)]), 14, models=()).frame
    whole = told.filter(pl.col("unique_id") != "bad").select(pl.col("hi-80") == pl.col("hi-80").round())
    assert whole["hi-80"].all()
    bad = told.filter(unique_id="bad")["hi-80"]
    assert (bad != bad.round()).any()


def test_figures_below_zero_are_said_and_nothing_is_forecast_below_it():
    told = foretide.forecast(frame_of(a=counts(5.0) - 4.0), 7, models=())
    assert "below_zero" in told.notes
    assert (told.frame.drop("unique_id", "ds").to_numpy() >= 0).all()


def test_one_row_at_noon_does_not_make_days_into_half_days(alone):
    noon = GOOD.with_columns(pl.col("ds").cast(pl.Datetime("us")))
    stray = pl.DataFrame({"unique_id": ["bad"], "ds": [datetime(2024, 3, 1, 13, 20)], "y": [4.0]})  # noqa: DTZ001
    among = pl.concat([noon, stray.cast(noon.schema)])
    np.testing.assert_allclose(told_of_good(among), alone, rtol=1e-9)
    assert "off_steps" in foretide.forecast(among, 7, models=()).notes


def test_daily_figures_at_noon_have_a_week():
    noon = GOOD.with_columns(pl.col("ds").cast(pl.Datetime("us")).dt.offset_by("12h"))
    assert foretide.forecast(noon, 7, models=()).season_length == 7


def test_a_slip_of_the_year_is_told():
    for year in (1924, 2124):
        wrong = pl.DataFrame({"unique_id": ["bad"], "ds": [date(year, 3, 1)], "y": [4.0]})
        with pytest.raises(DataError, match=str(year)):
            foretide.forecast(pl.concat([GOOD, wrong]), 7)


def test_a_series_that_lacks_most_steps_is_said():
    weekly = frame_of(bad=counts(30.0)).gather_every(7)
    assert "many_gaps" in foretide.forecast(pl.concat([GOOD, weekly]), 7, models=()).notes
    assert "many_gaps" not in foretide.forecast(pl.concat([GOOD, weekly]), 7, gaps="zero", models=()).notes


def test_a_horizon_longer_than_the_history_is_answered():
    told = foretide.forecast(GOOD, 500, models=())
    assert told.frame.height == 8 * 500
    assert "horizon_longer_than_history" in told.notes


def pandas(ds, y=None):
    return pd.DataFrame({"ds": ds, "y": counts(9.0)[: len(ds)] if y is None else y})


def test_pandas_in_many_forms_gives_the_same():
    days = pd.date_range("2024-01-01", periods=N_DAYS)
    plain = foretide.forecast(pandas(days), 7, models=()).frame
    forms = [
        pandas(days.tz_localize("Europe/Berlin")),
        pandas(days.strftime("%Y-%m-%d")),
        pandas(days.strftime("%Y-%m-%dT%H:%M:%S")),
        pandas(days.strftime("%Y-%m-%dT%H:%M:%S+08:00")),
        pandas(days.strftime("%Y-%m-%d %H:%M:%SZ")),
        pandas([day.date() for day in days]),
        pandas(days).set_index("ds"),
        pandas(days, pd.array(counts(9.0).astype(int), dtype="Int64")),
        pandas(days.astype("datetime64[s]")),
    ]
    for form in forms:
        assert foretide.forecast(form, 7, models=()).frame.equals(plain)


def test_the_names_of_series_may_stand_in_the_index():
    two = pl.concat([frame_of(a=counts(9.0)), frame_of(b=counts(20.0, 1))])
    indexed = two.to_pandas().set_index("unique_id")
    assert foretide.forecast(indexed, 7, models=()).frame.equals(foretide.forecast(two, 7, models=()).frame)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ds": list(range(N_DAYS))}, "dates or times, not Int64"),
        ({"ds": [0.5] * N_DAYS}, "dates or times"),
        ({"ds": ["03/04/2024"] * N_DAYS}, "2026-12-24"),
        ({"ds": ["2024-01-01"] * (N_DAYS - 1) + ["soon"]}, "'soon' .row 200"),
        ({"y": ["1"] * (N_DAYS - 1) + ["1,5"]}, "'1,5' .row 200"),
        ({"y": DAYS}, "numbers, not Date"),
        ({"unique_id": [["a"]] * N_DAYS}, "unique_id"),
    ],
)
def test_wrong_types_are_told(change, said):
    columns = {"unique_id": ["a"] * N_DAYS, "ds": DAYS, "y": counts(5.0)} | change
    with pytest.raises(MappingError, match=said):
        foretide.forecast(pl.DataFrame(columns), 7)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"h": 0}, "horizon"),
        ({"h": 2.5}, "h must be a whole number"),
        ({"h": "28"}, "h must be"),
        ({"h": None}, "h must be"),
        ({"levels": (0,)}, "1 to 99"),
        ({"levels": (80, 101)}, "1 to 99"),
        ({"levels": ("80",)}, "levels must be"),
        ({"season_length": 0}, "season_length"),
        ({"season_length": 3.5}, "season_length"),
        ({"gaps": "none"}, "last or zero"),
        ({"until": "soon"}, "until"),
        ({"models": ["oracle"]}, "oracle"),
        ({"models": "lightgbm"}, "lightgbm"),
        ({"models": None}, "list of names"),
        ({"holidays": "ATLANTIS"}, "ATLANTIS"),
        ({"holidays": 5}, "holidays"),
    ],
)
def test_what_cannot_be_asked_is_told(options, said):
    with pytest.raises(UsageError, match=said):
        foretide.forecast(GOOD, **options)


def test_one_level_and_a_text_for_a_day_are_understood():
    told = foretide.forecast(GOOD, np.int64(7), levels=90, until="2024-06-01", models=()).frame
    assert told.columns[-2:] == ["lo-90", "hi-90"]
    assert told["ds"][0] == date(2024, 6, 1)


@pytest.mark.parametrize("empty", [GOOD[:0], pd.DataFrame({"ds": [], "y": []}), pl.DataFrame({"ds": [], "y": []})])
def test_an_empty_frame_is_told(empty):
    with pytest.raises(DataError, match="no row"):
        foretide.forecast(empty, 7)


def test_rows_without_a_date_are_left_out_and_said():
    names, ds = ["good1", None, "bad", "bad"], [None, DAYS[5], DAYS[6], DAYS[7]]
    lost = pl.DataFrame({"unique_id": names, "ds": ds, "y": [1.0, 2.0, np.inf, 1e300]}, GOOD.schema)
    told = foretide.forecast(pl.concat([GOOD, lost]), 7, models=())
    assert told.frame.equals(foretide.forecast(GOOD, 7, models=()).frame)
    assert "rows_left_out" in told.notes


def test_a_million_steps_are_answered():
    rng = np.random.default_rng(0)
    hours = pl.datetime_range(datetime(1900, 1, 1), datetime(2020, 1, 1), "1h", eager=True)[:1_000_000]  # noqa: DTZ001
    mean = 20 + 10 * np.sin(np.arange(hours.len()) * 2 * np.pi / 24)
    told = foretide.forecast(pl.DataFrame({"ds": hours, "y": rng.poisson(mean)}), 24, season_length=24, models=())
    np.testing.assert_allclose(told.frame["mean"], mean[(np.arange(24) + hours.len()) % 24], atol=5)
