"""The store keeps every event once, in order, whoever writes and whatever breaks."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.small import NOW, account, all_events, chunk, event
from foretide.errors import MappingError, StorageError, UnknownIdError
from foretide.events import delta
from foretide.events.records import Chunk
from foretide.events.store import EventStore

FILES = st.lists(
    st.lists(st.tuples(st.sampled_from(["u1", "u2", "u3"]), st.integers(0, 3)), max_size=5),
    min_size=1,
    max_size=4,
)


@given(FILES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_files_in_any_order_give_their_union(tmp_path_factory, files):
    store = EventStore.create(tmp_path_factory.mktemp("any") / "store", n_buckets=2)
    union: Counter[tuple[str, int]] = Counter()
    for rows in files:
        counts = store.ingest([chunk(*(event(user, minute) for user, minute in rows))], "f", NOW)
        before = union.total()
        union |= Counter(rows)  # the k-th repeat of a row is the same event in every file
        assert account(counts) == (len(rows), union.total() - before, len(rows) - counts.stored, 0)
    told = Counter((row["user_id"], row["ts"].minute) for row in all_events(store).iter_rows(named=True))
    assert told == union
    assert store.n_events == union.total()


@pytest.fixture
def store(tmp_path):
    return EventStore.create(tmp_path / "store", n_buckets=4)


def test_a_bucket_is_sorted_by_user_and_time(store):
    for minutes in ((5, 1, 9), (4, 0, 7)):
        store.ingest([chunk(*(event(f"u{m % 3}", m) for m in minutes))], "f", NOW)
    for i in store.ids:
        rows = store.bucket(i)
        assert rows.equals(rows.sort("user_id", "ts"))


def test_until_is_exclusive(store):
    store.ingest([chunk(event(minute=0), event(minute=1))], "f", NOW)
    (i,) = store.ids
    assert store.bucket(i, ["ts"], until=datetime(2025, 1, 1, 0, 1, tzinfo=UTC)).height == 1


def test_an_own_id_with_another_content_is_a_conflict(store):
    first = store.ingest([chunk(event(event_id="a", value=1.0), event(event_id="b"))], "f", NOW)
    assert account(first) == (2, 2, 0, 0)
    again = store.ingest([chunk(event(event_id="a", value=2.0), event(event_id="b"))], "g", NOW)
    assert account(again) == (2, 0, 1, 1)
    assert again.reasons == {"conflict": 1}
    assert '"value": 2.0' in store.table("quarantine")["raw"][0]
    assert all_events(store).sort("event_id")["value"].to_list() == [1.0, None]


def test_own_ids_twice_in_a_file(store):
    rows = [event(event_id="a"), event(event_id="a"), event(event_id="a", item="other")]
    assert account(store.ingest([chunk(*rows)], "f", NOW)) == (3, 1, 1, 1)


def test_identical_rows_over_several_chunks_are_numbered(store):
    assert account(store.ingest([chunk(event()), chunk(event()), chunk(event())], "f", NOW)) == (3, 3, 0, 0)
    assert account(store.ingest([chunk(event(), event())], "f", NOW)) == (2, 0, 2, 0)


def test_implausible_times_are_quarantined(store):
    old = event(ts=datetime(1970, 1, 1, tzinfo=UTC))
    late = event(ts=datetime(2027, 1, 1, tzinfo=UTC))
    counts = store.ingest([chunk(old, late, event())], "f", NOW)
    assert account(counts) == (3, 1, 0, 2)
    assert counts.reasons == {"ancient_ts": 1, "future_ts": 1}


def test_rejected_rows_are_kept_once(store):
    rejected = pl.DataFrame({"line": [7], "reason": ["bad_ts"], "raw": ["u1,soon"]})
    for _ in range(2):
        counts = store.ingest([Chunk(chunk().rows, rejected)], "f.csv", NOW)
        assert account(counts) == (1, 0, 0, 1)
    kept = store.table("quarantine")
    assert kept.select("source", "line", "reason", "raw").rows() == [("f.csv", 7, "bad_ts", "u1,soon")]


def test_properties_may_come_later(store):
    store.ingest([chunk(event(minute=0))], "f", NOW)
    store.ingest([chunk(event(minute=1, country="DE"), country=pl.String)], "g", NOW)
    store.ingest([chunk(event(minute=2))], "h", NOW)
    assert all_events(store).sort("ts")["country"].to_list() == [None, "DE", None]


def test_columns_of_items_and_users_are_at_hand(store):
    store.ingest([chunk(event("u1", 0, "i1"), event("u2", 1, "i2", category="own"))], "f", NOW)
    store.put("items", pl.DataFrame({"item_id": ["i1", "i2"], "category": ["dairy", "meat"], "brand": ["x", None]}))
    store.put("users", pl.DataFrame({"user_id": ["u1"], "country": ["DE"]}))
    rows = pl.concat([store.bucket(i, ["user_id", "category", "brand", "country"]) for i in store.ids])
    assert sorted(rows.rows()) == [("u1", "dairy", "x", "DE"), ("u2", "own", None, None)]


def test_categories_of_items_over_several_imports(store):
    for minute in range(3):
        store.ingest([chunk(event("u1", minute, f"i{minute}"))], "f", NOW)
    store.put("items", pl.DataFrame({"item_id": ["i0", "i2"], "category": ["dairy", "meat"]}))
    (i,) = store.ids
    assert store.bucket(i, ["category"])["category"].to_list() == ["dairy", None, "meat"]


def test_an_unknown_column_is_named(store):
    store.ingest([chunk(event())], "f", NOW)
    with pytest.raises(UnknownIdError, match="shoe_size"):
        store.bucket(store.ids[0], ["shoe_size"])


def test_a_reserved_name_is_refused(store):
    with pytest.raises(MappingError, match="bucket"):
        store.ingest([chunk(event(bucket="x"), bucket=pl.String)], "f", NOW)
    assert store.n_events == 0


def test_one_user(store):
    store.ingest([chunk(event("u1", 3), event("u2", 1), event("u1", 2))], "f", NOW)
    assert store.user("u1")["ts"].dt.minute().to_list() == [2, 3]
    with pytest.raises(UnknownIdError, match="'u9'"):
        store.user("u9")


def test_an_empty_store(store):
    assert (store.ids, store.n_events, store.span()) == ([], 0, None)
    assert account(store.ingest([], "f", NOW)) == (0, 0, 0, 0)


def test_what_was_written_is_there_after_opening(store):
    store.ingest([chunk(event())], "f", NOW)
    assert EventStore.open(store.path).n_events == 1


def test_a_reader_sees_its_version_until_it_looks_again(store):
    store.ingest([chunk(event(minute=0))], "f", NOW)
    reader = EventStore.open(store.path)
    store.ingest([chunk(event(minute=1))], "g", NOW)
    assert all_events(reader).height == 1
    reader.refresh()
    assert all_events(reader).height == 2


def test_a_source_that_fails_leaves_nothing(store):
    def broken():
        yield chunk(event())
        raise ValueError("the line went dead")

    with pytest.raises(ValueError, match="dead"):
        store.ingest(broken(), "f", NOW)
    store.refresh()
    assert store.n_events == 0
    assert list((store.path / "staging").iterdir()) == []


def test_a_full_disk_leaves_the_store_as_it_was(store, monkeypatch):
    store.ingest([chunk(event(minute=0))], "f", NOW)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StorageError, match="disk is full"):
        store.ingest([chunk(event(minute=1))], "g", NOW)
    monkeypatch.undo()
    store.refresh()
    assert store.n_events == 1
    assert account(store.ingest([chunk(event(minute=1))], "g", NOW)) == (1, 1, 0, 0)


def test_files_of_a_failed_commit_are_taken_back(store, monkeypatch):
    store.ingest([chunk(event(minute=0))], "f", NOW)

    def full(*_, **__):
        raise DeltaError("Generic error: No space left on device (os error 28)")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", full)
    with pytest.raises(StorageError, match="disk is full"):
        store.ingest([chunk(event(minute=1))], "g", NOW)
    assert len(list((store.path / "events").glob("*/*.parquet"))) == 1
    assert list((store.path / "staging").iterdir()) == []


def test_files_are_kept_if_a_commit_fails_after_it_was_made(store, monkeypatch):
    really = DeltaTable.create_write_transaction

    def late(*arguments):
        really(*arguments)
        raise DeltaError("the check point could not be written")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", late)
    with pytest.raises(StorageError, match="check point"):
        store.ingest([chunk(event())], "f", NOW)
    store.refresh()
    assert all_events(store).height == 1


def test_an_error_of_the_source_stays_what_it_is(store):
    def gone():
        yield chunk(event())
        raise FileNotFoundError("events.csv")

    with pytest.raises(FileNotFoundError, match=r"events\.csv"):
        store.ingest(gone(), "events.csv", NOW)


def test_a_store_is_not_made_over_another(store):
    store.ingest([chunk(event())], "f", NOW)
    with pytest.raises(StorageError, match="holds events already"):
        EventStore.create(store.path)
    assert EventStore.open(store.path).n_events == 1


def test_a_store_whose_making_was_cut_off_can_be_made_again(store):
    (store.path / "store.json").unlink()
    assert account(EventStore.create(store.path).ingest([chunk(event())], "f", NOW)) == (1, 1, 0, 0)


def test_a_damaged_bucket_is_told(store):
    store.ingest([chunk(event())], "f", NOW)
    for file in (store.path / "events").glob("*/*.parquet"):
        file.write_bytes(b"broken")
    for read in (lambda: store.bucket(store.ids[0]), lambda: store.user("u1"), store.span):
        with pytest.raises(StorageError, match="cannot be used"):
            read()


def test_the_span_is_told_without_reading_events(store, monkeypatch):
    monkeypatch.setattr(delta, "ROW_GROUP", 3)
    for minutes in ([70, 5, 300, 40], [301, 2, 90], range(100, 120)):
        store.ingest([chunk(*(event(f"u{minute % 4}", minute) for minute in minutes))], "f", NOW)
    ts = all_events(store)["ts"]
    monkeypatch.setattr(EventStore, "_scan", None)
    assert store.span() == (ts.min(), ts.max())
    assert store.span()[1] - store.span()[0] == timedelta(minutes=299)


def test_a_folder_with_any_name(tmp_path):
    store = EventStore.create(tmp_path / "Läden #1 100% 店")
    store.ingest([chunk(event())], "f", NOW)
    assert all_events(EventStore.open(store.path)).height == 1
    with pytest.raises(StorageError, match="percent escape"):
        EventStore.create(tmp_path / "a%20b")


def test_readers_see_whole_imports_only(store):
    """Each import has one event in each of many buckets; a reader counts while a writer writes."""
    done = threading.Event()
    seen = []

    def read():
        while not done.is_set():
            seen.append(all_events(EventStore.open(store.path)).height)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for minute in range(6):
            store.ingest([chunk(*(event(f"u{n}", minute) for n in range(20)))], "f", NOW)
        done.set()
        reading.result()
    assert all(n % 20 == 0 for n in seen)
    assert seen == sorted(seen)


def test_other_readers_of_delta_see_the_same(store):
    store.ingest([chunk(event(minute=0))], "f", NOW)
    store.ingest([chunk(event(minute=1, country="DE"), country=pl.String)], "g", NOW)
    table = pl.DataFrame(DeltaTable(store.path / "events").to_pyarrow_table())
    assert table.select(store.columns).sort("ts").equals(all_events(store).sort("ts"))


def test_a_damaged_table_is_told(store):
    for file in (store.path / "events" / "_delta_log").iterdir():
        file.write_text("{broken")
    with pytest.raises(StorageError, match="cannot be used"):
        EventStore.open(store.path)


WRITER = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from events.small import NOW, chunk, event
from foretide.events.store import EventStore
{before}
store = EventStore.open(Path({path!r}))
def chunks():
    for part in range(3):
        yield chunk(*(event(f"u{{n}}", n) for n in range(part * 50, part * 50 + 60)))
        print("read", flush=True)
        time.sleep({pause})
counts = store.ingest(chunks(), "f", NOW)
print(counts.stored, counts.duplicate, flush=True)
"""


