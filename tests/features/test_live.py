"""Live states say what the batch fold says, whatever the order of arrival."""

from datetime import timedelta
from zlib import crc32

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features import oracle
from features.oracle import BEGIN, DAY, HISTORY, Event
from foretide.errors import StorageError, UsageError
from foretide.events.sources.frames import frame_chunks
from foretide.events.store import EventStore
from foretide.features.fold import feature_table
from foretide.features.history import stage_history
from foretide.features.lifecycle import LifecycleRule
from foretide.features.live import SMALL, LiveStates
from foretide.features.live_file import load, save
from foretide.features.live_kernels import WAITING
from foretide.features.recent_items import recent_items

ALL = ("activity", "habits", "interests")
USERS = st.dictionaries(st.sampled_from(["u0", "u1", "u2"]), HISTORY, min_size=1)


def batch(buckets, as_of, rule=None):
    return feature_table(buckets, [as_of], rule, ALL).sort("user_id")


def assert_same(live, log, as_of, rule=None):
    told = live.table(as_of, buckets=log).sort("user_id")
    assert_frame_equal(told, batch(log, as_of, rule), rel_tol=1e-9, abs_tol=1e-9)


@given(USERS, st.randoms(), st.integers(1, 24 * 200), st.integers(1, 7), st.sampled_from([3, 7, 15]))
@settings(max_examples=60, deadline=None)
def test_any_order_of_arrival_gives_the_batch_values_at_any_time(by_user, random, hour, size, window_days):
    rule = LifecycleRule(window_days)
    log = oracle.log(by_user, "America/New_York")
    arrived = log.frame.sample(fraction=1.0, shuffle=True, seed=random.randint(0, 10**6))
    live = LiveStates(log.timezone, rule)
    for n, part in enumerate(arrived.iter_slices(size)):
        live.update(part)
        if n == 3:
            live.heal(oracle.FrameBuckets(arrived[: 4 * size], log.timezone))
    moment = BEGIN + timedelta(hours=hour)
    assert_same(live, log, moment, rule)
    items = dict(recent_items(log, moment).iter_rows())
    assert live.last_items(moment, list(by_user), buckets=log) == {user: items.get(user, []) for user in by_user}
    live.heal(log)
    assert live.stale == []
    assert_same(live, log, BEGIN + 300 * DAY, rule)


@given(USERS)
@settings(max_examples=30, deadline=None)
def test_states_are_rebuilt_from_the_store(by_user):
    log = oracle.log(by_user)
    as_of = BEGIN + 300 * DAY
    assert_same(LiveStates.of(log), log, as_of)
    one_by_one = LiveStates()
    for row in log.frame.sort("ts").iter_slices(1):
        one_by_one.update(row)
    assert one_by_one.stale == []
    assert_same(one_by_one, log, as_of)


@given(HISTORY, st.randoms())
@settings(max_examples=30, deadline=None)
def test_an_event_that_a_few_later_ones_overtook_is_put_in_its_place(events, random):
    log = oracle.log({"u": events})
    place = [n + random.randint(0, WAITING) for n in range(len(events))]
    arrived = log.frame.sort("ts").with_columns(place=pl.Series(place)).sort("place", maintain_order=True)
    live = LiveStates()
    live.update(arrived)
    assert live.stale == []
    assert_frame_equal(live.table(BEGIN + 300 * DAY), batch(log, BEGIN + 300 * DAY), rel_tol=1e-9)


def test_events_of_the_future_wait():
    live = LiveStates()
    live.update(oracle.frame({"u": [Event(0), Event(60 * 24 * 9), Event(60 * 24 * 10)]}))
    (row,) = live.table(BEGIN + DAY).iter_rows(named=True)
    assert (row["n_events"], row["recency_days"]) == (1, 1.0)


def test_without_the_store_a_state_that_cannot_answer_says_so():
    live = LiveStates()
    live.update(oracle.frame({"u": [Event(n) for n in (*range(10, 20), 5)]}))
    assert live.stale == ["u"]
    with pytest.raises(UsageError, match="stale"):
        live.table(BEGIN + DAY)
    live = LiveStates.of(oracle.log({"u": [Event(n * 1440) for n in range(9)]}))
    with pytest.raises(UsageError, match="already know"):
        live.table(BEGIN + DAY)
    with pytest.raises(UsageError, match="already know"):
        live.last_items(BEGIN + DAY, ["u"])


@pytest.mark.parametrize("n", [2, 2 * SMALL])
def test_a_frame_with_a_moment_of_long_ago_or_without_a_type_is_taken_in_whole_or_not_at_all(n):
    frame = oracle.frame({"u": [Event(minute) for minute in range(n)]})
    live, choosy = LiveStates(), LiveStates(rule=LifecycleRule(critical_events=("buy",)))
    with pytest.raises(UsageError, match="before 1980"):
        live.update(
            frame.with_columns(ts=pl.when(pl.int_range(pl.len()) > 0).then("ts").otherwise(BEGIN - 50 * 366 * DAY))
        )
    with pytest.raises(UsageError, match="event_type"):
        choosy.update(frame.drop("event_type"))
    assert not live.users
    assert not choosy.users


