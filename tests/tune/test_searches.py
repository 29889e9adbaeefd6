"""Searches: they stay in the space, repeat nothing, and TPE finds what there is to find."""

import sys
from itertools import product

import numpy as np
import pytest

from foretide.errors import MissingExtraError
from foretide.tune.searches import SEARCHES, grid, random, tpe
from foretide.tune.spaces import Choice, Range
from foretide.tune.trials import Trial

SPACE = {"c": Range(1e-4, 10.0, log=True), "leaf": Range(2, 200, log=True, whole=True), "kind": Choice(("x", "y"))}


def told(point, loss=0.5, pruned=False):
    return Trial(point, (loss,), pruned, 0.1)


def loss_of(point):
    """Best at c = .1, leaf = 20, kind y."""
    return (np.log10(point["c"]) + 1) ** 2 + np.log(point["leaf"] / 20) ** 2 + (point["kind"] == "x")


def searched(search, n, seed):
    trials = [told({}, 9.0)]
    for i in range(n):
        point = search(SPACE, trials, np.random.default_rng([seed, i]))
        trials.append(told(point, loss_of(point)))
    return trials[1:]


@pytest.mark.parametrize("search", SEARCHES.values())
def test_points_are_in_the_space_and_new(search):
    points = [trial.parameters for trial in searched(search, 25, 0)]
    assert all(point.keys() == SPACE.keys() for point in points)
    assert all(1e-4 <= point["c"] <= 10 and 2 <= point["leaf"] <= 200 and point["kind"] in "xy" for point in points)
    assert all(one != other for i, one in enumerate(points) for other in points[:i])


@pytest.mark.parametrize("search", SEARCHES.values())
def test_the_same_seed_gives_the_same_points(search):
    assert searched(search, 12, 3) == searched(search, 12, 3)
    assert searched(search, 12, 3) != searched(search, 12, 4)


def test_tpe_comes_nearer_to_the_best_than_chance():
    best = {search: [min(t.loss for t in searched(search, 30, seed)) for seed in range(3)] for search in (tpe, random)}
    assert np.mean(best[tpe]) < 0.5 * np.mean(best[random])


def test_a_grid_is_walked_once_and_whole():
    trials, seen = [], []
    while (point := grid(SPACE, trials, np.random.default_rng(len(trials)))) is not None:
        seen.append(tuple(point.values()))
        trials.append(told(point))
    assert sorted(seen) == sorted(product(*(values.grid() for values in SPACE.values())))


@pytest.mark.parametrize("search", [random, tpe])
def test_a_space_that_is_used_up_ends_the_search(search):
    space = {"kind": Choice(("x", "y")), "n": Range(1, 2, whole=True)}
    trials = [told({"kind": kind, "n": n}) for kind in "xy" for n in (1, 2)]
    assert search(space, trials[:3], np.random.default_rng(0)) == trials[3].parameters
    assert search(space, trials, np.random.default_rng(0)) is None


def test_tpe_learns_from_trials_that_were_given_up_and_from_those_without_a_number():
    points = [random(SPACE, [], np.random.default_rng(i)) for i in range(20)]
    losses = [float("nan") if i == 7 else loss_of(point) for i, point in enumerate(points)]
    trials = [told(point, loss, pruned=i % 2 == 1) for i, (point, loss) in enumerate(zip(points, losses, strict=True))]
    assert tpe(SPACE, trials, np.random.default_rng(0)).keys() == SPACE.keys()


def test_tpe_without_optuna_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"foretide\[tune\]"):
        tpe(SPACE, [], np.random.default_rng(0))
