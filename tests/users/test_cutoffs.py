"""Cut-offs: what may be learnt from when."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.users.cutoffs import (
    LEAD_DAYS,
    horizon,
    room_days,
    shifted,
    trainable_horizon,
    training_cutoffs,
    warm_up_days,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def test_a_horizon_of_local_midnights_stays_at_midnight_when_the_clocks_change():
    cutoff = datetime(2024, 3, 25, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    begin, end = horizon(cutoff, 14, BERLIN)
    assert begin.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None) == datetime(2024, 3, 26)  # noqa: DTZ001
    assert end.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None) == datetime(2024, 4, 9)  # noqa: DTZ001


@given(st.integers(0, 900), st.integers(1, 200), st.integers(1, 12), st.sampled_from(["UTC", BERLIN]))
def test_every_training_horizon_is_over_and_comes_after_the_warm_up(history, days, at_most, timezone):
    as_of = shifted(START, history, timezone)
    cutoffs = training_cutoffs(START, as_of, days, timezone, at_most)
    assert len(cutoffs) <= at_most
    assert cutoffs == sorted(set(cutoffs))
    for cutoff in cutoffs:
        assert horizon(cutoff, days, timezone)[1] <= as_of
        assert cutoff >= START + timedelta(days=warm_up_days((as_of - START).days)) - timedelta(hours=1)
    gaps = {(b - a + timedelta(hours=1)).days % 7 for a, b in pairwise(cutoffs)}
    assert gaps <= {0}


def test_the_last_cutoff_is_as_late_as_can_be():
    as_of = START + timedelta(days=200)
    assert training_cutoffs(START, as_of, 28)[-1] == as_of - timedelta(days=LEAD_DAYS + 28)


@given(st.integers(0, 1000), st.integers(1, 400))
def test_a_trainable_horizon_has_a_cutoff_and_is_the_one_asked_for_where_it_fits(history, asked):
    days = trainable_horizon(history, asked)
    assert 0 <= days <= asked
    fits = bool(training_cutoffs(START, START + timedelta(days=history), asked))
    assert (days == asked) == fits
    if days:
        assert training_cutoffs(START, START + timedelta(days=history), days)
    room = room_days(history)
    assert not room or training_cutoffs(START, START + timedelta(days=history), room)
    assert not training_cutoffs(START, START + timedelta(days=history), room + 1)


@pytest.mark.parametrize("days", [10**7, -(10**6), 10**12])
def test_a_day_that_no_calendar_has_is_refused(days):
    with pytest.raises(UsageError, match="in no calendar"):
        shifted(START, days, "UTC")


#: Where clocks skip midnight, show it twice, move by half an hour, or left out a day.
STRANGE = ("Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York", BERLIN)


@given(st.datetimes(datetime(2009, 1, 1), datetime(2026, 1, 1)), st.integers(1, 300), st.sampled_from(STRANGE))  # noqa: DTZ001
def test_the_horizon_of_a_cutoff_found_by_going_back_never_ends_later(wall, days, timezone):
    as_of = wall.replace(tzinfo=UTC)
    cutoff = shifted(as_of, -LEAD_DAYS - days, timezone)
    begin, end = horizon(cutoff, days, timezone)
    assert cutoff <= begin < end <= as_of


def test_a_midnight_that_the_clocks_skip_lets_nothing_of_the_next_day_in():
    """In Cairo 2024-04-26 began at one o'clock; the horizon of 28 days ended at one too, an hour after ``as_of``."""
    cairo = ZoneInfo("Africa/Cairo")
    as_of = datetime(2024, 5, 25, tzinfo=cairo).astimezone(UTC)
    cutoff = training_cutoffs(datetime(2024, 1, 1, tzinfo=UTC), as_of, 28, "Africa/Cairo")[-1]
    assert horizon(cutoff, 28, "Africa/Cairo")[1] <= as_of
