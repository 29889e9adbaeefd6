"""The average of models: its exam, its weights, and when it gives way to its best member."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from foretide.users.averaging import LEAST_USERS, Told, averaged, fit_weights, log_losses, weighed
from foretide.users.cutoffs import LEAD_DAYS
from foretide.users.stacking import Stack, exam
from users.visiting import HORIZON, seen_and_test

START = datetime(2024, 1, 1, tzinfo=UTC)
PAIR = st.tuples(st.integers(0, 300).map(lambda day: START + timedelta(days=day)), st.sampled_from([7, 14, 28]))


@given(st.lists(PAIR, max_size=12))
def test_nothing_is_learnt_from_that_was_not_over_by_the_exam(pairs):
    found = exam(pairs)
    over_by = [[c + timedelta(days=LEAD_DAYS + d) < cutoff for c, d in pairs] for cutoff, _ in pairs]
    assert (found is not None) == any(any(row) for row in over_by)
    if found:
        over, (cutoff, days) = found
        assert (cutoff, days) in pairs
        assert over
        assert all(c + timedelta(days=LEAD_DAYS + d) < cutoff for c, d in over)
        assert not any(any(row) for row, (_, d) in zip(over_by, pairs, strict=True) if d > days)


def users(n, rng):
    """Make users with known log-odds, a member that knows them, one that errs, one that knows nothing."""
    truth = rng.normal(0, 2, n)
    idle = rng.random(n) < expit(truth)
    days = np.where(idle, 0, 1 + rng.poisson(3, n))
    odds = np.array([truth + rng.normal(0, 0.3, n), truth + rng.normal(0, 1, n), rng.normal(0, 2, n)])
    told = Told(odds, (1 - expit(odds)) * 4)
    return told, pl.DataFrame({"inactive": idle, "active_days_ahead": days}), truth


def test_who_knows_more_has_the_larger_weight():
    told, seen, _ = users(5000, np.random.default_rng(1))
    for weights in fit_weights(told, seen):
        assert weights.sum() == pytest.approx(1)
        assert (weights >= 0).all()
        assert weights[0] > weights[1] > weights[2]


def test_weights_are_the_best_on_a_grid(monkeypatch):
    monkeypatch.setattr("foretide.users.averaging.PULL", 0.0)
    rng = np.random.default_rng(2)
    answers, happened = rng.normal(size=(2, 300)), rng.normal(size=300) + 1
    found = averaged(answers, lambda mean: ((mean - happened) ** 2, 2 * (mean - happened)))
    grid = np.linspace(0, 1, 1001)
    losses = [((w * answers[0] + (1 - w) * answers[1] - happened) ** 2).mean() for w in grid]
    assert found[0] == pytest.approx(grid[np.argmin(losses)], abs=2e-3)


def test_equal_members_count_alike():
    told, seen, _ = users(2000, np.random.default_rng(3))
    twice = Told(told.odds[[0, 0]], told.days[[0, 0]])
    assert fit_weights(twice, seen).odds == pytest.approx([0.5, 0.5], abs=1e-6)


def test_the_average_loses_to_its_best_member_by_no_more_than_noise_on_new_users():
    rng = np.random.default_rng(4)
    told, seen, _ = users(4000, rng)
    weights = weighed(told, seen, rng)
    fresh, after, _ = users(20_000, rng)
    idle = after["inactive"].to_numpy().astype(float)
    assert log_losses(weights.odds @ fresh.odds, idle) < log_losses(fresh.odds, idle).min() + 0.005


def test_members_that_err_apart_are_better_together_on_new_users():
    rng = np.random.default_rng(6)
    parts = [users(4000, rng) for _ in range(2)]
    (mine, seen), (fresh, after) = [
        (Told(truth + rng.normal(0, 1, (3, 4000)), answers.days), seen) for answers, seen, truth in parts
    ]
    weights = weighed(mine, seen, rng)
    idle = after["inactive"].to_numpy().astype(float)
    assert log_losses(weights.odds @ fresh.odds, idle) < log_losses(fresh.odds, idle).min() - 0.01


def test_the_best_member_is_taken_alone_where_the_others_do_harm():
    rng = np.random.default_rng(5)
    _, seen, truth = users(3000, rng)
    mad = Told(np.array([truth, 8 * rng.normal(size=3000)]), np.zeros((2, 3000)))
    weights = weighed(mad, seen, rng)
    assert weights.odds.tolist() == [1.0, 0.0]
    assert weights.days.tolist() == [1.0, 0.0]


def test_without_room_for_an_exam_members_count_alike():
    seen, test = seen_and_test()
    last = seen.filter(pl.col("as_of") == pl.col("as_of").max())
    stack = Stack(HORIZON, members=("glm", "hazard")).fit(last)
    assert stack.weights_.odds.tolist() == [0.5, 0.5]
    told = np.array([member.predict(test)["p_inactive"] for member in stack.members_])
    mean = expit(np.log(told / (1 - told)).mean(axis=0))
    assert stack.predict(test)["p_inactive"].to_numpy() == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize("n", [1, 2, LEAST_USERS - 1])
def test_of_few_users_no_weights_are_learnt(n):
    told, seen, _ = users(n, np.random.default_rng(7))
    assert weighed(told, seen, np.random.default_rng(0)).odds.tolist() == [1 / 3] * 3
