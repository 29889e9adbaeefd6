"""What the tests for drift and change of habits find of planted changes, and how often they are wrong about others."""

import math

import numpy as np
import pytest
from scipy import stats

from features import oracle
from features.oracle import BEGIN, DAY, Event
from foretide.features.drift import drift

END = BEGIN + 112 * DAY
RATE = 0.05


def event(day, category, minute=600):
    """Return an event so many whole days before the end."""
    return Event((111 - int(day)) * 1440 + int(minute), f"c{category}")


def at_most(share, n):
    """Return what a share of n comes to, and three standard errors."""
    return share * n + 3 * math.sqrt(share * n)


def users_without_change(n_users, n_days, basket):
    rng = np.random.default_rng(0)
    log = {}
    for user in range(n_users):
        mix = rng.dirichlet(np.ones(6))
        days = rng.integers(0, 112, n_days).tolist()
        log[f"u{user}"] = [event(day, c) for day in days for c in [rng.choice(6, p=mix)] for _ in range(basket)]
    return log


@pytest.mark.parametrize(("n_days", "basket"), [(10, 1), (40, 1), (40, 5)])
def test_users_who_did_not_change_are_left_alone(n_days, basket):
    """Also if their events come in baskets, where the chi-squared law of G is wrong for most."""
    table = drift(oracle.log(users_without_change(800, n_days, basket)), END)
    assert table["changed"].mean() <= RATE
    for level in (0.05, 0.01):
        assert (table["p_value"] <= level).sum() <= at_most(level, table.height)
    if basket > 1:
        g = 2 * math.log(2) * (table["n_recent"] + table["n_reference"]) * table["divergence"]
        assert (stats.chi2.sf(g.to_numpy(), 5) < 0.05).mean() > 0.4


@pytest.mark.parametrize(("now", "before", "n_cells"), [(6, 2, 300), (2, 6, 300), (1, 12, 300), (1, 10, 20)])
def test_being_more_or_less_active_is_no_other_mix(now, before, n_cells):
    """Events a day now and before, of categories as common as they were; what is expected is what happens."""
    rng = np.random.default_rng(1)
    users = {}
    for user in range(120):
        days = np.flatnonzero(rng.random(112) < 0.5)
        n = np.where(days < 28, now, before)
        users[f"u{user}"] = [event(day, c) for day, k in zip(days, n, strict=True) for c in rng.integers(0, n_cells, k)]
    table = drift(oracle.log(users), END)
    assert (table["p_value"] <= 0.05).sum() <= at_most(0.05, table.height)
    assert table["changed"].sum() <= 1
    for gap in (table["excess"], table["exploration"] - table["exploration_expected"]):
        assert abs(gap.mean()) <= 5 * gap.std() / math.sqrt(table.height) + 0.001


@pytest.mark.parametrize("lasting_days", [2, 5, 10])
def test_an_interest_that_lasts_some_days_is_no_change(lasting_days):
    """Drawn day by day, 44, 92 and 94 % of these users were told to have changed."""
    rng = np.random.default_rng(2)
    users = {}
    for user in range(100):
        mix = rng.dirichlet(np.ones(8))
        drawn, stays = rng.choice(8, 112, p=mix), rng.random(112) < 1 - 1 / lasting_days
        stays[0] = False
        begun = np.maximum.accumulate(np.where(stays, 0, np.arange(112)))
        users[f"u{user}"] = [event(111 - at, c) for at, c in enumerate(drawn[begun])]
    table = drift(oracle.log(users), END)
    assert table["changed"].mean() <= RATE
    assert (table["p_value"] <= 0.05).mean() <= 0.2


def moved_interests(rng, moved):
    """Return 240 events; 80 % of the main category's share moves to another."""
    mix = rng.dirichlet(np.ones(8))
    after = mix.copy()
    if moved:
        main, other = np.argsort(mix)[-1], rng.integers(0, 7)
        after[main] -= 0.8 * mix[main]
        after[other + (other >= main)] += 0.8 * mix[main]
    days = rng.integers(0, 112, 240)
    return [event(day, rng.choice(8, p=after if day < 28 else mix)) for day in days]


def moved_hours(rng, moved):
    """Return 100 events at an hour of the user's own, give or take four; it moves by 8 hours."""
    hour, days = rng.uniform(0, 24), rng.integers(0, 112, 100)
    hours = (rng.normal(hour, 4, days.size) + 8 * (moved & (days < 28))) % 24
    return [event(day, 0, 60 * h) for day, h in zip(days, hours, strict=True)]


@pytest.mark.parametrize(("what", "one_user"), [("interests", moved_interests), ("habits", moved_hours)])
def test_planted_changes_are_found_and_others_are_not(what, one_user):
    rng = np.random.default_rng(3)
    users = {f"{'moved' if n < 60 else 'steady'}{n}": one_user(rng, n < 60) for n in range(300)}
    table = drift(oracle.log(users), END, what, RATE)
    found = table.filter("changed")["user_id"]
    planted = found.str.starts_with("moved")
    assert planted.sum() >= 0.85 * 60
    assert (~planted).sum() <= 2 * RATE * len(found)
