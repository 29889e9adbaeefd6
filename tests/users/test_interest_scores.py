"""Scores of expected interests: worked out by hand, better than simple mixes where tastes last, blind to the future."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from foretide.events.records import FrameBuckets
from foretide.users.interest_scores import BASELINES, INTEREST_QUALITY, MODEL, interest_quality, judged
from users.test_interests import AS_OF, log, shoppers


def scores_of(table):
    return dict(table.select("model", "log_loss").iter_rows())


def test_losses_and_margins_worked_out_by_hand():
    losses = {MODEL: [1.0, 2.0], "last mix": [2.0, 2.0], "decayed mix": [1.5, 2.0], "population mix": [3.0, 3.0]}
    told = judged(pl.DataFrame({"n": [1.0, 4.0], **losses}), np.random.default_rng(0))
    assert told.schema == INTEREST_QUALITY
    assert scores_of(told) == pytest.approx({MODEL: 0.6, "last mix": 0.8, "decayed mix": 0.7, "population mix": 1.2})
    assert told["baseline"].unique().to_list() == ["decayed mix"]
    assert told.select("users", "events").row(0) == (2, 5)
    ours, itself = (told.filter(model=name).row(0, named=True) for name in (MODEL, "decayed mix"))
    assert ours["margin"] == pytest.approx(-0.1)
    assert (ours["margin_lo"], ours["margin_hi"]) == pytest.approx((-0.5, 0.0))  # only the one user, or only the other
    assert (itself["margin_lo"], itself["margin"], itself["margin_hi"]) == (0, 0, 0)


def test_lasting_tastes_are_told_better_than_by_any_simple_mix():
    told = interest_quality(shoppers(150, 25, 120, np.random.default_rng(3)), AS_OF)
    assert told["model"].to_list() == [MODEL, *BASELINES]
    ours = told.row(0, named=True)
    assert ours["log_loss"] == told["log_loss"].min()
    assert ours["margin_hi"] < 0


def test_users_all_alike_are_told_no_better_than_by_the_mix_of_all():
    rng = np.random.default_rng(5)
    rows = [(f"u{user}", f"c{rng.integers(6)}", day) for user in range(150) for day in rng.uniform(0, 200, 60)]
    told = interest_quality(log(rows), AS_OF)
    assert told["baseline"][0] == "population mix"
    assert abs(told["margin"][0]) < 0.02


def test_what_comes_later_does_not_matter_and_a_short_log_has_no_scores():
    buckets = shoppers(30, 6, 60, np.random.default_rng(6))
    later = buckets.frame.with_columns(pl.col("ts") + timedelta(days=300))
    same = interest_quality(FrameBuckets(pl.concat([buckets.frame, later])), AS_OF)
    assert scores_of(same) == pytest.approx(scores_of(interest_quality(buckets, AS_OF)))
    assert interest_quality(log([("a", "x", 1)]), AS_OF).is_empty()
