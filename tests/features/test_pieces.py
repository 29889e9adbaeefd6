"""The pieces of the fold beyond the oracle's half year: long histories, last items, features of one's own."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from polars.testing import assert_frame_equal

from features import oracle
from features.oracle import BEGIN, DAY, HISTORY, Event
from foretide.errors import StorageError, UsageError
from foretide.events.records import FrameBuckets
from foretide.events.sources.frames import frame_chunks
from foretide.events.store import EventStore
from foretide.features import fold, last_items
from foretide.features.fold import feature_table
from foretide.features.habits import FEATURES as HABITS
from foretide.features.habits import habit_profiles
from foretide.features.interests import interests
from foretide.features.lifecycle import LifecycleRule
from foretide.features.own_pieces import Piece

ALL = ("activity", "habits", "interests")
YEAR = 60 * 24 * 365


@given(st.lists(st.tuples(st.integers(0, 25), st.sampled_from("abc")), min_size=2, max_size=30))
@settings(max_examples=30, deadline=None)
def test_weights_survive_decades(years):
    events = [Event(year * YEAR + 7 * n, category) for n, (year, category) in enumerate(years)]
    as_of = BEGIN + 26 * 366 * DAY
    (row,) = feature_table(oracle.log({"u": events}), [as_of], themes=("habits", "interests")).iter_rows(named=True)
    expected = oracle.interests(sorted(events), as_of) | oracle.habits(sorted(events), as_of, "UTC")
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, rel=1e-4, abs=1e-7, nan_ok=True)


def test_interests_after_more_years_than_a_weight_holds():
    """Beyond 39 years the weights are scaled down; what is older than that has no weight left."""
    events = [Event(year * YEAR, category) for year, category in ((0, "a"), (45, "b"), (45, "c"), (90, "d"))]
    as_of = BEGIN + 91 * 366 * DAY
    (row,) = feature_table(oracle.log({"u": events}), [as_of], themes=("interests",)).iter_rows(named=True)
    assert row["categories"] == 4
    for name in ("categories_hill_1", "categories_hill_2", "top_category_share"):
        assert row[name] == pytest.approx(1.0)


ITEMS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60)), min_size=1, max_size=130)


@given(ITEMS, st.randoms())
@settings(max_examples=100, deadline=None)
def test_last_items_are_the_newest_fifty_whatever_the_order_within_a_moment(events, random):
    order = np.random.default_rng(1).permutation(61).astype(np.uint32)
    arrived = sorted(events, key=lambda event: (event[0], random.random()))
    ring = np.zeros(1, last_items.LAST_ITEMS)
    push(ring, order, np.array(arrived))
    expected = sorted(events, key=lambda event: (event[0], order[event[1]]))[-last_items.N_ITEMS :]
    places = (int(ring["begin"][0]) + np.arange(ring["n"][0])) % last_items.N_ITEMS
    assert ring["items"][0][places].tolist() == [item for _, item in expected]


@njit
def push(ring, order, events):
    for ts, item in events:
        last_items.update(ring[0], order, ts, item)


@njit
def update_big(state, event):
    if event.value > 50.0:
        state.n += 1
        state.last = event.ts
        state.category = event.category


@njit
def values_big(state, as_of, today, out):
    out[0] = state.n
    out[1] = (as_of - state.last) / 86.4e9 if state.n else np.nan
    out[2] = state.category if state.n else np.nan


BIG = Piece(
    ("big", "days_since_big", "category_of_big"),
    np.dtype([("n", "i8"), ("last", "i8"), ("category", "i4")]),
    update_big,
    values_big,
    reads=("interests",),
)


@given(HISTORY, HISTORY)
@settings(max_examples=20, deadline=None)
def test_a_feature_of_your_own_sees_the_past_only(one, other):
    cutoffs = [BEGIN + n * 45 * DAY for n in range(1, 5)]
    table = feature_table(oracle.log({"u1": one, "u2": other}), cutoffs, pieces=[BIG])
    assert table.columns[-3:] == list(BIG.features)
    for row in table.iter_rows(named=True):
        events = one if row["user_id"] == "u1" else other
        ids = [f"{row['user_id']}-{n}" for n in range(len(events))]
        past = [e for _, e in sorted(zip(ids, events, strict=True), key=lambda pair: (pair[1].ts, pair[0]))]
        past = [e for e in past if e.ts < row["as_of"]]
        touched = list(dict.fromkeys(e.category for e in past if e.category))
        big = [e for e in past if (e.value or 0) > 50]
        since, of_last = (row["as_of"] - big[-1].ts) / DAY if big else np.nan, big[-1].category if big else None
        assert row["big"] == len(big)
        assert row["days_since_big"] == pytest.approx(since, nan_ok=True)
        number = touched.index(of_last) if of_last else -1.0
        assert row["category_of_big"] == pytest.approx(number if big else np.nan, nan_ok=True)


def test_an_unknown_theme_is_told():
    with pytest.raises(UsageError, match="activity, habits, interests"):
        feature_table(oracle.log({"u": [Event(0)]}), [BEGIN + DAY], themes=("weather",))


def test_users_with_one_event_or_all_at_one_instant():
    as_of = BEGIN + DAY
    once, burst = [Event(5, "a", value=1.0)], [Event(5, "a", value=1.0)] * 300
    table = feature_table(oracle.log({"burst": burst, "once": once}), [as_of], themes=ALL)
    bursty, single = table.iter_rows(named=True)
    assert (bursty["n_events"], bursty["sessions"], bursty["active_days"]) == (300, 1, 1)
    for name in ("gap_mean_days", "gap_slope_days", "gap_entropy_bits", "categories_hill_0_of_20"):
        assert np.isnan(single[name])
    assert bursty["categories_hill_0_of_20"] == pytest.approx(1.0)


def test_a_hundred_thousand_categories():
    n = 100_000
    frame = pl.DataFrame(
        {
            "user_id": ["collector"] * n + ["other"],
            "ts": [BEGIN + timedelta(seconds=i) for i in range(n)] + [BEGIN],
            "category": [f"c{i}" for i in range(n)] + ["c0"],
            "value": [1.0] * (n + 1),
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )
    table = feature_table(FrameBuckets(frame), [BEGIN + 3 * DAY], themes=("interests",), pieces=())
    assert table["categories"].to_list() == [n, 1]
    assert table["categories_hill_0_of_20"][0] == pytest.approx(20.0)


def test_an_as_of_before_the_first_event_gives_no_rows():
    table = feature_table(oracle.log({"u": [Event(60)]}), [BEGIN - DAY, BEGIN], themes=ALL)
    assert table.is_empty()
    assert table.schema == feature_table(oracle.log({"u": [Event(60)]}), [BEGIN + DAY], themes=ALL).schema


def test_two_million_events_of_one_user():
    n = 2_000_000
    frame = pl.DataFrame({"user_id": ["u"], "value": [2.0]}).select(pl.all().repeat_by(n).explode())
    frame = frame.with_columns(ts=pl.lit(BEGIN).dt.cast_time_unit("us") + pl.duration(seconds=pl.int_range(pl.len())))
    (row,) = feature_table(FrameBuckets(frame), [BEGIN + 30 * DAY]).iter_rows(named=True)
    assert (row["n_events"], row["sessions"], row["active_days"]) == (n, 1, 24)
    assert row["value_decayed_84"] == pytest.approx(2 * row["events_decayed_84"])


def test_shares_of_a_user_with_millions_of_events():
    n = 2_000_000
    frame = pl.DataFrame({"user_id": ["u"], "value": [2.0]}).select(pl.all().repeat_by(n).explode())
    sixth = BEGIN + 5 * DAY  # a Saturday
    ts = pl.lit(sixth).dt.cast_time_unit("us") + pl.duration(microseconds=pl.int_range(pl.len()) * 80_000)
    frame = frame.with_columns(ts=ts, tz_offset_min=pl.lit(None, pl.Int16))
    (row,) = feature_table(FrameBuckets(frame), [BEGIN + 30 * DAY], themes=("habits",)).iter_rows(named=True)
    assert row["weekend_share"] == 1.0
    assert row["night_share"] == pytest.approx(12 / 44.44, rel=0.01)


@pytest.mark.parametrize(("zone", "day"), [("Asia/Beirut", 301), ("America/Havana", 308), ("Asia/Beirut", 90)])
def test_a_clock_that_goes_back_or_forth_at_midnight(zone, day):
    """An event every half hour around the change: the days are those of the zone, each counted once."""
    events = [Event(day * 24 * 60 + 30 * n) for n in range(-60, 60)]
    as_of = BEGIN + (day + 2) * DAY
    (row,) = feature_table(oracle.log({"u": events}, zone), [as_of], themes=ALL).iter_rows(named=True)
    for name, value in oracle.features(events, as_of, zone).items():
        assert row[name] == pytest.approx(value, rel=1e-5, abs=1e-7, nan_ok=True)


def test_an_unknown_zone_is_told_before_anything_is_computed():
    with pytest.raises(UsageError, match="Mars/Olympus"):
        feature_table(oracle.log({"u": [Event(0)]}, "Mars/Olympus"), [BEGIN + DAY])


def test_an_empty_bucket_adds_nothing_and_a_missing_file_is_told(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=16)
    frame = oracle.frame({"u": [Event(0, "a")]}).drop("event_id")
    store.ingest(frame_chunks(frame, source="f"), "f")
    assert feature_table(store, [BEGIN + DAY], themes=ALL).height == 1
    assert feature_table(store, [BEGIN - DAY], themes=ALL).is_empty()
    for file in (store.path / "events").glob("bucket=*/*.parquet"):
        file.unlink()
    with pytest.raises(StorageError, match="no such file"):
        feature_table(store, [BEGIN + DAY])


def test_a_category_under_a_new_name_in_the_item_table_is_the_same_for_the_whole_past(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=2)
    frame = oracle.frame({"u": [Event(0, None, "i1"), Event(90, None, "i2"), Event(99, "own", "i3")]}).drop("event_id")
    store.ingest(frame_chunks(frame, source="f"), "f")
    for name in ("tea", "teas"):
        store.put("items", pl.DataFrame({"item_id": ["i1", "i2"], "category": [name, name]}))
        (row,) = feature_table(store, [BEGIN + DAY], themes=("interests",)).iter_rows(named=True)
        assert row["categories"] == 2
        assert interests(store, BEGIN + DAY)["category"].to_list() == ["own", name]


@njit
def update_item(state, event):
    state.item = event.item


@njit
def values_item(state, as_of, today, out):
    out[0] = state.item


def test_a_piece_may_read_the_items_of_a_receipt():
    last = Piece(("last_item",), np.dtype([("item", "i4")]), update_item, values_item, reads=("items",))
    events = [Event(5, "a", f"i{n % 7}") for n in range(200)]
    (row,) = feature_table(oracle.log({"u": events}), [BEGIN + DAY], pieces=[last]).iter_rows(named=True)
    assert 0 <= row["last_item"] < 7


def test_what_a_caller_got_wrong_is_told():
    log = oracle.log({"u": [Event(0)]})
    for moment in (BEGIN.date(), "2024-01-01"):
        with pytest.raises(UsageError, match="no moment"):
            feature_table(log, [moment])
    assert feature_table(log, [BEGIN + DAY], themes="habits").width == 3 + len(HABITS)
    with pytest.raises(UsageError, match="no time zone"):
        feature_table(log, [(BEGIN + DAY).replace(tzinfo=None)])
    zoned = (BEGIN + DAY).astimezone(ZoneInfo("Europe/Berlin"))
    assert feature_table(log, [zoned]).equals(feature_table(log, [BEGIN + DAY]))
    taken = Piece(("n_events", "b", "c"), BIG.dtype, update_big, values_big)
    with pytest.raises(UsageError, match="same name"):
        feature_table(log, [BEGIN + DAY], pieces=[taken])
    with pytest.raises(UsageError, match="weather"):
        Piece(("a",), BIG.dtype, update_big, values_big, reads=("weather",))
    with pytest.raises(UsageError, match="at least 1 day"):
        LifecycleRule(0)


@given(st.dictionaries(st.sampled_from(["u0", "u1", "u2", "u3", "u4"]), HISTORY, min_size=1))
@settings(max_examples=20)
def test_slices_of_users_are_the_whole(by_user):
    cutoffs = [BEGIN + n * 30 * DAY for n in range(1, 7)]
    whole = feature_table(oracle.log(by_user), cutoffs, themes=ALL, pieces=[BIG])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "SLICE_FIGURES", 300)
        assert feature_table(oracle.log(by_user), cutoffs, themes=ALL, pieces=[BIG]).equals(whole)


@given(HISTORY, HISTORY)
@settings(max_examples=20)
def test_profiles_of_hours_are_shrunk_to_everyone(one, other):
    log, as_of = oracle.log({"u1": one, "u2": other}, "America/New_York"), BEGIN + 290 * DAY
    counts = {}
    for user, events in (("u1", one), ("u2", other)):
        for e in events:
            clock = e.ts.astimezone(ZoneInfo(log.timezone)) if e.offset is None else e.ts + timedelta(minutes=e.offset)
            key = user, clock.isoweekday(), clock.hour
            counts[key] = counts.get(key, 0.0) + 0.5 ** ((as_of - e.ts) / DAY / 28)
    everyone = {hour: sum(n for key, n in counts.items() if key[1:] == hour) for hour in {key[1:] for key in counts}}
    total = sum(everyone.values())
    table = habit_profiles(log, as_of)
    assert {row[:3] for row in table.iter_rows()} == set(counts)
    for user, day, hour, n, share in table.iter_rows():
        mine = sum(x for key, x in counts.items() if key[0] == user)
        assert n == pytest.approx(counts[user, day, hour])
        assert share == pytest.approx((n + 20 * everyone[day, hour] / total) / (mine + 20))
    assert_frame_equal(habit_profiles(log, as_of, ["u2"]), table.filter(user_id="u2"))  # sums differ in the last digit
