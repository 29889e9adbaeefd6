"""Interests: the blend finds planted weights, its shares are a distribution and follow the definition."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.features.interests import interests
from foretide.users.interests import (
    INTERESTS,
    KEPT_CATEGORIES,
    OTHER,
    PARTS,
    PRIOR_WEIGHTS,
    ahead_parts,
    expected_interests,
    fit_weights,
    mixture_weights,
)
from foretide.users.mixes import KAPPA, USUAL_DAYS, decayed, moved, population

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)


def log(rows):
    """Make a log of (user, category, days before AS_OF)."""
    events = [(user, category, AS_OF - timedelta(days=days)) for user, category, days in rows]
    schema = {"user_id": pl.String, "category": pl.String, "ts": pl.Datetime("us", "UTC")}
    return FrameBuckets(pl.DataFrame(events, schema=schema, orient="row"))


def shoppers(n_users, n_categories, n_events, rng, drifting=0.0):
    """Make users with tastes of their own; a share of their last 60 days' events drifts to category c00."""
    tastes = rng.dirichlet(np.full(n_categories, 0.3), n_users)
    rows = []
    for user in range(n_users):
        days = rng.uniform(0, 200, n_events)
        drawn = rng.choice(n_categories, n_events, p=tastes[user])
        drawn[(days < 60) & (rng.random(n_events) < drifting)] = 0
        rows += [(f"u{user:03}", f"c{category:02}", day) for category, day in zip(drawn, days, strict=True)]
    return log(rows)


def log_loss(share, n):
    return -(n * np.log(share)).sum() / n.sum()


def test_em_finds_planted_weights():
    rng = np.random.default_rng(0)
    parts = rng.dirichlet(np.ones(40), 3).T  # (n_outcomes, n_parts)
    planted = np.array([0.2, 0.7, 0.1])
    n = rng.multinomial(200_000, parts @ planted).astype(float)
    assert mixture_weights(parts, n) == pytest.approx(planted, abs=0.02)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_em_cannot_be_beaten_by_another_blend(seed):
    rng = np.random.default_rng(seed)
    parts = rng.dirichlet(np.ones(15), 3).T
    n = rng.integers(1, 20, 15).astype(float)
    weights = mixture_weights(parts, n)
    assert weights.sum() == pytest.approx(1)
    best = log_loss(parts @ weights, n)
    for other in rng.dirichlet(np.ones(3), 50):
        assert best <= log_loss(parts @ other, n) + 1e-4


def test_a_prior_outweighs_nothing_seen():
    prior = np.array([3.0, 1.0])
    assert mixture_weights(np.ones((1, 2)), np.zeros(1), prior) == pytest.approx([0.75, 0.25])


def test_the_share_now_follows_the_definition():
    rows = [("a", "x", 3), ("a", "x", 40), ("a", "y", 10), ("b", "y", 1), ("b", "z", 100), ("c", "z", 5)]
    told = expected_interests(log(rows), AS_OF)
    counts = {(user, category): 0.0 for user, category, _ in rows}
    for user, category, days in rows:
        counts[user, category] += 0.5 ** (days / USUAL_DAYS)
    everything = sum(counts.values())
    for user, category, now in told.select("user_id", "category", "share_now").iter_rows():
        n = sum(v for (u, _), v in counts.items() if u == user)
        pi = sum(v for (_, c), v in counts.items() if c == category) / everything
        assert now == pytest.approx((counts.get((user, category), 0.0) + KAPPA * pi) / (n + KAPPA))
    assert told.height == 9


