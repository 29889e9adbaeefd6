"""Compaction changes where events lie, and nothing else."""

import threading
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.small import NOW, account, all_events, chunk, event
from foretide.errors import StorageError
from foretide.events import compaction, delta
from foretide.events.compaction import buckets_for
from foretide.events.store import EventStore

USERS = [f"u{n}" for n in range(12)]


@pytest.fixture
def store(tmp_path):
    return EventStore.create(tmp_path / "store", n_buckets=4)


def fill(store, imports=5, users=USERS):
    for minute in range(imports):
        store.ingest([chunk(*(event(user, minute * 10 + n) for n, user in enumerate(users)))], "f", NOW)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(USERS), st.integers(0, 50)), min_size=1, max_size=12), min_size=1, max_size=5
    ),
    st.sampled_from([3, 1_000]),
)
@settings(max_examples=12, deadline=None)
def test_a_compacted_store_holds_the_same_events_in_order(tmp_path_factory, imports, most):
    store = EventStore.create(tmp_path_factory.mktemp("any") / "store", n_buckets=2)
    for rows in imports:
        store.ingest([chunk(*(event(user, minute) for user, minute in rows))], "f", NOW)
    before, users = (
        all_events(store),
        {user: store.user(user) for user in {user for rows in imports for user, _ in rows}},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "MOST_EVENTS", most)
        done = store.compact()
    assert done.n_events == before.height
    assert done.files == len(store.ids) <= done.n_buckets
    assert done.n_buckets * most >= before.height
    assert all_events(store).sort("event_id").equals(before.sort("event_id"))
    assert all_events(EventStore.open(store.path)).equals(all_events(store))
    for user, events in users.items():
        assert store.user(user).equals(events)
    for i in store.ids:
        rows = store.bucket(i)
        assert rows.equals(rows.sort("user_id", "ts", "event_id"))


def test_a_second_compaction_has_nothing_to_do(store):
    fill(store)
    assert store.compact().files_before == 20
    files = store._snapshot.files
    assert store.compact().files_before == 4
    assert store._snapshot.files == files


def test_an_empty_store(store):
    done = store.compact()
    assert (done.n_events, done.files, done.n_buckets) == (0, 0, 4)


@pytest.mark.parametrize("most", [1, 1_000_000])
def test_a_reader_of_the_old_version_reads_on(store, monkeypatch, most):
    fill(store)
    reader = EventStore.open(store.path)
    before = all_events(reader)
    monkeypatch.setattr(compaction, "MOST_EVENTS", most)
    store.compact()
    assert all_events(reader).equals(before)
    reader.refresh()
    assert all_events(reader).sort("event_id").equals(before.sort("event_id"))


@pytest.mark.parametrize("most", [1, 1_000_000])
def test_replaced_files_are_deleted_when_nobody_can_need_them(store, monkeypatch, most):
    fill(store)
    monkeypatch.setattr(compaction, "MOST_EVENTS", most)
    store.compact()
    monkeypatch.setattr(compaction, "MOST_EVENTS", 1_000_000)
    store.compact()
    assert len(list(store.path.glob("events*/**/*.parquet"))) > store.n_files
    monkeypatch.setattr(compaction, "KEEP_REPLACED_S", 0.0)
    store.compact()
    assert len(list(store.path.glob("events*/**/bucket*/*.parquet"))) == store.n_files
    assert all_events(store).height == 60


def test_an_import_that_began_before_a_split_lands_in_the_new_buckets(store, monkeypatch):
    fill(store)
    other = EventStore.open(store.path)
    monkeypatch.setattr(compaction, "MOST_EVENTS", 10)

    def chunks():
        yield chunk(*(event(user, 1_000) for user in USERS[:6]))
        other.compact()
        yield chunk(*(event(user, 1_001) for user in USERS), event("u1", 11))

    counts = store.ingest(chunks(), "g", NOW)
    assert account(counts)[1:3] == (18, 1)
    assert store.n_buckets == 8
    for user in USERS:
        assert store.user(user).height == 6 + (user in USERS[:6])


def test_a_large_first_import_chooses_the_number_of_buckets(store, monkeypatch):
    monkeypatch.setattr(compaction, "MOST_EVENTS", 3)
    fill(store, imports=1)
    assert store.n_buckets == 4
    large = EventStore.create(store.path.parent / "large", n_buckets=2)
    large.ingest([chunk(*(event(f"u{n % 50}", n) for n in range(90)))], "f", NOW)
    assert large.n_buckets == 32 == EventStore.open(large.path).n_buckets
    assert all_events(large).height == 90


def test_buckets_double_until_events_fit():
    assert [buckets_for(n, 16) for n in (0, 16_000_000, 16_000_001, 100_000_000)] == [16, 16, 32, 128]


@pytest.mark.parametrize("most", [1, 1_000_000])
def test_a_full_disk_leaves_the_store_as_it_was(store, monkeypatch, most):
    fill(store)
    before = all_events(store)
    monkeypatch.setattr(compaction, "MOST_EVENTS", most)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pl.DataFrame, "write_parquet", full)
        with pytest.raises(StorageError, match="disk is full"):
            store.compact()
    store.refresh()
    assert all_events(store).equals(before)
    store.compact()
    assert all_events(store).height == before.height


def test_a_split_that_was_cut_off_is_begun_again(store, monkeypatch):
    fill(store)
    monkeypatch.setattr(compaction, "MOST_EVENTS", 10)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delta, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            store.compact()
    assert EventStore.open(store.path).n_buckets == 4
    assert store.compact().n_buckets == 8
    assert all_events(store).height == 60


def test_writers_wait_for_a_compaction(store):
    fill(store)
    added = chunk(*(event(user, 500) for user in USERS))
    writer = threading.Thread(target=lambda: EventStore.open(store.path).ingest([added], "g", NOW))
    writer.start()
    store.compact()
    writer.join()
    store.refresh()
    assert all_events(store).height == 72
    assert store.span()[1] - store.span()[0] >= timedelta(minutes=500)


ROW = st.tuples(st.sampled_from(USERS), st.integers(0, 5), st.text("abc", min_size=1, max_size=3))


@given(st.lists(st.lists(ROW, max_size=20), min_size=1, max_size=4))
def test_what_was_added_is_put_in_order_among_what_was_there(files):
    whole = [pl.DataFrame(rows, ["user_id", "ts", "event_id"], orient="row") for rows in files]
    whole = [rows.cast({"user_id": pl.String, "ts": pl.Int64, "event_id": pl.String}) for rows in whole]
    first, *added = [rows.sort(compaction.ORDER).lazy() for rows in whole]
    assert compaction.in_order(first, *added).collect().equals(pl.concat(whole).sort(compaction.ORDER))
