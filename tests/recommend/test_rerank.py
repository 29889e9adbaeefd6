"""The order in which candidates are shown: interests lift, diversity mixes, and zero leaves things alone."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.recommend.candidates import Candidates
from foretide.recommend.histories import NO_CATEGORY
from foretide.recommend.rerank import MAX_LIFT, interest_lift, pick
from recommend.small import histories

ROWS = [("a", "x", 1, "p"), ("a", "y", 1, "q"), ("a", "z", 1), ("b", "x", 1, "p")]
EVERY = Candidates(np.array([0, 3, 6]), np.array([0, 1, 2, 0, 1, 2], np.int32), np.ones(6))


def interests(*rows):
    return pl.DataFrame(rows, ["user_id", "category", "share_now", "share_expected"], orient="row")


def test_rising_interests_lift_and_nothing_else_moves():
    frame = interests(("b", "p", 0.1, 0.12), ("a", "q", 0.4, 0.2), ("a", "(other)", 0.1, 0.9), ("n", "p", 0.1, 0.2))
    lift = interest_lift(EVERY, histories(ROWS), frame, strength=1)
    assert lift == pytest.approx([1, 1, 1, 1.2, 1, 1])


def test_the_lift_has_an_upper_limit():
    frame = interests(("b", "p", 0.001, 0.9), ("a", "p", 0.0, 0.5))
    lift = interest_lift(EVERY, histories(ROWS), frame, strength=1)
    assert lift == pytest.approx([1, 1, 1, MAX_LIFT, 1, 1])


@pytest.mark.parametrize("frame", [None, interests(("a", "p", 0.1, 0.9)).clear()])
def test_without_interests_nothing_is_lifted(frame):
    assert (interest_lift(EVERY, histories(ROWS), frame) == 1).all()


def test_strength_zero_lifts_nothing():
    assert (interest_lift(EVERY, histories(ROWS), interests(("a", "p", 0.1, 0.9)), strength=0) == 1).all()


def plain_pick(score, kinds, k, diversity):
    """Pick one after the other in plain Python."""
    left, shown, counts = list(range(len(score))), [], {}
    while left and len(shown) < k:
        now = {i: score[i] * (1 - diversity) ** (counts.get(kinds[i], 0) if kinds[i] >= 0 else 0) for i in left}
        first = max(left, key=lambda i: (now[i], -left.index(i)))
        shown.append((first, now[first]))
        counts[kinds[first]] = counts.get(kinds[first], 0) + 1
        left.remove(first)
    return shown


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0]), st.integers(NO_CATEGORY, 2)),
        min_size=1,
        max_size=9,
    ),
    st.integers(2, 5),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_picking_is_that_of_plain_python(found, k, diversity):
    score, kinds = (np.array(column) for column in zip(*found, strict=True))
    order = np.argsort(-score, kind="stable")
    item = np.arange(len(score), dtype=np.int32)
    candidates = Candidates(np.array([0, len(score)]), item, score.astype(float))
    picked = pick(candidates, item, kinds.astype(np.int32), k, diversity)
    wanted = plain_pick(score[order], kinds[order], k, diversity)
    assert picked.place.tolist() == [order[i] for i, _ in wanted]
    assert picked.score == pytest.approx([s for _, s in wanted])
    assert picked.rank.tolist() == list(range(1, len(wanted) + 1))


def test_diversity_brings_another_kind_up():
    item = np.arange(3, dtype=np.int32)
    candidates = Candidates(np.array([0, 3]), item, np.array([1.0, 0.9, 0.8]))
    kinds = np.array([0, 0, 1], np.int32)
    assert pick(candidates, item, kinds, 3, 0).place.tolist() == [0, 1, 2]
    assert pick(candidates, item, kinds, 3, 0.2).place.tolist() == [0, 2, 1]
