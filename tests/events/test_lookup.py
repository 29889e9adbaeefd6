"""Looking up users gives their events, whatever holds them, and reads the buckets that hold them only."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from events.small import all_events, chunk, event
from foretide.events.lookup import events_of, homes
from foretide.events.records import FrameBuckets
from foretide.events.store import EventStore

COLUMNS = ("user_id", "ts", "value", "category")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = EventStore.create(tmp_path_factory.mktemp("lookup") / "store", n_buckets=8)
    for source in ("first", "second"):
        store.ingest([chunk(*(event(user=f"u{n % 13}", minute=n, item=source) for n in range(60)))], source)
    return store


@given(st.sets(st.integers(0, 15).map("u{}".format), max_size=5), st.integers(0, 70))
def test_the_events_are_those_of_the_users(store, users, minute):
    until = store.span()[0] + (store.span()[1] - store.span()[0]) * minute / 60
    wanted = all_events(store).filter(pl.col("user_id").is_in(users), pl.col("ts") < until).select(COLUMNS)
    frame = FrameBuckets(all_events(store).with_columns(pl.col("value").cast(pl.Float32)))
    for buckets in (store, frame):
        found = events_of(buckets, sorted(users), COLUMNS, until)
        assert found.schema == wanted.schema
        assert_frame_equal(found.sort(COLUMNS), wanted.sort(COLUMNS))
        assert all(moments.is_sorted() for moments in found.group_by("user_id").agg("ts")["ts"])


def test_only_the_buckets_of_the_users_are_read(store):
    assert len(homes(store, ["u1"]).ids) == 1
    assert homes(store, ["u1"]).timezone == store.timezone
    assert list(homes(store, []).ids) == []
    assert set(homes(store, [f"u{n}" for n in range(13)]).ids) == set(store.ids)
    assert store.bucket(homes(store, ["u1"]).ids[0])["user_id"].is_in(["u1"]).any()
