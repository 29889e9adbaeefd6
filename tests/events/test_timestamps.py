"""Times are read as what they are, or not at all."""

# ruff: noqa: DTZ001 - times without a zone are what this is about

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.timestamps import parse_times
from foretide.events.wall_clock import orders_seen

MOMENT = datetime(2026, 3, 5, 14, 7, 9, tzinfo=UTC)
moments = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def read(text, **how):
    """Return ts, offset and reason of one time."""
    return parse_times(pl.Series([text]), **how).row(0)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2026-03-05T14:07:09Z", None),
        ("2026-03-05 14:07:09 UTC", None),
        ("2026-03-05T14:07:09+00:00", None),
        ("2026-03-05T16:07:09+02:00", 120),
        ("2026-03-05T09:37:09.000-0430", -270),
        ("2026-03-05T15:07:09.000000+01", 60),
        ("20260305T140709Z", None),
        ("2026/03/05 15:07:09+01:00", 60),
        ("Thu, 05 Mar 2026 14:07:09 +0000", None),
        ("05/Mar/2026:09:07:09 -0500", -300),
        ("  1772719629 ", None),
        ("1772719629000", None),
        ("1772719629000000", None),
        ("1772719629000000000", None),
        ("1772719629.0", None),
    ],
)
def test_a_time_with_an_offset_or_an_epoch_is_a_moment(text, offset):
    assert read(text) == (MOMENT, offset, None)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-05T14:07:09",
        "2026-03-05 14:07:09.000",
        "2026/3/5 14:07:09",
        "2026.03.05 14:07:09",
        "2026年3月5日 14:07:09",
        "20260305140709",
        "5 Mar 2026 14:07:09",
        "Mar 5, 2026 02:07:09 PM",
        "05-Mar-2026 14:07:09",
    ],
)
def test_a_time_without_an_offset_needs_a_zone(text):
    assert read(text) == (None, None, "no_zone")
    assert read(text, timezone="UTC") == (MOMENT, None, None)
    assert read(text, timezone="Asia/Shanghai") == (MOMENT - timedelta(hours=8), 480, None)


@pytest.mark.parametrize("text", ["2026-03-05", "20260305", "5 Mar 2026", "2026年3月5日"])
def test_a_date_is_its_midnight(text):
    assert read(text, timezone="UTC")[0] == datetime(2026, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no_ts"),
        ("", "no_ts"),
        ("  ", "no_ts"),
        ("soon", "bad_ts"),
        ("5", "bad_ts"),
        ("nan", "bad_ts"),
        ("inf", "bad_ts"),
        ("0001-01-01", "bad_ts"),
        ("9999-12-31 00:00:00", "bad_ts"),
        ("2026-02-30", "bad_ts"),
        ("2026-03-05T25:00:00Z", "bad_ts"),
        ("2026-03-05T10:00:00+99:00", "bad_ts"),
        ("3/4/2026", "ambiguous_date"),
    ],
)
def test_what_is_no_time_gets_a_reason(text, reason):
    assert read(text, timezone="UTC")[::2] == (None, reason)


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        ("dmy", "3/4/2026", (2026, 4, 3)),
        ("mdy", "3/4/2026", (2026, 3, 4)),
        ("ymd", "26/3/4", (2026, 3, 4)),
        ("dmy", "03.04.26 10:00", (2026, 4, 3)),
        ("mdy", "12-25-2026", (2026, 12, 25)),
    ],
)
def test_day_and_month_are_read_in_the_given_order(order, text, day):
    assert read(text, timezone="UTC", date_order=order)[0].timetuple()[:3] == day


def test_a_date_of_another_order_is_not_read():
    assert read("12/25/2026", timezone="UTC", date_order="dmy") == (None, None, "ambiguous_date")