def test_only_critical_events_count_as_activity_and_all_as_interest():
    rule = LifecycleRule(critical_events=("buy",))
    frame = oracle.frame({"u": [Event(0, "a"), Event(60, "b"), Event(120, "c")]})
    frame = frame.sort("ts").with_columns(event_type=pl.Series(["buy", "view", "view"]))
    log = oracle.FrameBuckets(frame)
    (row,) = batch(log, BEGIN + DAY, rule).iter_rows(named=True)
    assert (row["n_events"], row["categories"]) == (1, 3)
    assert_same(LiveStates.of(log, rule), log, BEGIN + DAY, rule)


@given(HISTORY, st.randoms())
@settings(max_examples=30, deadline=None)
def test_last_items(events, random):
    shuffled = sorted(events, key=lambda e: (e.ts, random.random()))
    live = LiveStates()
    live.update(oracle.frame({"u": shuffled}))
    as_of = BEGIN + 300 * DAY
    batch_items = recent_items(oracle.log({"u": events}), as_of)
    assert dict(batch_items.iter_rows()) == {"u": live.last_items(as_of, ["u"])["u"]}
    told = live.last_items(as_of, ["u", "nobody"])
    newest_first = sorted((e for e in events if e.item), key=lambda e: (e.ts, crc32(e.item.encode())), reverse=True)
    assert told == {"u": [e.item for e in newest_first]}
    assert told == LiveStates.of(oracle.log({"u": events})).last_items(as_of, ["u"])


def test_unknown_users_have_no_row():
    live = LiveStates()
    assert live.table(BEGIN).is_empty()
    live.update(oracle.frame({"u": [Event(0)]}))
    assert live.table(BEGIN + DAY, ["nobody", "u", "u"])["user_id"].to_list() == ["u"]


def test_times_of_any_unit_are_the_same():
    frame = oracle.frame({"u": [Event(0), Event(9)]})
    live = LiveStates()
    live.update(frame.with_columns(pl.col("ts").cast(pl.Datetime("ms", "UTC"))))
    assert live.table(BEGIN + DAY).equals(batch(oracle.FrameBuckets(frame), BEGIN + DAY))


@given(by_user=USERS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_holds_everything(by_user, tmp_path):
    log = oracle.log(by_user, "Asia/Shanghai")
    half = log.frame.height // 2
    live = LiveStates(log.timezone)
    live.update(log.frame[:half])
    save(live, str(tmp_path / "live"))
    again = load(str(tmp_path / "live"))
    for states in (live, again):
        states.update(log.frame[half:])
    as_of = BEGIN + 300 * DAY
    assert again.table(as_of, buckets=log).equals(live.table(as_of, buckets=log))
    assert again.last_items(as_of, ["u0"], buckets=log) == live.last_items(as_of, ["u0"], buckets=log)
    assert list(tmp_path.iterdir()) == [tmp_path / "live"]


def test_a_file_that_is_not_one_of_states_is_told(tmp_path):
    place = tmp_path / "live"
    with pytest.raises(StorageError, match="make them again"):
        load(place)
    for content in (b"", b"nothing", b"PK\x03\x04broken"):
        place.write_bytes(content)
        with pytest.raises(StorageError, match="make them again"):
            load(place)
    save(LiveStates(rule=LifecycleRule(20)), place)
    with place.open("rb") as file:
        arrays = dict(np.load(file))
    arrays["states_"] = np.zeros(3, [("other", "i8")])
    np.savez(place.with_suffix(".npz"), **arrays)
    with pytest.raises(StorageError, match="another version"):
        load(place.with_suffix(".npz"))
    damaged = dict(arrays, states_=np.zeros(0, LiveStates(rule=LifecycleRule(20)).states_.dtype))
    damaged["users"] = np.frombuffer(b'["u1", "u2"]', np.uint8)
    np.savez(place.with_suffix(".npz"), **damaged)
    with pytest.raises(StorageError, match="do not fit together"):
        load(place.with_suffix(".npz"))
    with pytest.raises(StorageError, match="cannot be written"):
        save(LiveStates(), tmp_path / "nowhere" / "live")


def test_a_burst_of_one_user_and_thousands_of_categories():
    frame = oracle.frame({"u": [Event(n, f"c{n % 3000}", f"i{n % 700}") for n in range(9_000)]})
    log = oracle.FrameBuckets(frame)
    live = LiveStates()
    for part in frame.iter_slices(1_000):
        live.update(part)
    assert_same(live, log, BEGIN + 9 * DAY)
    assert live.last_items(BEGIN + 9 * DAY, ["u"], 3) == {"u": ["i599", "i598", "i597"]}


def test_one_late_user_costs_one_bucket(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=8)
    frame = oracle.frame({f"u{n}": [Event(k * 1440) for k in range(9)] for n in range(40)}).drop("event_id")
    store.ingest(frame_chunks(frame, source="f"), "f")
    live, read = LiveStates.of(store), []
    original = EventStore.bucket
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventStore, "bucket", lambda self, i, *a, **k: read.append(i) or original(self, i, *a, **k))
        told = live.table(BEGIN + 3 * DAY, ["u7"], buckets=store)
        assert len(set(read)) == 1
        read.clear()
        lives = stage_history(store, BEGIN + 9 * DAY, users=["u7"])
        assert len(set(read)) == 1
    assert told["n_events"].to_list() == [3.0]
    assert lives["user_id"].unique().to_list() == ["u7"]


def test_seconds_are_no_microseconds():
    with pytest.raises(UsageError, match="microseconds since 1970"):
        LiveStates().take("u", 1_767_225_600)