def test_the_share_now_is_the_one_of_the_features():
    buckets = shoppers(20, 10, 30, np.random.default_rng(9))
    told = expected_interests(buckets, AS_OF).join(interests(buckets, AS_OF), on=["user_id", "category"])
    assert told.height > 100
    assert told["share_now"].to_numpy() == pytest.approx(told["share"].to_numpy())


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 60).map("c{}".format) | st.none(), st.integers(1, 300)),
        min_size=1,
        max_size=150,
    ),
    st.integers(1, 60),
)
def test_shares_of_a_user_add_to_one(rows, horizon_days):
    told = expected_interests(log(rows), AS_OF, horizon_days)
    assert told.schema == INTERESTS
    assert told["share_now"].is_between(0, 1 + 1e-9).all()
    assert told["share_expected"].is_between(0, 1 + 1e-9).all()
    by_user = told.group_by("user_id").agg(pl.len(), pl.col("share_now", "share_expected").sum())
    assert by_user["len"].max() <= KEPT_CATEGORIES + 1 if by_user.height else True
    assert by_user.select("share_now", "share_expected").to_numpy() == pytest.approx(1)
    categorised = {user for user, category, _ in rows if category}
    assert set(told["user_id"]) == ({user for user, *_ in rows} if categorised else set())


def test_many_categories_leave_a_remainder():
    told = expected_interests(shoppers(30, 60, 80, np.random.default_rng(1)), AS_OF)
    assert told.filter(pl.col("category") == OTHER).height == 30
    assert told["user_id"].value_counts()["count"].max() == KEPT_CATEGORIES + 1


def test_nothing_after_the_moment_changes_the_answer_nor_does_the_order_of_rows():
    buckets = shoppers(20, 12, 60, np.random.default_rng(2))
    told = expected_interests(buckets, AS_OF)
    later = buckets.frame.with_columns(pl.col("ts") + timedelta(days=200), category=pl.lit("new"))
    shuffled = pl.concat([buckets.frame, later]).sample(fraction=1, shuffle=True, seed=1)
    again = expected_interests(FrameBuckets(shuffled), AS_OF)
    assert again.select("user_id", "category").equals(told.select("user_id", "category"))
    assert again["share_expected"].to_numpy() == pytest.approx(told["share_expected"].to_numpy())


def test_a_lasting_taste_is_told_better_than_by_the_usual_mix():
    buckets = shoppers(150, 25, 120, np.random.default_rng(3))
    before = AS_OF - timedelta(days=29)
    weights = fit_weights(buckets, before, 28)
    seen = ahead_parts(buckets, before, 28)
    blend = seen.select(PARTS).to_numpy() @ weights
    assert log_loss(blend, seen["n"].to_numpy()) < log_loss(seen["own_28"].to_numpy(), seen["n"].to_numpy()) - 0.02


def test_a_turn_of_the_whole_population_shows_in_what_is_expected():
    buckets = shoppers(100, 10, 100, np.random.default_rng(4), drifting=0.7)
    told = expected_interests(buckets, AS_OF)
    c00 = told.filter(pl.col("category") == "c00")["share_expected"].mean()
    assert c00 > 0.6


def test_a_share_moves_on_along_its_trend():
    rows = [("a", "up", day) for day in range(1, 40)] + [("a", "down", day) for day in range(30, 200)]
    mixes = population(decayed(log(rows).frame, AS_OF, ["category"]), 15)
    up = mixes.filter(pl.col("category") == "up")
    assert up["pi_moved"].item() > up["pi_28"].item() > up["pi_112"].item()
    assert mixes["pi_moved"].sum() == pytest.approx(1)


def test_a_share_without_trend_stays():
    frame = pl.DataFrame({"pi_28": [0.3, 0.7], "pi_112": [0.3, 0.7]})
    assert frame.select(moved(100.0)).to_series().to_list() == pytest.approx([0.3, 0.7])


def test_a_stranger_has_the_interests_of_the_population():
    buckets = log([("a", "x", 1), ("a", "x", 2), ("b", "y", 3)])
    told = expected_interests(buckets, AS_OF, users=["nobody", "a"])
    assert told["user_id"].unique().sort().to_list() == ["a", "nobody"]
    mix = population(decayed(buckets.frame, AS_OF, ["category"]), 15).sort("category")["pi_28"].to_list()
    assert told.filter(pl.col("user_id") == "nobody").sort("category")["share_now"].to_list() == pytest.approx(mix)


def test_too_short_a_log_keeps_the_prior_weights():
    assert fit_weights(log([("a", "x", 1)]), AS_OF, 28) == pytest.approx(PRIOR_WEIGHTS)