#: The files are in their place and the log does not name them yet.
SLOW_COMMIT = """
def slow(*_):
    print("moved", flush=True)
    time.sleep(30)
delta.DeltaTable.create_write_transaction = slow
"""


def writer(store, pause, before=""):
    code = WRITER.format(tests=str(Path(__file__).parents[1]), path=str(store.path), pause=pause, before=before)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_two_writers_at_once_store_everything_once(store):
    writers = [writer(store, 0.05) for _ in range(2)]
    told = [process.communicate(timeout=60)[0].split()[-2:] for process in writers]
    store.refresh()
    assert store.n_events == all_events(store)["event_id"].n_unique()
    assert sum(int(stored) for stored, _ in told) == store.n_events


def test_an_import_killed_while_it_commits_leaves_nothing(store):
    process = writer(store, 0, "from foretide.events import delta\n" + SLOW_COMMIT)
    while process.stdout.readline() != "moved\n":
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store.refresh()
    assert (store.n_events, all_events(store).height) == (0, 0)
    assert account(store.ingest([chunk(*(event(f"u{n}", n) for n in range(60)))], "f", NOW)) == (60, 60, 0, 0)
    assert all_events(store).height == 60


def test_a_killed_import_leaves_nothing_and_is_swept(store):
    process = writer(store, 30)
    assert process.stdout.readline() == "read\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store.refresh()
    assert store.n_events == 0
    assert len(list((store.path / "staging").iterdir())) == 1
    assert account(store.ingest([chunk(event())], "f", NOW)) == (1, 1, 0, 0)
    assert list((store.path / "staging").iterdir()) == []
