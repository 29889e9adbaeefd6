"""A forest of masks says what LightGBM's trees say."""

import lightgbm
import numpy as np
import pytest

from foretide.forecast.forest import MOST_LEAVES, Forest


def rows(n=700, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)).astype(np.float32)
    x[:, 0] = rng.integers(0, 7, n)  # many ties
    return x, np.sin(x[:, 1]) + 0.3 * x[:, 0] + rng.normal(0, 0.1, n)


@pytest.mark.parametrize("n_leaves", [2, 7, MOST_LEAVES])
def test_trees_are_asked_as_lightgbm_asks_them(n_leaves):
    x, target = rows()
    settings = {"num_leaves": n_leaves, "min_data_in_leaf": 3, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, target), 20)
    forest = Forest.planted([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])
    fresh = np.vstack([x, rows(301, seed=1)[0]])
    np.testing.assert_allclose(forest.predict(np.ascontiguousarray(fresh.T)), booster.predict(fresh), atol=2e-6)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75])
def test_values_beside_a_threshold_go_to_their_sides(share):
    below, above = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    threshold = (1.0 - share) * float(below) + share * float(above)  # between two single-precision numbers
    leaf = [{"leaf_value": value} for value in (1.0, 2.0)]
    root = {"split_feature": 0, "threshold": threshold, "left_child": leaf[0], "right_child": leaf[1]}
    assert Forest.planted([root]).predict(np.array([[below, above]])).tolist() == [1.0, 2.0]


def test_a_tree_without_splits_is_a_number():
    told = Forest.planted([{"leaf_value": 3.0}, {"leaf_value": -1.0}]).predict(np.zeros((2, 5), np.float32))
    assert told.tolist() == [2.0] * 5


def test_the_median_is_learnt_and_the_same_again():
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, 4000)
    target = 5.0 * side + rng.exponential(1.0, 4000)
    x = side[:, None].astype(np.float32)
    forest = Forest.learn(x, target)
    told = forest.predict(np.float32([[0, 1]]))
    np.testing.assert_allclose(told, [np.log(2), 5 + np.log(2)], atol=0.1)
    assert told.tolist() == Forest.learn(x, target).predict(np.float32([[0, 1]])).tolist()
