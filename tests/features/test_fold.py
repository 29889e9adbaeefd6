"""The driver of the fold: order, buckets, shape, and one compilation whatever the buckets hold."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.activity import FEATURES
from foretide.features.days import active_between, shift
from foretide.features.fold import _fold, feature_table, run
from foretide.features.lifecycle import LifecycleRule, lifecycle_dtype
from foretide.features.user_events import as_arrays
from foretide.schema import TS

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SCHEMA = {"user_id": pl.String, "ts": TS, "event_type": pl.String, "value": pl.Float64}
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["u0", "u1", "u2", "u3"]),
        st.integers(0, 24 * 60 * 100).map(lambda m: BEGIN + timedelta(minutes=m)),
        st.just("view"),
        st.one_of(st.none(), st.floats(-10, 10)),
    ),
    min_size=1,
    max_size=50,
    unique_by=lambda event: event[:2],
)
CUTOFFS = [BEGIN + timedelta(days=days, hours=7) for days in (3, 40, 99)]


def frame(rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


class Two:
    """Two buckets."""

    timezone = "UTC"
    ids = (0, 1)

    def __init__(self, whole):
        self.whole = whole

    def bucket(self, i, columns=None, until=None):
        rows = self.whole.filter(pl.col("user_id").str.tail(1).cast(pl.Int64) % 2 == i)
        return FrameBuckets(rows).bucket(0, columns, until)


@given(EVENTS, st.randoms())
@settings(max_examples=30, deadline=None)
def test_neither_arrival_nor_buckets_nor_the_order_of_cutoffs_matter(rows, random):
    table = feature_table(FrameBuckets(frame(rows)), CUTOFFS)
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert feature_table(FrameBuckets(frame(shuffled)), CUTOFFS[::-1] + CUTOFFS).equals(table)
    assert feature_table(Two(frame(shuffled)), CUTOFFS).sort("user_id", "as_of").equals(table)


def test_every_user_known_at_a_cutoff_has_one_row():
    rows = [("a", BEGIN, "view", 1.0), ("b", BEGIN + timedelta(days=50), "view", None)]
    table = feature_table(FrameBuckets(frame(rows)), CUTOFFS)
    assert table.columns == ["user_id", "as_of", "stage", *FEATURES]
    assert table.select("user_id", "as_of").rows() == [*(("a", cutoff) for cutoff in CUTOFFS), ("b", CUTOFFS[2])]
    assert table["gap_mean_days"].is_nan().all()
    assert table.null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize("rows", [[], [("a", CUTOFFS[-1], "view", 1.0)]])
def test_a_log_without_a_past_gives_an_empty_table_of_the_same_columns(rows):
    full = feature_table(FrameBuckets(frame([("a", BEGIN, "view", 1.0)])), CUTOFFS)
    for cutoffs in (CUTOFFS, []):
        assert feature_table(FrameBuckets(frame(rows)), cutoffs).schema == full.schema


def test_an_event_at_a_cutoff_counts_from_the_next_one_on():
    rows = [("a", moment, "view", 1.0) for moment in (BEGIN, *CUTOFFS)]
    assert feature_table(FrameBuckets(frame(rows)), CUTOFFS)["n_events"].to_list() == [1, 2, 3]


def test_one_compilation_serves_every_bucket():
    whole = frame([("a", BEGIN, "view", 1.0), ("a", BEGIN + timedelta(days=1), "buy", 2.0)])
    pieces = pl.concat([whole.head(1), whole.tail(1)], rechunk=False)  # as files of several row groups are read
    compiled = set()
    for events in (whole, pieces, whole.with_columns(value=None).cast(SCHEMA)):
        for zone in ("UTC", "Asia/Shanghai"):
            run(as_arrays(events, zone), CUTOFFS, zone, LifecycleRule(9))
            compiled.add(len(_fold.signatures))
    assert len(compiled) == 1


@given(st.sets(st.integers(0, 400), min_size=1), st.integers(1, 40), st.integers(-5, 300), st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_bits_of_days_are_a_set_of_days(days, window_days, begin, length):
    words = np.zeros(1, lifecycle_dtype(window_days))[0]["days"]
    ordered = sorted(days)
    words[0] = 1
    for gap in np.diff(ordered):
        shift(words, gap)
    ages = {ordered[-1] - day for day in days}
    end = min(begin + length, 8 * window_days)
    assert active_between(words, begin, end) == sum(begin <= age < end for age in ages)
