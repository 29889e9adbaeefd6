"""Panels against a count by hand; retention, habits and interests on logs that can be counted."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import NotEnoughDataError
from foretide.events.records import FrameBuckets
from foretide.features.cohorts import retention
from foretide.features.habits import habits
from foretide.features.interests import interests, population_interests
from foretide.features.now import default_as_of
from foretide.features.series import OTHER, panel
from foretide.schema import EVENTS

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


def buckets(*rows, zone="UTC"):
    """Return events ``(user, hours, category, value)``."""
    blank = dict.fromkeys(EVENTS.names())
    events = [
        blank
        | {
            "user_id": user,
            "ts": BEGIN + timedelta(hours=hours),
            "event_type": "view",
            "category": category,
            "value": v,
        }
        for user, hours, category, v in rows
    ]
    return FrameBuckets(pl.DataFrame(events, schema=EVENTS), zone)


ROWS = [("u1", 1, "a", 2.0), ("u2", 2, "b", 3.0), ("u1", 30, "a", 5.0), ("u1", 31, None, None), ("u2", 80, "a", 1.0)]
END = BEGIN + timedelta(days=4)


@pytest.mark.parametrize(
    ("measure", "expected"), [("events", [2, 2, 0, 1]), ("users", [2, 1, 0, 1]), ("value", [5.0, 5.0, 0, 1.0])]
)
def test_a_total_counted_by_hand(measure, expected):
    whole = panel(buckets(*ROWS), measure, as_of=END)
    assert whole.y.tolist() == [expected]
    assert whole.dates[0] == np.datetime64("2024-01-01")


def test_a_series_begins_with_its_first_event():
    by = panel(buckets(*ROWS), "events", "category", as_of=END)
    rows = dict(zip(by.ids, by.y.tolist(), strict=True))
    assert rows["a"] == [1, 1, 0, 1]
    assert rows["b"] == [1, 0, 0, 0]
    assert np.isnan(rows["(none)"][0])
    assert rows["(none)"][1:] == [1, 0, 0]


def test_the_day_of_as_of_is_left_out_and_later_days_are_zero():
    assert panel(buckets(*ROWS), "events", as_of=END + timedelta(hours=5)).y.tolist() == [[2, 2, 0, 1]]
    assert panel(buckets(*ROWS), "events", as_of=END + timedelta(days=2)).y.tolist() == [[2, 2, 0, 1, 0, 0]]


def test_days_are_local():
    late = panel(buckets(("u1", 20, "a", None), ("u1", 23, "a", None), zone="Asia/Shanghai"), "events", as_of=END)
    assert (late.dates[0], late.y[0, 0]) == (np.datetime64("2024-01-02"), 2)


def test_the_long_tail_is_one_series_and_users_in_it_count_once():
    rows = [("u1", 1, f"c{n}", 1.0) for n in range(50)] + [("u1", 2, "big", 1.0)] * 9
    grouped = panel(buckets(*rows), "users", "category", as_of=BEGIN + timedelta(days=1), max_series=2)
    assert dict(zip(grouped.ids, grouped.y[:, 0], strict=True)) == {"big": 1, OTHER: 1}


def test_no_whole_day_is_an_error():
    with pytest.raises(NotEnoughDataError, match="whole day"):
        panel(buckets(*ROWS), "events", as_of=BEGIN + timedelta(hours=3))


def test_an_outage_is_not_taken_for_zero():
    rows = [("u1", 24 * day + n / 60, "a", 1.0) for day in range(21) for n in range(30) if day != 15]
    assert panel(buckets(*rows), "events", as_of=BEGIN + timedelta(days=21)).y.tolist() == [[30] * 21]


def test_retention_counted_by_hand():
    week = 24 * 7
    table = retention(
        buckets(
            ("u1", 0, "a", 1),
            ("u2", 5, "a", 1),
            ("u1", week, "a", 1),
            ("u3", week + 1, "a", 1),
            ("u2", 2 * week, "a", 1),
        ),
        BEGIN + timedelta(days=21),
    )
    first, second = date(2024, 1, 1), date(2024, 1, 8)
    assert table.rows() == [
        (first, 0, 2, 2),
        (first, 1, 2, 1),
        (first, 2, 2, 1),
        (second, 0, 1, 1),
        (second, 1, 1, 0),
    ]


def test_habits_count_every_event_once_at_its_own_clock():
    log = buckets(*ROWS)
    own = FrameBuckets(log.frame.with_columns(tz_offset_min=pl.lit(60, pl.Int16)))
    for cells, shift in ((habits(log, END), 0), (habits(own, END), 1)):
        assert (cells.height, cells["events"].sum()) == (168, 5)
        assert cells.filter(weekday=1, hour=1 + shift)["events"].item() == 1


def test_interests_are_shrunk_to_the_population():
    log = buckets(("u1", 0, "a", 1), ("u1", 0, "a", 1), ("u2", 0, "b", 1))
    pi = dict(population_interests(log, END).iter_rows())
    assert pi == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    n = 2 * 0.5 ** (4 / 28)
    table = {(row["user_id"], row["category"]): row["share"] for row in interests(log, END).iter_rows(named=True)}
    assert table["u1", "a"] == pytest.approx((n + 5 * 2 / 3) / (n + 5))
    assert table["u2", "b"] == pytest.approx((n / 2 + 5 / 3) / (n / 2 + 5))


@pytest.mark.parametrize(("last_hour", "end"), [(22.9, 11), (9.0, 10)])
def test_a_day_that_was_cut_off_is_not_the_last_whole_day(last_hour, end):
    steady = [("u1", 24 * day + 23 - day % 3 / 10, "a", 1) for day in range(10)]
    log = buckets(*steady, ("u1", 240 + last_hour, "a", 1))
    assert default_as_of(log, log.frame["ts"].max()) == BEGIN + timedelta(days=end)
