"""An id of the source's own is one event in the whole store, whatever else the rows say."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.small import NOW, account, all_events, chunk, event
from foretide.events.store import EventStore

USERS = [f"u{n}" for n in range(6)]  # in several buckets
ROWS = st.tuples(st.sampled_from("abcd"), st.sampled_from(USERS), st.sampled_from([1.0, 2.0]))
FILES = st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=4)


def kept(store):
    """Return ``(user, value)`` by id."""
    return {row["event_id"]: (row["user_id"], row["value"]) for row in all_events(store).iter_rows(named=True)}


@given(FILES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_first_event_of_an_id_is_kept(tmp_path_factory, files):
    store = EventStore.create(tmp_path_factory.mktemp("own") / "store", n_buckets=4)
    first: dict[str, tuple[str, float]] = {}
    for rows in files:
        expected = [0, 0, 0]
        for name, user, value in rows:
            known = first.get(name)
            expected[0 if known is None else 1 if known == (user, value) else 2] += 1
            first.setdefault(name, (user, value))
        middle = len(rows) // 2
        pieces = [
            chunk(*(event(user, event_id=name, value=value) for name, user, value in part))
            for part in (rows[:middle], rows[middle:])
        ]
        assert account(store.ingest(pieces, "f", NOW)) == (len(rows), *expected)
    assert kept(store) == first
    assert store.n_events == len(first)


def test_a_correction_of_the_user_is_a_conflict(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=8)
    store.ingest([chunk(event("anonymous", event_id="a"), event("other", event_id="b"))], "f", NOW)
    counts = store.ingest([chunk(event("u1", event_id="a"), event("u2", event_id="c"))], "g", NOW)
    assert account(counts) == (2, 1, 0, 1)
    assert counts.reasons == {"conflict": 1}
    assert json.loads(store.table("quarantine")["raw"][0])["user_id"] == "u1"


def test_rows_with_and_without_an_id_in_one_file(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=4)
    rows = [event("u1", event_id="a"), event("u1"), event("u1"), event("u2"), event("u3", event_id="a")]
    assert account(store.ingest([chunk(*rows)], "f", NOW)) == (5, 4, 0, 1)
    assert account(store.ingest([chunk(*rows)], "f", NOW)) == (5, 0, 4, 1)
    assert store.table("quarantine").height == 1


def test_derived_ids_that_were_exported_come_back_as_the_same_events(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=4)
    store.ingest([chunk(event("u1"), event("u1"), event("u2"))], "f", NOW)
    exported = all_events(store)
    assert account(store.ingest([chunk(*exported.iter_rows(named=True))], "g", NOW)) == (3, 0, 3, 0)
