"""Ids by content: stable for ever, blind to how a null is told, never fooled by separators."""

import hashlib
from zlib import crc32

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.identity import bucket_of, buckets_of, content_hash, number_repeats

TEXTS = st.text(max_size=6) | st.none()


def test_the_hash_of_an_event_never_changes():
    rows = pl.DataFrame({"user_id": ["u1"], "value": [1.5], "event_id": ["own"]})
    text = "user_id:2:u1value:19:4609434218613702656"
    assert content_hash(rows).to_list() == [hashlib.md5(text.encode()).hexdigest()]


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
@settings(deadline=None)
def test_equal_content_and_equal_hash_are_the_same(rows):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    hashes = content_hash(frame).to_list()
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            assert (one == other) == (hashes[i] == hashes[j])


def test_an_absent_column_is_a_null():
    short = pl.DataFrame({"user_id": ["u1", "u2"]})
    assert content_hash(short).equals(content_hash(short.with_columns(item_id=pl.lit(None, pl.String))))


def test_the_zeros_are_one_number():
    assert content_hash(pl.DataFrame({"value": [0.0]})).equals(content_hash(pl.DataFrame({"value": [-0.0]})))


def test_many_rows_keep_their_order():
    users = pl.Series("user_id", [f"u{i}" for i in range(300_000)])
    hashes = content_hash(users.to_frame())
    for i in (0, 1, 122_880, 299_999):
        assert hashes[i] == content_hash(users[i : i + 1].to_frame())[0]


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1), st.integers(1, 64))
@settings(deadline=None)
def test_a_column_and_a_single_user_have_the_same_bucket(users, n_buckets):
    numbers = buckets_of(pl.Series(users), n_buckets).to_list()
    assert numbers == [bucket_of(user, n_buckets) for user in users]
    assert numbers == [crc32(user.encode()) % n_buckets for user in users]


@given(st.lists(st.sampled_from("abc"), max_size=12))
@settings(deadline=None)
def test_repeats_are_numbered_in_order(hashes):
    seen: dict[str, int] = {}
    expected = []
    for name in hashes:
        n = seen.get(name, 0)
        expected.append(f"{name}-{n}" if n else name)
        seen[name] = n + 1
    assert number_repeats(pl.Series("hash", hashes, dtype=pl.String)).to_list() == expected
