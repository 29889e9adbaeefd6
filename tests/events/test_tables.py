"""Reference tables: the last row of a key counts, and nothing that was known is lost."""

from datetime import date

import polars as pl
import pytest

from events.small import account
from foretide.events.store import EventStore


@pytest.fixture
def store(tmp_path):
    return EventStore.create(tmp_path / "store")


def test_the_last_row_of_a_key_counts(store):
    items = pl.DataFrame({"item_id": ["a", "b", "a"], "category": ["x", "y", "z"]})
    assert account(store.put("items", items)) == (3, 2, 1, 0)
    assert store.table("items").rows() == [("a", "z"), ("b", "y")]
    assert account(store.put("items", items)) == (3, 0, 3, 0)


def test_other_keys_and_columns_stay(store):
    store.put("users", pl.DataFrame({"user_id": ["u1", "u2"], "country": ["DE", "CN"]}))
    store.put("users", pl.DataFrame({"user_id": ["u2", "u3"], "segment": ["new", "old"]}))
    assert store.table("users").select("user_id", "country", "segment").rows() == [
        ("u1", "DE", None),
        ("u2", None, "new"),
        ("u3", None, "old"),
    ]


def test_ready_made_series(store):
    series = pl.DataFrame({"unique_id": ["s"] * 2, "ds": [date(2025, 1, 1), date(2025, 1, 2)], "y": [1.0, 2.0]})
    assert account(store.put("series", series)) == (2, 2, 0, 0)
    assert store.table("series").equals(series)


def test_figures_of_one_series_and_day_are_added_up(store):
    series = pl.DataFrame(
        {"unique_id": ["s"] * 3, "ds": [date(2025, 1, 1)] * 2 + [date(2025, 1, 2)], "y": [1.0, 2.0, 4.0]}
    )
    assert account(store.put("series", series)) == (3, 2, 1, 0)
    assert store.table("series")["y"].to_list() == [3.0, 4.0]


def test_rejected_rows_are_counted_and_kept(store):
    rejected = pl.DataFrame({"line": [3], "reason": ["no_user"], "raw": [",DE"]})
    users = pl.DataFrame({"user_id": ["u1"], "country": ["CN"]})
    assert account(store.put("users", users, rejected, "users.csv")) == (2, 1, 0, 1)
    assert store.table("quarantine")["source"].to_list() == ["users.csv"]


def test_an_empty_table_has_its_columns(store):
    assert store.table("items").columns == ["item_id", "category"]
    assert store.table("series").columns == ["unique_id", "ds", "y"]
