"""Conditions: they mean what Python means, unknown is no member, and nothing else than comparing is possible."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.users.segments_predicate import MOST_CHARACTERS, Condition, members

USERS = pl.DataFrame(
    {
        "user_id": list("abcdef"),
        "stage": ["new", "at_risk", "at_risk", "active", "churned", None],
        "p": [0.1, 0.6, 0.9, np.nan, 0.5, 0.7],
        "days": [1, 2, 3, 4, 5, None],
        "known": [True, True, False, True, False, None],
    }
)


def who(text):
    return "".join(members(USERS, {"s": text})["user_id"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("stage == 'at_risk' and p > 0.7", "c"),
        ("stage != 'at_risk'", "ade"),
        ("stage in ('new', 'active')", "ad"),
        ("stage not in ['new', 'active']", "bce"),
        ("p > 0.5", "bcf"),  # NaN is not known, and not large
        ("not p > 0.5", "ae"),
        ("p > 0.5 or days == 4", "bcdf"),
        ("p > 0.5 and days > 0", "bc"),
        ("not (p > 0.5 and stage == 'at_risk')", "ade"),
        ("1 < days <= 3", "bc"),
        ("days > p", "abce"),
        ("0.5 < p", "bcf"),
        ("known", "abd"),
        ("not known", "ce"),
        ("known == True and days >= -1", "abd"),
        ("True", "abcdef"),
        ("False", ""),
    ],
)
def test_a_condition_finds_those_of_whom_it_is_known_to_hold(text, found):
    assert who(text) == found


def python_says(text, row):
    return eval(text, {"__builtins__": {}}, row)


leaf = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["x", "y"]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.one_of(st.integers(-3, 3), st.sampled_from(["x", "y", "1.5"])),
    ),
    st.sampled_from(["k == 'a'", "k != 'b'", "k in ('a', 'c')", "-1 < x < y", "b", "x in (1, 2)"]),
)
conditions = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=8,
)


@given(conditions, st.integers(0, 2**31))
def test_a_condition_means_what_python_means(text, seed):
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(12)],
            "x": rng.integers(-3, 4, 12),
            "y": rng.normal(0, 2, 12).round(1),
            "k": rng.choice(["a", "b", "c"], 12),
            "b": rng.random(12) < 0.5,
        }
    )
    expected = [row["user_id"] for row in table.iter_rows(named=True) if python_says(text, row)]
    assert members(table, {"s": text})["user_id"].to_list() == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("stge == 'new'", "did you mean stage"),
        ("zzz > 1", "is no column"),
        ("stage > 'new'", "needs numbers"),
        ("stage == 1", "which is text"),
        ("p == 'x'", "which is a number"),
        ("p", "compare it"),
        ("0.5", "compare it"),
        ("p >", "cannot be read"),
        ("", "cannot be read"),
        ("p > 1\x00", "cannot be read"),
        ("p is None", "'is'"),
        ("p > None", "None"),
        ("p in 3", "without a list"),
        ("stage in ()", "without a list"),
        ("p + 1 > 2", "p + 1"),
        ("p > 10**999", "10 ** 999"),
        ("p > 1" + "0" * 400, "too large"),
        ("p > 1e999", "too large"),
        ("p > 1j", "1j"),
        ("[p for p in (1,)]", "[p for p in (1,)]"),
        ("__import__('os').system('true')", "__import__"),
        ("stage.upper() == 'NEW'", "stage.upper()"),
        ("(lambda: True)()", "lambda"),
        ("p := 1", "cannot be read"),
        ("f'{p}' == 'x'", "in it"),
        ("user_id[0] == 'a'", "user_id[0]"),
        ("(" * 900 + "p > 1" + ")" * 900, "cannot be read"),
        ("p > 1 or " * 300 + "p > 1", f"{MOST_CHARACTERS} are enough"),
    ],
)
def test_anything_else_is_an_error_that_says_why(text, why):
    with pytest.raises(UsageError) as error:
        members(USERS, {"s": text})
    assert why in str(error.value)


def test_a_deep_condition_is_one_still():
    assert who("not " * 490 + "p > 0.5") == who("p > 0.5")


def test_a_user_may_be_in_several_segments_or_in_none():
    table = members(USERS, {"risky": "p > 0.5", "here": "known", "nobody": "days > 100"})
    assert table.group_by("segment", maintain_order=True).agg("user_id").rows() == [
        ("risky", ["b", "c", "f"]),
        ("here", ["a", "b", "d"]),
    ]


def test_no_segments_no_members():
    assert members(USERS, {}).is_empty()


def test_a_column_of_another_type_is_refused():
    with pytest.raises(UsageError, match="neither"):
        Condition("seen == 1", pl.Schema({"seen": pl.List(pl.Int64())})).expr()
