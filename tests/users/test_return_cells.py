"""Cells: every user is in one, counts agree with counting by hand, states are those of the fold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.features.lifecycle import LifecycleRule
from foretide.users import return_cells as cells
from foretide.users.return_cells import N_CELLS, N_NEW, SILENCES, count_returns
from users.populations import at, log, steady

RULE = LifecycleRule()
N_DAYS = 100
USERS = st.lists(st.sets(st.integers(0, N_DAYS - 1), min_size=1, max_size=30), min_size=1, max_size=5)


def level(firsts, value):
    """Return the last level that begins at or below a value."""
    return max(k for k, first in enumerate(firsts) if first <= value)


def cell_by_hand(active, day):
    """Return the cell of a user with these active days as ``day`` begins."""
    past = [d for d in active if d < day]
    age, silence = day - min(past), day - max(past)
    if age < 28:
        habit = level(cells.NEW_AGES, age // 7) * len(cells.SO_FAR) + level(cells.SO_FAR, len(past))
    else:
        recent = sum(day - 28 <= d < day for d in past)
        before = sum(day - 56 <= d < day - 28 for d in past)
        rare = recent + before <= cells.RARE_DAYS
        ever = level(cells.EVER, len(past)) if rare else level(cells.DENSITY, len(past) / age)
        both = level(cells.RECENT, recent) * len(cells.BEFORE) + level(cells.BEFORE, before)
        habit = N_NEW + both * len(cells.EVER) + ever
    return habit * len(SILENCES) + level(SILENCES, silence)


def ends(n=N_DAYS):
    """Return the midnights of the first days."""
    return [at(day) for day in range(n + 1)]


@given(USERS)
@settings(max_examples=25, deadline=None)
def test_counts_are_those_of_counting_by_hand(users):
    rows = [(n, day) for n, days in enumerate(users) for day in days]
    counted = count_returns(log(*zip(*rows, strict=True)), ends(), [], RULE)
    there, active = (np.zeros((N_DAYS, N_CELLS), int) for _ in range(2))
    for days in users:
        for day in range(min(days) + 1, N_DAYS):
            there[day, cell_by_hand(days, day)] += 1
            active[day, cell_by_hand(days, day)] += day in days
    assert (counted.there == there).all()
    assert (counted.active == active).all()


def test_every_user_who_is_known_is_in_one_cell():
    buckets = steady()
    counted = count_returns(buckets, ends(), [10, 50], RULE)
    known = [buckets.frame.filter(buckets.frame["ts"] < at(day))["user_id"].n_unique() for day in range(N_DAYS)]
    assert counted.there.sum(axis=1).tolist() == known
    assert [len(states) for states in counted.states] == [known[10], known[50]]
    assert (counted.active <= counted.there).all()


def test_states_know_nothing_of_what_comes_later():
    buckets = steady()
    early = type(buckets)(buckets.frame.filter(buckets.frame["ts"] < at(50)), "UTC")
    late, known = (count_returns(events, ends(90), [50], RULE).states[0] for events in (buckets, early))
    assert (late == known).all()


@pytest.mark.parametrize(
    ("hour", "zone", "dated"), [(0.0, "UTC", True), (0.0, "Asia/Shanghai", False), (9.0, "UTC", False)]
)
def test_a_log_of_dates_is_told_from_one_of_times(hour, zone, dated):
    buckets = log([0, 0, 1], [0, 3, 5], [hour] * 3, zone)
    assert count_returns(buckets, ends(10), [], RULE).dated is dated


def test_one_in_so_many_users_is_looked_at():
    buckets = steady()
    n_users = buckets.frame["user_id"].n_unique()
    sampled = count_returns(buckets, ends(120), [120], RULE, every=7).states[0]
    assert len(sampled) == -(-n_users // 7)
