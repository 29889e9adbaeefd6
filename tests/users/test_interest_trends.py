"""Rising and falling interests: changes told do come, intervals hold, segments apart, little data admitted."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from foretide.events.records import FrameBuckets
from foretide.users.interest_trends import EVERYBODY, interest_trends, quantile, spread
from foretide.users.mixes import KAPPA, decayed

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = BEGIN + timedelta(days=250)


def world(n_events, rng, drift=0.0, n_categories=40, n_days=300, users=("u",)):
    """Make events of categories whose weights drift each week, as a random walk of their logarithms."""
    days = rng.uniform(0, n_days, n_events)
    walks = rng.normal(0, drift, (n_days // 7 + 1, n_categories)).cumsum(axis=0)
    weights = np.exp(walks)[days.astype(int) // 7]
    share = weights / weights.sum(axis=1, keepdims=True)
    drawn = (rng.random((n_events, 1)) > share.cumsum(axis=1)).sum(axis=1)
    return pl.DataFrame(
        {
            "user_id": rng.choice(users, n_events),
            "category": [f"c{category:02}" for category in drawn],
            "ts": [BEGIN + timedelta(days=float(day)) for day in days],
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )


def beside_what_happened(told, frame):
    """Join the shares of the horizon of 28 days."""
    begin, end = AS_OF + timedelta(days=1), AS_OF + timedelta(days=29)
    ahead = frame.filter(pl.col("ts") >= begin, pl.col("ts") < end)
    return told.join(ahead.group_by("category").agg(share=pl.len() / ahead.height), on="category")


def rightly_told(both):
    """Return how many changes were told, and the share of them that came."""
    told = both.filter(pl.col("direction").is_in(["rising", "falling"]))
    right = (told["direction"] == "rising") == (told["share"] > told["share_now"])
    return told.height, right.mean()


def test_interests_told_to_rise_or_fall_do():
    frames = [world(30_000, np.random.default_rng(seed), drift=0.3) for seed in range(5)]
    both = pl.concat(beside_what_happened(interest_trends(FrameBuckets(f), AS_OF), f) for f in frames)
    n, right = rightly_told(both)
    assert n > 10
    assert right > 0.85
    error, of_now = ((both["share"] - both[name]).abs().sum() for name in ("share_expected", "share_now"))
    assert error < 0.95 * of_now


def test_without_a_trend_next_to_nothing_is_told():
    told = [interest_trends(FrameBuckets(world(20_000, np.random.default_rng(seed))), AS_OF) for seed in range(5)]
    moved = pl.concat(told)["direction"].is_in(["rising", "falling"])
    assert moved.sum() <= 0.15 * moved.len()


@pytest.mark.parametrize("drift", [0.0, 0.2])
def test_the_interval_holds_what_happens(drift):
    frames = [world(12_000, np.random.default_rng(seed), drift) for seed in range(5)]
    both = pl.concat(beside_what_happened(interest_trends(FrameBuckets(f), AS_OF), f) for f in frames)
    inside = both.filter(pl.col("lo").is_not_null()).select(pl.col("share").is_between("lo", "hi").mean()).item()
    assert inside == pytest.approx(0.8, abs=0.1)


def test_shares_of_a_segment_add_to_one_and_follow_the_definition():
    log = FrameBuckets(world(3_000, np.random.default_rng(2), users=("a", "b", "c")))
    members = pl.DataFrame({"user_id": ["a", "b", "b"], "segment": ["one", "one", "two"]})
    told = interest_trends(log, AS_OF, members=members)
    assert told["segment"].unique().sort().to_list() == [EVERYBODY, "one", "two"]
    sums = told.group_by("segment").agg(pl.col("share_now", "share_expected").sum())
    assert sums.drop("segment").to_numpy() == pytest.approx(1)
    one = decayed(log.frame.filter(pl.col("user_id") != "c"), AS_OF, ["category"]).sort("category")["n_28"].to_numpy()
    pi = decayed(log.frame, AS_OF, ["category"]).sort("category")["n_28"].to_numpy()
    share = (one + KAPPA * pi / pi.sum()) / (one.sum() + KAPPA)
    now = told.filter(pl.col("segment") == "one").sort("category")["share_now"].to_numpy()
    assert now == pytest.approx(share)


def test_each_segment_is_told_from_its_own_past():
    rng = np.random.default_rng(3)
    frames = {user: world(20_000, rng, drift=0.25, users=(user,)) for user in ("a", "b")}
    members = pl.DataFrame({"user_id": ["a", "b"], "segment": ["one", "two"]})
    told = interest_trends(FrameBuckets(pl.concat(frames.values())), AS_OF, members=members)

    def error(segment, user):
        both = beside_what_happened(told.filter(pl.col("segment") == segment), frames[user])
        return (both["share"] - both["share_expected"]).abs().sum()

    for segment, user in (("one", "a"), ("two", "b")):
        assert error(segment, user) < 0.6 * error(EVERYBODY, user)


def test_nothing_after_as_of_matters_and_buckets_add_up():
    frame = world(3_000, np.random.default_rng(4), users=("a", "b", "c"))
    whole = interest_trends(FrameBuckets(frame), AS_OF)
    assert_frame_equal(whole, interest_trends(FrameBuckets(frame.filter(pl.col("ts") < AS_OF)), AS_OF), rel_tol=1e-9)

    class Two(FrameBuckets):
        ids = (0, 1)

        def bucket(self, i, columns=None, until=None):
            mine = pl.col("user_id") == "a" if i else pl.col("user_id") != "a"
            return FrameBuckets(self.frame.filter(mine)).bucket(0, columns, until)

    parts = interest_trends(Two(frame), AS_OF)
    assert_frame_equal(parts.sort("category"), whole.sort("category"), rel_tol=1e-9)


def test_too_few_events_are_not_judged():
    told = interest_trends(FrameBuckets(world(60, np.random.default_rng(5))), AS_OF)
    assert told["direction"].null_count() == told.height
    assert told["share_expected"].sum() == pytest.approx(1)


def test_no_category_no_rows():
    bare = world(50, np.random.default_rng(6)).with_columns(category=pl.lit(None, pl.String))
    assert interest_trends(FrameBuckets(bare), AS_OF).is_empty()


def test_few_errors_are_stretched_outwards():
    errors = np.arange(1.0, 21.0)
    assert quantile(errors, 0.1) < np.quantile(errors, 0.1)
    assert quantile(errors, 0.9) > np.quantile(errors, 0.9)
    assert quantile(errors[:3], 0.9) == 3


def test_counting_and_drift_are_told_apart():
    rng = np.random.default_rng(7)
    events = rng.uniform(5, 2000, 20_000)
    error = rng.normal(0, np.sqrt(3 / events + 0.1**2))
    noise, drift = spread(events, error)
    assert noise == pytest.approx(3, rel=0.2)
    assert drift == pytest.approx(0.01, rel=0.1)
    assert spread(events, rng.normal(0, np.sqrt(3 / events)))[1] < 0.0005
