"""What grows keeps what it had."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from foretide.features.growing import longer, rows_for, translate

NAMES = st.lists(st.sampled_from("abcdefg"), max_size=12)


@given(NAMES, NAMES)
def test_a_name_keeps_its_row(before, after):
    known = {}
    first, second = rows_for(known, before), rows_for(known, after)
    assert sorted(known.values()) == list(range(len(known)))
    assert [known[name] for name in before] == first.tolist()
    assert [known[name] for name in after] == second.tolist()


@given(NAMES, NAMES)
def test_codes_of_a_frame_become_those_of_all_names(before, here):
    known = {}
    rows_for(known, before)
    names = pl.Series(sorted(set(here)), dtype=pl.String)
    codes = np.array([*(names.to_list().index(name) for name in here), -1], np.int32)
    translate(codes, names, known)
    assert codes.tolist() == [*(known[name] for name in here), -1]


@given(st.lists(st.integers(-9, 9), max_size=20), st.integers(0, 60))
def test_a_longer_array_ends_in_zeros(values, n):
    grown = longer(np.array(values, np.int64), n)
    assert grown.size >= max(n, len(values))
    assert grown[: len(values)].tolist() == values
    assert not grown[len(values) :].any()
