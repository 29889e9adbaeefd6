"""Holidays, events, prices and promotions as a caller gives them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

import foretide
from foretide.errors import MappingError, UsageError
from foretide.features.calendar import CALENDAR, country_holidays
from foretide.forecast.covariates import scaled
from foretide.forecast.known_ahead import covariates_of, events_of

FIRST, N_DAYS = date(2022, 1, 3), 720
DAYS = [FIRST + timedelta(days=n) for n in range(N_DAYS + 28)]


def sales(n_series=4, seed=0):
    return np.random.default_rng(seed).poisson(60.0, (n_series, N_DAYS)).astype(float)


def frame_of(y):
    return pl.concat(pl.DataFrame({"unique_id": f"s{i}", "ds": DAYS[:N_DAYS], "y": row}) for i, row in enumerate(y))


def test_holidays_of_a_country_are_those_of_its_calendar():
    y = sales()
    unity = [i for i, day in enumerate(DAYS) if (day.month, day.day) == (12, 25) and i < N_DAYS]
    y[:, unity] *= 3
    told = foretide.forecast(frame_of(y), 14, holidays="DE", models=())
    table = country_holidays("DE", FIRST, DAYS[N_DAYS + 13])
    assert told.frame.equals(foretide.forecast(frame_of(y), 14, events=table, models=()).frame)
    christmas = told.frame.filter(ds=date(2023, 12, 25))["median"] if date(2023, 12, 25) >= DAYS[N_DAYS] else None
    assert christmas is None or christmas.mean() > 120


def test_events_of_any_frame_are_read():
    wanted = pl.DataFrame([("fair", FIRST, FIRST, None)], CALENDAR, orient="row")
    for given in (
        pd.DataFrame({"event": ["fair"], "ds": pd.to_datetime([FIRST])}),
        pl.DataFrame({"name": ["fair"], "start": [str(FIRST)]}),
        pl.DataFrame({"event": ["fair"], "date": [FIRST], "end": [None], "category": [None]}),
        wanted.to_arrow(),
    ):
        assert events_of(given).equals(wanted)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"event": ["fair"]}, "'ds'"),
        ({"ds": [FIRST]}, "'event'"),
        ({"event": ["fair"], "ds": [3]}, "dates or times"),
        ({"event": ["fair"], "ds": [DAYS[3]], "end": [FIRST]}, "ends before"),
        ({"event": [None], "ds": [FIRST]}, "no name"),
    ],
)
def test_events_that_cannot_be_read_are_told(given, said):
    with pytest.raises(MappingError, match=said):
        foretide.forecast(frame_of(sales(1)), 7, events=pl.DataFrame(given))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unique_id": ["s0"], "price": [1.0]}, "'ds'"),
        ({"unique_id": ["s0"], "ds": [FIRST]}, "beside"),
        ({"unique_id": ["s0"], "ds": [FIRST], "price": ["dear"]}, "price must be numbers"),
    ],
)
def test_covariates_that_cannot_be_read_are_told(given, said):
    with pytest.raises(MappingError, match=said):
        foretide.forecast(frame_of(sales(1)), 7, covariates=pl.DataFrame(given))


def test_covariates_of_pandas_with_times_are_those_of_days():
    days = pd.date_range(FIRST, periods=3, tz="Asia/Shanghai")
    told = covariates_of(pd.DataFrame({"ds": days, "price": [1.0, np.inf, 2.0]}))
    assert told["ds"].to_list() == DAYS[:3]
    assert told["price"].to_list() == [1.0, None, 2.0]


def promoted(days):
    rng = np.random.default_rng(3)
    return (rng.random(len(DAYS)) < 0.2).astype(float)[:days]


def test_a_promotion_that_is_not_known_ahead_stays_as_it_was_and_that_is_said():
    y = sales() * np.exp(0.7 * promoted(N_DAYS))
    table = pl.DataFrame({"ds": DAYS, "promotion": promoted(len(DAYS))})
    whole = foretide.forecast(frame_of(y), 28, covariates=table, models=())
    ended = foretide.forecast(frame_of(y), 28, covariates=table[:N_DAYS], models=())
    last = table.with_columns(
        promotion=pl.when(pl.col("ds") < DAYS[N_DAYS]).then("promotion").otherwise(table["promotion"][N_DAYS - 1])
    )
    assert "covariates_end" in ended.notes
    assert "covariates_end" not in whole.notes
    assert ended.frame.equals(foretide.forecast(frame_of(y), 28, covariates=last, models=()).frame)
    on = whole.frame.join(table, on="ds")
    means = [on.filter(promotion=value)["median"].mean() for value in (0.0, 1.0)]
    assert means[1] / means[0] == pytest.approx(np.exp(0.7), rel=0.1)


def test_a_slip_in_one_price_is_not_known_and_flags_are_no_prices():
    price = np.linspace(1.0, 3.0, 200)
    price[[5, 9]] = 0.0, np.inf
    told = scaled(price)
    assert np.flatnonzero(np.isnan(told)).tolist() == [5, 9]
    np.testing.assert_allclose(told[10:], np.log(price[10:]))
    opened = np.ones(200)
    opened[7] = 0.0
    np.testing.assert_array_equal(scaled(opened), opened)


def test_days_are_needed_for_what_is_known_by_day():
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 20), "1h", eager=True)
    hourly = pl.DataFrame({"ds": hours, "y": np.arange(hours.len()) % 24})
    monthly = pl.DataFrame({"ds": pl.date_range(date(2010, 1, 1), date(2019, 1, 1), "1mo", eager=True), "y": 3.0})
    for frame in (hourly, monthly):
        with pytest.raises(UsageError, match="by day"):
            foretide.forecast(frame, 24, holidays="DE")


def test_covariates_of_no_series_are_told():
    table = pl.DataFrame({"unique_id": "elsewhere", "ds": DAYS, "price": 2.0})
    with pytest.raises(UsageError, match="elsewhere"):
        foretide.forecast(frame_of(sales()), 7, covariates=table)
    some = pl.concat([table, table.with_columns(unique_id=pl.lit("s1"))])
    assert foretide.forecast(frame_of(sales()), 7, covariates=some, models=()).frame.height == 28


def test_what_a_forecast_is_made_of_tells_events_and_covariates_apart():
    y = sales() * np.exp(0.7 * promoted(N_DAYS))
    feasts = list(range(10, len(DAYS), 35))
    y[:, [i for i in feasts if i < N_DAYS]] *= 2
    told = foretide.forecast(
        frame_of(y),
        28,
        events=pl.DataFrame({"event": "feast", "ds": [DAYS[i] for i in feasts]}),
        covariates=pl.DataFrame({"ds": DAYS, "promotion": promoted(len(DAYS))}),
        models=(),
    )
    table = told.parts
    figures = table.select("level", "trend", "season", "event", "covariate", "rest").sum_horizontal()
    np.testing.assert_allclose(figures, table["median"])
    np.testing.assert_allclose(table["median"], told.frame["median"])
    feast = table.filter(pl.col("ds").is_in([DAYS[i] for i in feasts if i >= N_DAYS]))
    assert (feast["event"] > 30).all()
    assert table.filter(~pl.col("ds").is_in(feast["ds"].implode()))["event"].abs().max() < 12
    assert table["covariate"].max() > 30
