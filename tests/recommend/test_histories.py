"""Histories: time order, occasions, independence of the order of rows and of buckets."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.recommend.histories import NO_CATEGORY, Histories
from recommend.small import AS_OF, events, histories

ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 5), st.sampled_from(["p", "q", None])),
    min_size=1,
    max_size=20,
)


@dataclass(frozen=True)
class Split:
    """Events in two buckets: users before "b", and the others."""

    frame: pl.DataFrame
    timezone: str = "UTC"
    ids = (0, 1)

    def bucket(self, i, columns=None, until=None):
        early = pl.col("user_id") < "b"
        return FrameBuckets(self.frame.filter(early if i == 0 else ~early)).bucket(0, columns, until)


def same(a, b):
    return (
        a.users.equals(b.users)
        and a.items.equals(b.items)
        and a.categories.equals(b.categories)
        and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in ("category", "offsets", "item", "ts"))
    )


def test_occasions_are_in_time_order_and_double_lines_are_one():
    made = histories([("b", "x", 1), ("a", "y", 2), ("a", "x", 3), ("a", "y", 2)])
    assert made.users.to_list() == ["a", "b"]
    assert made.offsets.tolist() == [0, 2, 3]
    assert made.items.gather(made.item).to_list() == ["x", "y", "x"]


def test_events_without_interest_or_item_do_not_count():
    rows = [("a", "x", 1), ("a", "y", 1, None, "impression"), ("b", None, 1), ("a", "q", 1, None, "survey")]
    made = histories(rows)
    assert made.items.to_list() == ["x"]
    only = Histories.from_buckets(FrameBuckets(events(rows)), AS_OF, ["impression"])
    assert only.items.to_list() == ["y"]


def test_an_item_in_two_categories_counts_to_the_first_by_name():
    made = histories([("a", "x", 1, "q"), ("b", "x", 2, "p"), ("b", "y", 2)])
    assert made.categories.to_list() == ["p"]
    assert made.category.tolist() == [0, NO_CATEGORY]


def test_users_asked_for_come_in_that_order_and_strangers_are_empty():
    made = histories([("a", "x", 1), ("c", "y", 1), ("c", "x", 2)]).of(["zz", "c", "0", "a"])
    assert np.diff(made.offsets).tolist() == [0, 2, 0, 1]
    assert made.items.gather(made.item).to_list() == ["x", "y", "x"]


def test_nothing_stored_gives_empty_histories():
    made = histories([("a", "x", 1)], until=AS_OF - timedelta(days=1))
    assert (made.n_users, made.n_items, made.item.size) == (0, 0, 0)
    assert made.of(["a"]).offsets.tolist() == [0, 0]


@settings(max_examples=40)
@given(ROWS, st.randoms())
def test_neither_the_order_of_rows_nor_the_buckets_matter(rows, random):
    made = histories(rows)
    shuffled = random.sample(rows, len(rows))
    assert same(made, histories(shuffled))
    assert same(made, Histories.from_buckets(Split(events(shuffled)), AS_OF))


@settings(max_examples=40)
@given(ROWS, st.integers(0, 6))
def test_until_is_what_was_read_until_then(rows, days):
    at = AS_OF - timedelta(days=days)
    cut, read = histories(rows).until(at), histories(rows, at)
    assert cut.items.gather(cut.item).equals(read.items.gather(read.item))
    assert np.array_equal(cut.ts, read.ts)
