"""Boosted trees: what they must find, when they may speak, and their share of the default forecast."""

import numpy as np
import pytest

from foretide.forecast import trees, trial
from foretide.forecast.catalogue import TREES
from foretide.forecast.engine import ENSEMBLE, run
from foretide.forecast.level_shifts import Relevelled
from foretide.forecast.trees import BoostedTrees, learn, taught
from foretide.forecast.trial import TREES_SHARE
from foretide.schema import Panel

N_STEPS, H = 210, 14


def panel(y):
    return Panel([f"s{i}" for i in range(len(y))], np.datetime64("2024-01-01") + np.arange(y.shape[1]), y)


def alternating(n_series=30, n_steps=N_STEPS, seed=0):
    """Return counts with a weekly season that are high in every other week, which no season of seven steps says."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_steps)
    mean = rng.uniform(30, 200, (n_series, 1)) * (1 + 0.3 * np.sin(2 * np.pi * t / 7)) * np.where(t // 7 % 2, 1.5, 0.7)
    return rng.poisson(mean).astype(float), mean


def test_what_all_series_have_in_common_is_found_and_used_alone():
    y, mean = alternating()
    told = run(panel(y[:, :-H]), H)
    assert (told.weights.filter(model=TREES)["weight"] == 1.0).all()
    assert np.abs(np.log(told.forecast.median / mean[:, -H:])).mean() < 0.06
    fast = run(panel(y[:, :-H]), H, models=())
    assert np.abs(np.log(fast.forecast.median / mean[:, -H:])).mean() > 0.25


def test_trees_follow_a_shift_of_level_as_the_others_do(monkeypatch):
    """Of thirty series ten were halved three weeks ago; the trees have learnt from all of them."""
    rng = np.random.default_rng(2)
    mean = rng.uniform(20, 90, (30, 1)) * (1 + 0.3 * np.sin(2 * np.pi * np.arange(364 + H) / 7))
    mean[:10, 364 - 21 :] /= 2
    y = rng.poisson(mean).astype(float)
    plain = BoostedTrees([7], taught(y[:, :364], H, [7]))

    def far(told):
        return np.abs(np.log(told / mean[:, 364:])).mean(axis=1)

    blind, told = (model.ahead(y, [364], H).median[:, 0] for model in (plain, Relevelled(plain, 7)))
    np.testing.assert_array_equal(told[10:], blind[10:])
    assert far(told)[:10].mean() < 0.8 * far(blind)[:10].mean()
    monkeypatch.setattr(trial, "CLEARLY_BETTER", 1.0)  # neither side is used alone
    whole, fast = (run(panel(y[:, :364]), H, models=models).forecast.median for models in ((TREES,), ()))
    np.testing.assert_allclose(whole, (1 - TREES_SHARE) * fast + TREES_SHARE * told)


def test_where_neither_side_is_clearly_better_both_count_half():
    rng = np.random.default_rng(1)
    level = rng.uniform(20, 90, (30, 1)) * (1 + 0.3 * np.sin(2 * np.pi * np.arange(N_STEPS) / 7))
    told = run(panel(rng.poisson(level).astype(float)), H)
    assert (told.weights.filter(model=TREES)["weight"] == TREES_SHARE).all()
    by_series = told.weights.group_by("unique_id").agg(total=told.weights["weight"].sum() / 30)
    np.testing.assert_allclose(by_series["total"], 1.0)
    assert {TREES, ENSEMBLE} <= set(told.backtest["model"])


def test_too_little_is_left_to_the_others():
    few = alternating(5)[0]  # 5 * 175 windows
    told = run(panel(few), H)
    assert TREES not in set(told.weights["model"])
    np.testing.assert_array_equal(told.forecast.mean, run(panel(few), H, models=()).forecast.mean)
    assert learn(alternating(200, 69)[0], [7]) is None  # more than half of it would be what the first window sees
    assert learn(alternating()[0], [52, 1]) is None
    assert taught(alternating()[0][:0], H, [7]) == {}


def test_nothing_is_said_before_the_trees_have_learnt():
    y = alternating()[0]
    forests = taught(y, H, [7])
    first, now = sorted(forests)
    assert now == N_STEPS
    assert first < N_STEPS - H
    told = BoostedTrees([7], {first: forests[first]}).ahead(y, [first - 1, first, N_STEPS], H).median
    assert np.isnan(told[:, 0]).all()
    assert np.isfinite(told[:, 1:]).all()


def test_nothing_after_an_origin_changes_its_answer_and_the_order_of_series_does_not():
    y = alternating()[0]
    changed = y.copy()
    changed[:, 150:] *= 9
    told = BoostedTrees().ahead(y, [120, 150], H).median
    np.testing.assert_array_equal(BoostedTrees().ahead(changed, [120, 150], H).median, told)
    np.testing.assert_array_equal(BoostedTrees().ahead(y[::-1], [120, 150], H).median[::-1], told)


def test_a_draw_of_windows_does_not_depend_on_the_order_of_series(monkeypatch):
    monkeypatch.setattr(trees, "MOST_WINDOWS", 500)
    y = alternating()[0]
    y[3, :100] = np.nan
    series, step = trees.windows(y, 35, np.random.default_rng(0))
    assert series.size == 500
    assert (step[series == 3] >= 135).all()
    backwards, step_again = trees.windows(y[::-1], 35, np.random.default_rng(0))
    np.testing.assert_array_equal(29 - backwards, series)
    np.testing.assert_array_equal(step_again, step)


@pytest.mark.parametrize("seasons", [(24, 168, 1), (7,)])
def test_every_window_has_its_step_after_it(seasons):
    y = np.arange(5)[:, None] * 1000.0 + np.arange(400)
    seen = trees.sight(seasons)
    series, step = trees.windows(y, seen.width, np.random.default_rng(0))
    assert len({*zip(series, step, strict=True)}) == step.size == 5 * (400 - seen.width)
    assert (step.min(), step.max()) == (seen.width, 399)