@pytest.mark.parametrize(
    ("texts", "orders"),
    [
        (["25/12/2026", "3/4/2026"], {"dmy"}),
        (["12/25/2026 10:00", "3/4/2026"], {"mdy"}),
        (["99/12/31"], {"ymd"}),
        (["3/4/2026"], {"?"}),
        (["25/12/2026", "12/25/2026"], {"dmy", "mdy"}),
        (["2026-12-25", "1772719629"], set()),
        (["3.4.2026"], {"dmy"}),
        (["25.12.2026", "3.4.2026", "99.99.2025", "12.25.2026"], {"dmy"}),
        (["12.25.2026", "3.4.2026"], {"mdy"}),
        (["25.12.2026", "12.25.2026", "12.26.2026"], {"dmy", "mdy"}),
        (["99.12.31"], {"ymd"}),
        (["99.99.2025", "99/99/2025", "0/5/2025", "32/1/2025"], set()),
        (["3.4.2026", "3/4/2026"], {"dmy", "?"}),
    ],
)
def test_evidence_of_the_order(texts, orders):
    seen = orders_seen(pl.Series(texts))
    assert seen.keys() == orders
    assert set(seen.values()) <= set(texts)


def test_clocks_set_back_and_forward():
    # Berlin: 02:30 happens twice on 2026-10-25 and never on 2026-03-29
    assert read("2026-10-25 02:30:00", timezone="Europe/Berlin") == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        120,
        None,
    )
    assert read("2026-03-29 02:30:00", timezone="Europe/Berlin") == (None, None, "bad_ts")


@given(st.datetimes(datetime(1990, 1, 1), datetime(2036, 1, 1)))
@settings(deadline=None, max_examples=200)
def test_a_zone_agrees_with_the_zone_of_the_standard_library(wall):
    wall = wall.replace(microsecond=0, fold=0)
    zone = ZoneInfo("America/New_York")
    expected = wall.replace(tzinfo=zone).astimezone(UTC)
    there = expected.astimezone(zone).replace(tzinfo=None) == wall  # False for a time that clocks skipped
    ts, offset, reason = read(wall.isoformat(sep=" "), timezone="America/New_York")
    assert (ts, reason) == ((expected, None) if there else (None, "bad_ts"))
    if there:
        assert offset == wall.replace(tzinfo=zone).utcoffset() / timedelta(minutes=1)


@settings(deadline=None)
@given(moments, st.integers(-14 * 60, 14 * 60))
def test_any_moment_in_any_offset_is_read_exactly(moment, offset):
    text = moment.astimezone(timezone(timedelta(minutes=offset))).isoformat()
    assert read(text) == (moment, offset or None, None)


@settings(deadline=None)
@given(moments)
def test_epochs_and_datetimes_agree(moment):
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read(str(micros))[0] == moment
    assert parse_times(pl.Series([moment], dtype=pl.Datetime("us", "UTC")))["ts"][0] == moment
    assert parse_times(pl.Series([micros // 10**6]))["ts"][0] == moment.replace(microsecond=0)


MIXED = [
    "2026-03-05T14:07:09Z",
    "1772719629",
    "soon",
    "",
    "25/12/2026",
    "2026-03-05",
    "5 Mar 2026 10:00:00",
    "3/4/26",
]


@settings(deadline=None, max_examples=30)
@given(st.permutations(MIXED * 3))
def test_what_a_time_means_does_not_depend_on_its_neighbours(texts):
    column = pl.Series(texts)
    alone = {text: read(text, timezone="Asia/Tokyo", date_order="dmy") for text in MIXED}
    assert parse_times(column, "Asia/Tokyo", "dmy").rows() == [alone[text] for text in texts]


def test_a_typed_zone_gives_the_offset():
    column = pl.Series([datetime(2026, 7, 1, 12)]).dt.replace_time_zone("Europe/Berlin")
    assert parse_times(column).row(0) == (datetime(2026, 7, 1, 10, tzinfo=UTC), 120, None)


def test_typed_times_without_a_zone_need_one():
    column = pl.Series([datetime(2026, 7, 1, 12), None])
    assert parse_times(column)["reason"].to_list() == ["no_zone", "no_ts"]
    assert parse_times(column, "UTC")["ts"][0] == datetime(2026, 7, 1, 12, tzinfo=UTC)
