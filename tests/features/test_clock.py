"""Local time in compiled code is that of the standard library's zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.features.clock import clock_of, hour_of_week, offset_at

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


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_zone_is_told(zone):
    with pytest.raises(UsageError, match="no time zone"):
        clock_of(zone)
