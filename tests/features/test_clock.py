"""Local time in compiled code is that of the standard library's zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.events.records import FrameBuckets
from foretide.features.clock import MINUTE_US, clock_of, days_at, hour_of_week, offset_at
from foretide.features.fold import feature_table
from foretide.features.user_events import as_arrays, ticks
from foretide.schema import TS

ST_JOHNS = "America/St_Johns"
#: 1980, in microseconds: a store takes no event before.
SINCE = 315_532_800_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1981, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Gaza"]
)


@given(MOMENTS, ZONES)
@settings(max_examples=300, deadline=None)
def test_day_and_hour_of_any_moment(moment, zone):
    clock = clock_of(zone)
    ts = (moment - EPOCH) // timedelta(microseconds=1)
    local = ts + offset_at(clock.changes, clock.offsets, ts)
    there = moment.astimezone(ZoneInfo(zone))
    assert local // 86_400_000_000 == (there.date() - EPOCH.date()).days
    assert hour_of_week(local) == there.weekday() * 24 + there.hour


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Africa/Casablanca"])
def test_the_microseconds_around_every_change_of_the_clock(zone):
    clock = clock_of(zone)
    assert clock.changes.size > 100
    for change in clock.changes[20:90]:
        for ts in (int(change) - 1, int(change)):
            there = (EPOCH + timedelta(microseconds=ts)).astimezone(ZoneInfo(zone))
            assert offset_at(clock.changes, clock.offsets, ts) == there.utcoffset() // timedelta(microseconds=1)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia"])
def test_a_day_is_that_of_the_frames_too(zone):
    """Of events, of cut-offs and of daily series: the date that clocks show."""
    changes = clock_of(zone).changes[1:]
    changes = changes[changes > SINCE]
    ts = np.sort(np.concatenate([changes + MINUTE_US * minutes for minutes in range(-90, 91)]))
    frames = pl.Series(ts).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone).dt.date()
    assert changes.size > 20
    assert days_at(clock_of(zone), ts).tolist() == frames.cast(pl.Int32).to_list()
    cutoffs = pl.Series(ts + 1).cast(pl.Datetime("us", "UTC")).to_list()
    assert ticks(cutoffs, zone)[1].tolist() == frames.cast(pl.Int32).to_list()


def test_before_1970_events_and_cutoffs_have_one_clock():
    events = pl.DataFrame({"user_id": "u", "ts": [datetime(1916, 5, 1, 21, 30, tzinfo=UTC)]}).cast({"ts": TS})
    (day,) = as_arrays(events, "Europe/Berlin").day
    assert ticks([events["ts"][0] + timedelta(microseconds=1)], "Europe/Berlin")[1] == day


def test_a_midnight_that_comes_twice_begins_one_day():
    """At St John's a day was a minute old when the clock went back to the evening before."""
    first = datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC)  # 00:00:30 of the 7th
    again = first + timedelta(minutes=30)  # 23:30 of the 6th
    log = FrameBuckets(pl.DataFrame({"user_id": "u", "ts": [first, again], "value": 1.0}).cast({"ts": TS}), ST_JOHNS)
    (row,) = feature_table(log, [again + timedelta(days=1)]).iter_rows(named=True)
    assert (row["n_events"], row["active_days"], row["active_days_7"]) == (2, 1, 1)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_zone_is_told(zone):
    with pytest.raises(UsageError, match="no time zone"):
        clock_of(zone)
