"""Segments: planted groups found and named, figures that add up, the stakes worked out by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.text import catalogue, speaking
from foretide.users.interests import OTHER
from foretide.users.segments import HOPELESS, SEGMENTS, WORTH, segment_outlook, worth_acting_on
from foretide.users.segments_found import HABITS, LEAST_USERS, by_size, found_segments, unlike

GROUPS = (("churned", "tea", 0.9), ("active", "books", 0.1), ("growing", "games", 0.1))


def crowd(n, rng):
    """Make three groups that differ in stage, interest and weekends."""
    group = rng.integers(0, 3, n)
    users = pl.DataFrame(
        {
            "user_id": [f"u{i:04}" for i in range(n)],
            "stage": [GROUPS[g][0] for g in group],
            "active_days_28": rng.poisson(np.where(group == 0, 1, 12), n).astype(float),
            "weekend_share": np.clip(rng.normal([GROUPS[g][2] for g in group], 0.05), 0, 1),
            "night_share": rng.random(n),
            "hours_hill_1": rng.uniform(1, 9, n),
            "gap_entropy_bits": rng.uniform(0, 3, n),
            "categories_hill_1": rng.uniform(1, 4, n),
        }
    ).with_columns(night_share=pl.when(pl.int_range(n) % 9 == 0).then(np.nan).otherwise("night_share"))
    interests = pl.DataFrame(
        {
            "user_id": users["user_id"].to_list() * 2,
            "category": [GROUPS[g][1] for g in group] + [OTHER] * n,
            "share_now": [0.8] * n + [0.2] * n,
            "share_expected": [0.7] * n + [0.3] * n,
        }
    )
    return users, interests, group


def outlook_of(rows):
    return pl.DataFrame(
        rows,
        schema={
            "user_id": pl.String,
            "stage": pl.String,
            "known": pl.Boolean,
            "p_inactive": pl.Float64,
            "expected_active_days": pl.Float64,
            "expected_value": pl.Float64,
        },
        orient="row",
    )


LIKES = pl.DataFrame(
    [("a", "tea", 0.6, 0.2), ("a", "books", 0.3, 0.7), ("b", "tea", 0.5, 0.5), ("b", OTHER, 0.5, 0.5)],
    schema=["user_id", "category", "share_now", "share_expected"],
    orient="row",
)


def test_planted_groups_are_found_and_named_by_what_sets_them_apart():
    users, interests, group = crowd(600, np.random.default_rng(1))
    found = found_segments(users, interests)
    assert found["user_id"].equals(users["user_id"])
    assert found["segment"].n_unique() == 3
    by_group = found.with_columns(group=pl.Series(group)).group_by("group").agg(pl.col("segment").unique())
    names = {g: name[0] for g, name in by_group.iter_rows() if len(name) == 1}
    assert len(names) == 3
    assert names[0].startswith("churned, likes tea, ")
    assert "comes rarely" in names[0]
    assert "at weekends" in names[0]
    assert names[1].startswith("active, likes books")
    with speaking("zh"):
        assert "已流失，偏好tea" in "".join(found_segments(users, interests)["segment"].unique())


def test_the_same_seed_gives_the_same_segments_and_the_order_of_rows_does_not_matter_to_who_is_together():
    users, interests, _ = crowd(300, np.random.default_rng(2))
    assert found_segments(users, interests, 5).equals(found_segments(users, interests, 5))
    turned = found_segments(users.reverse(), interests.reverse(), 5).reverse()
    assert turned.equals(found_segments(users, interests, 5))


def test_few_users_alike_users_and_users_without_interests_are_segments_too():
    users, interests, _ = crowd(LEAST_USERS - 1, np.random.default_rng(3))
    assert found_segments(users, interests)["segment"].unique().to_list() == ["all users"]
    alike = pl.concat([users[:1]] * 80).with_columns(user_id=pl.format("u{}", pl.int_range(80)))
    assert found_segments(alike, interests.clear())["segment"].unique().to_list() == ["all users"]
    many, _, _ = crowd(200, np.random.default_rng(4))
    assert found_segments(many, interests.clear())["segment"].n_unique() > 1
    assert found_segments(users.clear(), interests.clear()).is_empty()


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_segments_are_numbered_by_size(codes):
    new = by_size(np.array(codes))
    sizes = np.bincount(new)
    assert (np.diff(sizes) <= 0).all()
    assert sizes.min() > 0
    pairs = set(zip(codes, new.tolist(), strict=True))
    assert len(pairs) == len(set(codes)) == len(sizes)


def test_no_two_names_are_the_same():
    assert unlike(["a", "a", "b", "a"]) == ["a", "a (2)", "b", "a (3)"]


def test_every_habit_has_its_words():
    for name in HABITS:
        assert {f"segments.habit.more_{name}", f"segments.habit.less_{name}"} <= catalogue("en").keys()


def test_figures_of_a_segment_are_those_of_its_users():
    told = outlook_of(
        [("a", "new", True, 0.2, 4.0, 10.0), ("b", "new", True, 0.6, 1.0, 5.0), ("c", "new", True, 1, 0, 0)]
    )
    both = pl.DataFrame({"user_id": ["a", "b", "b"], "segment": ["ab", "ab", "b"]})
    table = segment_outlook(told, both, LIKES)
    assert table.schema == SEGMENTS
    ab = table.row(0, named=True)
    assert (ab["segment"], ab["users"], ab["share"]) == ("ab", 2, pytest.approx(2 / 3))
    assert (ab["p_inactive"], ab["expected_inactive"]) == pytest.approx((0.4, 0.8))
    assert (ab["expected_active_days"], ab["expected_value"]) == pytest.approx((2.5, 15.0))
    assert ab["interests_now"] == ["tea", "books"]
    assert ab["interests_ahead"] == ["books", "tea"]  # 4 * .7 against 4 * .2 + 1 * .5


def test_segments_without_values_or_interests_are_told_without():
    told = outlook_of([("x", "new", True, 0.2, 4.0, None)]).drop("expected_value")
    row = segment_outlook(told, pl.DataFrame({"user_id": ["x"], "segment": ["s"]}), LIKES).row(0, named=True)
    assert (row["expected_value"], row["interests_now"]) == (None, None)


def test_what_is_at_stake_worked_out_by_hand():
    told = outlook_of(
        [
            ("a", "at_risk", True, 0.5, 2.0, 20.0),  # 40 if active, half of it at stake
            ("b", "active", True, 0.1, 9.0, 90.0),  # 100 if active
            ("c", "churned", True, 0.95, 0.1, 50.0),  # hopeless
            ("d", "new", False, 0.5, 2.0, 99.0),  # not known
            ("e", "active", True, 0.0, 5.0, 50.0),  # nothing at stake
        ]
    )
    table = worth_acting_on(told, LIKES)
    assert table.schema == WORTH
    assert table.select("rank", "user_id", "if_active", "at_stake", "unit", "interest").rows() == [
        (1, "a", 40.0, 20.0, "value", "books"),
        (2, "b", pytest.approx(100.0), pytest.approx(10.0), "value", "tea"),
    ]
    assert worth_acting_on(told, LIKES, at_most=1)["user_id"].to_list() == ["a"]
    assert worth_acting_on(told, LIKES, hopeless=0.96)["user_id"].to_list() == ["c", "a", "b"]


def test_without_values_active_days_are_at_stake():
    told = outlook_of([("a", "new", True, 0.5, 2.0, None)])
    assert worth_acting_on(told, LIKES).select("if_active", "at_stake", "unit").rows() == [(4.0, 2.0, "active_days")]


@given(st.just(0.0) | st.floats(1e-9, 1), st.floats(0.01, 1e6))
def test_the_stakes_are_finite_and_less_than_what_a_user_who_comes_is_worth(p, worth):
    told = outlook_of([("a", "new", True, p, 1 - p, worth * (1 - p))])
    table = worth_acting_on(told, LIKES)
    if p > HOPELESS or p == 0:
        assert table.is_empty()
    else:
        assert table["if_active"][0] == pytest.approx(worth)
        assert table["at_stake"][0] == pytest.approx(p * worth)


@pytest.mark.parametrize("wrong", [{"hopeless": 1.0}, {"hopeless": 0.0}, {"at_most": -1}])
def test_impossible_questions_are_errors(wrong):
    with pytest.raises(UsageError):
        worth_acting_on(outlook_of([("a", "new", True, 0.5, 2.0, 1.0)]), LIKES, **wrong)
