"""What is learnt from: the lengths of horizons that a log has room for."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.users.cutoffs import horizon, room_days
from foretide.users.examples import (
    CUTOFFS_PER_HORIZON,
    STRAYS_ONE_IN,
    history_begins,
    training_lengths,
    training_pairs,
)
from users.visiting import START


@given(st.integers(0, 1000), st.integers(1, 400))
def test_horizons_to_learn_from_fit_and_reach_the_one_asked_for_if_it_does(history, asked):
    lengths = training_lengths(history, asked)
    room = room_days(history)
    assert lengths == sorted(set(lengths))
    assert bool(lengths) == bool(room)
    if asked <= room:
        assert lengths[-1] == asked
    assert all(1 <= days <= min(asked, room) for days in lengths)


@given(st.integers(0, 400), st.integers(1, 400))
def test_every_length_has_cutoffs_whose_horizon_is_over(history, asked):
    as_of = START + timedelta(days=history)
    pairs = training_pairs(START, as_of, asked, "UTC")
    assert {days for _, days in pairs} == set(training_lengths(history, asked))
    assert all(horizon(*pair, "UTC")[1] <= as_of for pair in pairs)
    assert len(pairs) <= CUTOFFS_PER_HORIZON * len(training_lengths(history, asked))


def test_a_longer_horizon_than_fits_is_carried_on_from_more_lengths_of_which_the_longest_takes_most_of_the_log():
    assert training_lengths(130, 90) == [22, 45, 90]
    assert training_lengths(130, 200) == [10, 20, 40, 60, 80]


@given(st.lists(st.floats(10, 19), min_size=1, max_size=60), st.integers(0, 3))
def test_a_few_users_long_before_all_others_do_not_stretch_the_history(ages, n_strays):
    as_of = START + timedelta(days=30)
    strays = [2.5 ** (n + 4) for n in range(n_strays)]
    allowed = (len(ages) + n_strays) // STRAYS_ONE_IN
    oldest = sorted([*ages, *strays], reverse=True)[min(n_strays, allowed)]
    begun = history_begins(pl.Series([*ages, *strays]), as_of)
    assert (as_of - begun) / timedelta(days=1) == pytest.approx(oldest)
