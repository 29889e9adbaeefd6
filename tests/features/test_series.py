"""Series: the long tail, the kinds of zero, local midnights and buckets."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.events.records import FrameBuckets
from foretide.features.series import (
    NONE,
    OTHER,
    last_day,
    n_grouped,
    outages,
    panel,
    stage_panel,
)
from foretide.schema import EVENTS, STAGES

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BUSY = 30


def log(rows, zone="UTC"):
    """Return events ``(user, moment, category, value)``."""
    blank = dict.fromkeys(EVENTS.names())
    keys = ("user_id", "ts", "category", "value")
    events = [blank | {"event_type": "view"} | dict(zip(keys, row, strict=True)) for row in rows]
    return FrameBuckets(pl.DataFrame(events, schema=EVENTS), zone)


@dataclass
class Split:
    """A log whose users are spread over buckets."""

    frame: pl.DataFrame
    timezone: str = "UTC"
    ids = (0, 1, 2)

    def bucket(self, i, columns=None, until=None):
        rows = self.frame.filter(pl.col("user_id").str.tail(1).cast(pl.Int64) % 3 == i)
        return FrameBuckets(rows).bucket(0, columns, until)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([f"u{n}" for n in range(6)]),
        st.integers(0, 24 * 12).map(lambda h: BEGIN + timedelta(hours=h)),
        st.sampled_from(["a", "b", "c", "d", "é", "\U0001f600", None]),
        st.one_of(st.none(), st.integers(-5, 5).map(float)),
    ),
    min_size=1,
    max_size=60,
)


def counted(rows, measure, zone, end, kept):
    """Work a panel out from the list of rows: figures by series and local day."""
    cells = {}
    for user, moment, category, value in rows:
        day = moment.astimezone(ZoneInfo(zone)).date()
        name = NONE if category is None else category
        if day < end:
            cells.setdefault((name if name in kept else OTHER, day), []).append((user, value))
    tell = {
        "events": len,
        "users": lambda cell: len({user for user, _ in cell}),
        "value": lambda cell: sum(value or 0 for _, value in cell),
    }[measure]
    return {key: tell(cell) for key, cell in cells.items()}


@given(
    ROWS, st.sampled_from(["events", "users", "value"]), st.sampled_from(["UTC", "Asia/Shanghai"]), st.integers(1, 8)
)
@settings(max_examples=60, deadline=None)
def test_a_panel_is_what_is_counted_by_hand_in_any_buckets_and_order(rows, measure, zone, max_series):
    as_of = BEGIN + 14 * DAY
    buckets = log(rows, zone)
    told = panel(buckets, measure, "category", as_of=as_of, max_series=max_series)
    figures = counted(rows, measure, zone, as_of.astimezone(ZoneInfo(zone)).date(), told.ids)
    assert len(told.ids) <= max_series
    begins = {}
    for name, day in sorted(figures, key=lambda key: key[1]):
        begins.setdefault(name, day)
    assert sorted(begins) == sorted(told.ids)
    for name, y in zip(told.ids, told.y, strict=True):
        for day, figure in zip(told.dates.tolist(), y, strict=True):
            assert np.isnan(figure) if day < begins[name] else figure == figures.get((name, day), 0)
    split = Split(buckets.frame.reverse(), zone)
    np.testing.assert_array_equal(panel(split, measure, "category", as_of=as_of, max_series=max_series).y, told.y)


@given(ROWS, st.lists(st.integers(0, 200), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_what_comes_later_changes_nothing(rows, hours):
    as_of = BEGIN + 13 * DAY
    later = [("u9", as_of + timedelta(hours=h), "z", 1.0) for h in hours]
    before = panel(log(rows), "events", "category", as_of=as_of, max_series=3)
    after = panel(log(rows + later), "events", "category", as_of=as_of, max_series=3)
    assert before.ids == after.ids
    np.testing.assert_array_equal(before.y, after.y)


@pytest.mark.parametrize(("max_series", "grouped"), [(1, 4), (3, 2), (4, 0), (9, 0)])
def test_the_tail_is_counted(max_series, grouped):
    buckets = log([("u1", BEGIN, name, 1.0) for name in ("a", "b", "c", None)])
    assert n_grouped(buckets, "category", BEGIN + DAY, max_series) == grouped
    ids = panel(buckets, "events", "category", as_of=BEGIN + DAY, max_series=max_series).ids
    assert (OTHER in ids) == bool(grouped)


@pytest.mark.parametrize(("measure", "max_series"), [("clicks", 5), ("events", 0)])
def test_a_panel_that_cannot_be_is_a_usage_error(measure, max_series):
    with pytest.raises(UsageError):
        panel(log([("u1", BEGIN, "a", 1.0)]), measure, "category", as_of=BEGIN + DAY, max_series=max_series)


# Outages


def busy(n_days, but, value=1.0):
    """Return a log with BUSY events a day on all days but some."""
    minute = timedelta(minutes=1)
    days = [day for day in range(n_days) if day not in but]
    return [("u1", BEGIN + day * DAY + n * minute, "a", value) for day in days for n in range(BUSY)]


def test_a_weekly_closed_day_is_no_outage():
    sundays = {6, 13, 20, 27}
    buckets = log(busy(28, sundays))
    assert outages(buckets, BEGIN + 28 * DAY).size == 0
    (y,) = panel(buckets, "events", as_of=BEGIN + 28 * DAY).y
    assert set(np.flatnonzero(y == 0)) == sundays


def test_days_with_events_but_no_value_are_no_outage():
    rows = busy(28, {9}) + [("u1", BEGIN + 9 * DAY + timedelta(hours=n), "a", None) for n in range(24)]
    (y,) = panel(log(rows), "value", as_of=BEGIN + 28 * DAY).y
    assert y[9] == 0
    assert y.sum() == 27 * BUSY


@pytest.mark.parametrize("silent", [{3}, {3, 4}, {10, 17}, {40, 41}])
def test_an_outage_is_named_and_filled_at_any_place(silent):
    buckets, end = log(busy(42, silent)), BEGIN + 42 * DAY
    assert set((outages(buckets, end) - np.datetime64("2024-01-01")).astype(int).tolist()) == silent
    assert panel(buckets, "events", as_of=end).y.tolist() == [[BUSY] * 42]


def test_a_weekday_that_is_silent_half_the_time_is_no_outage():
    assert outages(log(busy(28, {10, 17})), BEGIN + 28 * DAY).size == 0


def test_a_series_that_began_within_the_week_keeps_its_level_in_an_outage():
    rows = busy(28, {15})
    young = [("u2", BEGIN + day * DAY + timedelta(hours=h), "young", 1.0) for day in (13, 14, 16) for h in range(5)]
    told = panel(log(rows + young), "events", "category", as_of=BEGIN + 17 * DAY)
    y = told.y[list(told.ids).index("young")]
    assert np.isnan(y[:13]).all()
    assert y[13:].tolist() == [5, 5, 5, 5]


def test_a_quiet_log_has_no_outage():
    rows = [("u1", BEGIN + day * DAY, "a", 1.0) for day in range(28) if day % 5]
    assert outages(log(rows), BEGIN + 28 * DAY).size == 0
    assert outages(log([]), BEGIN).size == 0


# Local days


def test_the_last_whole_day_ends_at_local_midnight():
    midnight = datetime(2024, 3, 11, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)  # after a day of 23 hours
    assert last_day(midnight, "America/New_York") == date(2024, 3, 10)
    assert last_day(midnight - timedelta(microseconds=1), "America/New_York") == date(2024, 3, 9)


def test_a_day_without_a_midnight_begins_with_its_first_moment():
    zone, shift = "America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)  # 0:00 was 1:00
    rows = [("u1", shift - timedelta(seconds=1), "a", 1.0), ("u1", shift, "a", 1.0), ("u1", shift, "a", 1.0)]
    assert panel(log(rows, zone), "events", as_of=shift).y.tolist() == [[1]]
    assert panel(log(rows, zone), "events", as_of=shift + DAY).y.tolist() == [[1, 2]]


# Series that were aggregated elsewhere


def test_stages_keep_their_order():
    counts = pl.DataFrame({"ds": date(2024, 1, 1), "stage": STAGES, "users": range(len(STAGES))})
    told = stage_panel(counts.reverse())
    assert tuple(told.ids) == STAGES
    assert told.y[:, 0].tolist() == list(range(len(STAGES)))
