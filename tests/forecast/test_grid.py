"""The steps that dates lie on."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import DataError, UsageError
from foretide.forecast.grid import Grid, grid_of

FIRST = datetime(2024, 1, 1)  # noqa: DTZ001 as the dates of a frame
LATER = datetime(2024, 7, 1)  # noqa: DTZ001
EVERY = st.sampled_from(["5m", "1h", "1d", "1w", "1mo", "1q"])


def moments(every):
    return pl.datetime_range(FIRST, LATER, every, eager=True)[:60]


@pytest.mark.parametrize(
    ("every", "name"),
    [
        ("1m", "minute"),
        ("5m", "other"),
        ("1h", "hour"),
        ("1d", "day"),
        ("1w", "week"),
        ("1mo", "month"),
        ("1q", "quarter"),
    ],
)
def test_steps_have_their_names(every, name):
    ds = moments(every)
    grid = grid_of(ds)
    assert grid.name == name
    np.testing.assert_array_equal(grid.dates, ds.to_numpy().astype(grid.dates.dtype))
    np.testing.assert_array_equal(grid.place(ds), np.arange(ds.len()))


@settings(max_examples=30)
@given(EVERY, st.sets(st.integers(0, 59), min_size=2))
def test_every_date_lies_on_a_step(every, kept):
    ds = moments(every)
    some = ds.gather(sorted({n % ds.len() for n in kept}))
    grid = grid_of(some)
    np.testing.assert_array_equal(grid.dates[grid.place(some)].astype("datetime64[us]"), some.to_numpy())
    assert grid.place(some).max() == grid.n_steps - 1


@settings(max_examples=30)
@given(EVERY, st.integers(1, 60), st.booleans())
def test_a_grid_ends_with_the_last_step_before_a_moment(every, n, between):
    ds = moments(every)
    n = min(n, ds.len() - 1)
    until = ds[n] + timedelta(microseconds=1) if between else ds[n]
    assert grid_of(ds).ending(until).n_steps == n + between
    assert grid_of(ds[:2]).ending(until).n_steps == n + between


def test_a_day_is_its_midnight_and_zones_are_left_out():
    grid = grid_of(moments("1h"))
    by_day, by_moment = (grid.ending(until) for until in (date(2024, 1, 3), datetime(2024, 1, 3, tzinfo=UTC)))
    assert by_day == by_moment
    assert by_day.n_steps == 48


def test_dates_before_1970_lie_on_steps_too():
    grid = grid_of(pl.datetime_range(datetime(1969, 11, 1), datetime(1970, 2, 1), "1mo", eager=True))  # noqa: DTZ001
    assert grid == Grid("M", -2, 1, 4)


@settings(max_examples=30)
@given(EVERY, st.integers(0, 59), st.timedeltas(timedelta(seconds=1), timedelta(hours=23)))
def test_one_stray_date_in_a_hundred_changes_no_step(every, at, by):
    ds = moments(every)
    often = pl.concat([ds] * (1 + 200 // ds.len()))
    stray = pl.Series([ds[at % ds.len()] + by])
    grid = grid_of(pl.concat([often, stray]))
    assert (grid.unit, grid.step) == (grid_of(ds).unit, grid_of(ds).step)
    assert (grid.moments(often) == often.to_numpy()).all()
    assert grid.moments(stray)[0] <= stray.to_numpy()[0]


def test_two_shifts_of_a_week_are_no_weeks():
    mondays, sundays = (pl.datetime_range(FIRST + timedelta(days=n), LATER, "1w", eager=True) for n in (0, 6))
    assert grid_of(pl.concat([mondays, sundays])).name == "day"
    assert grid_of(pl.concat([mondays] * 99 + [sundays])).name == "week"


def test_a_slip_of_the_year_is_told():
    days = moments("1d")
    for slip in (datetime(2124, 1, 1), datetime(1924, 1, 1)):  # noqa: DTZ001
        with pytest.raises(DataError, match=f"{slip:%Y}"):
            grid_of(pl.concat([days, pl.Series([slip])]))


def test_steps_beyond_reason_are_told():
    ds = pl.Series(np.sort(np.random.default_rng(3).integers(0, 10**12, 300))).cast(pl.Datetime("us"))
    with pytest.raises(DataError, match="irregular"):
        grid_of(ds)
    with pytest.raises(UsageError, match="nearer"):
        grid_of(moments("1h")).ending(date(9999, 1, 1))
