"""Walks: by the rule of the lifecycle, users are neither lost nor made, and known chances give known stages."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule, lifecycle_dtype
from foretide.features.population import GONE, OUTSIDE, moves, stage_counts
from foretide.features.user_events import ticks
from foretide.users.return_cells import N_CELLS, count_returns
from foretide.users.walk import Push, Setting, flows, uniform, weights_of
from users.populations import at, log, steady

RULE = LifecycleRule()
N_DAYS, H = 80, 28
AHEAD = [at(day) for day in range(N_DAYS, N_DAYS + H + 1)]


def begin(buckets, chance, arrivals=0.0, seed=0):
    """Return a setting at the end of the log with one chance for all."""
    counted = count_returns(buckets, [at(day) for day in range(N_DAYS + 1)], [N_DAYS], RULE)
    moments, today = ticks(AHEAD, buckets.timezone)
    states = counted.states[0]
    return Setting(states, np.ones(states.size), np.full((H, N_CELLS), chance), np.full(H, arrivals), moments, today,
                   7, counted.dated, seed)  # fmt: skip


def known(buckets):
    """Return the events of the first days."""
    return FrameBuckets(buckets.frame.filter(buckets.frame["ts"] < at(N_DAYS)), buckets.timezone)


@given(
    st.lists(st.sets(st.integers(0, N_DAYS - 1), min_size=1, max_size=40), min_size=1, max_size=6), st.floats(0, 23.9)
)
@settings(max_examples=30, deadline=None)
def test_whoever_does_nothing_goes_where_silence_leads(users, hour):
    rows = [(n, day) for n, days in enumerate(users) for day in days]
    buckets = log(*zip(*rows, strict=True), hour)
    assert flows(begin(buckets, 0.0), n_walks=10) == pytest.approx(moves(buckets, AHEAD, RULE)[1:], abs=1e-9)


@pytest.mark.parametrize("hour", [0.0, 13.0])
def test_whoever_acts_every_day_goes_where_activity_leads(hour):
    rows = [(n, day) for n, days in enumerate(([0, 50], [79], [3, 9, 60], list(range(80)))) for day in days]
    busy = rows + [(n, day) for n in range(4) for day in range(N_DAYS, N_DAYS + H)]
    told = flows(begin(log(*zip(*rows, strict=True), hour), 1.0))
    assert told == pytest.approx(moves(log(*zip(*busy, strict=True), hour), AHEAD, RULE)[1:], abs=1e-9)


def test_known_chances_give_the_stages_of_a_log_made_with_them():
    buckets, rng = known(steady(400)), np.random.default_rng(2)
    expected = flows(begin(buckets, 0.08))
    n_users = buckets.frame["user_id"].n_unique()
    ids = buckets.frame["user_id"].unique(maintain_order=True)
    summed = np.zeros(expected.shape)
    for _ in range(40):
        user, day = np.nonzero(rng.random((n_users, H)) < 0.08)
        more = log(user, day + N_DAYS, rng.uniform(0, 24, user.size)).frame.with_columns(user_id=ids.gather(user))
        summed += moves(FrameBuckets(buckets.frame.vstack(more.select(buckets.frame.columns))), AHEAD, RULE)[1:]
    mix, happened = (table.sum(axis=1)[:, 1:] / n_users for table in (expected, summed / 40))
    assert np.abs(mix - happened).max() < 0.012  # 4 standard deviations of a share of 400 users in 40 logs


@given(st.floats(0, 1), st.floats(0, 20))
@settings(max_examples=10, deadline=None)
def test_nobody_is_lost_or_made(chance, arrivals):
    start = begin(known(steady(50)), chance, arrivals)
    told = flows(start, n_walks=500)
    users = start.states.size + np.cumsum(start.arrivals)
    assert told.sum(axis=(1, 2)) == pytest.approx(users)
    assert told[:, OUTSIDE].sum(axis=1) == pytest.approx(start.arrivals)
    for before, after in pairwise(told):
        assert after[:, :].sum(axis=1)[1:] == pytest.approx(before.sum(axis=0)[1:], abs=1e-9)
    assert not told[:, :, OUTSIDE].any()


def test_out_of_churned_there_is_but_one_way():
    told = flows(begin(known(steady(200)), 0.1))
    came_back = told[:, GONE].sum(axis=0)
    assert came_back[[1, 2, 3, 5]] == pytest.approx(0)
    assert came_back[4] > 0


def test_a_push_changes_what_it_names_alone():
    start = begin(known(steady(200)), 0.05, 3.0)
    base = flows(start)
    none = flows(start, Push(returning=0.0))
    assert none[:, GONE, :GONE].sum() == 0
    assert none[0, :GONE] == pytest.approx(base[0, :GONE])
    assert flows(start, Push()) == pytest.approx(base)
    assert flows(start, Push(arriving=2.0))[:, OUTSIDE] == pytest.approx(2 * base[:, OUTSIDE])


def test_luck_is_even_and_its_own():
    drawn = np.array([uniform(seed, walk, day) for seed in range(4) for walk in range(200) for day in range(10)])
    assert len(set(drawn)) == drawn.size
    assert kstest(drawn, "uniform").pvalue > 0.001
    table = drawn.reshape(-1, 10)
    assert np.abs(np.corrcoef(table.T) - np.eye(10)).max() < 0.15
    assert uniform(3, 5, 7) == uniform(3, 5, 7)


def test_a_sample_stands_for_every_stage():
    buckets = known(steady(500))
    users = stage_counts(buckets, at(N_DAYS), RULE)["users"].to_numpy()[-6:].astype(float)
    counted = count_returns(buckets, [at(day) for day in range(N_DAYS + 1)], [N_DAYS], RULE, every=5)
    moment, today = ticks([at(N_DAYS)], "UTC")
    weights = weights_of(counted.states[0], users, int(moment[0]), int(today[0]), 7)
    assert weights.sum() == pytest.approx(users.sum())
    assert weights_of(np.zeros(0, lifecycle_dtype(7)), users, 0, 0, 7).size == 0
