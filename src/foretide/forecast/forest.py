"""Boosted trees that answer for many rows at once: learnt by LightGBM, asked through masks.

Of each tree it is known which leaves a row can no longer reach when it lies beyond a split. A row passes all splits
of a tree in any order, and ends in the leftmost leaf that is left. This has no branches, and so runs over blocks of
rows in the vector units, much faster than following each row down each tree (``benchmarks/forest_speed.py``).

References
----------
Ke et al. (2017), LightGBM, NIPS. Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini (2015), QuickScorer: a fast
algorithm to rank documents with additive ensembles of regression trees, SIGIR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.schema import Floats

Floats32 = NDArray[np.float32]

#: On earlier origins of six real panels 200 trees at half the rate were no better beside the other candidates.
N_TREES = 100
#: How LightGBM learns each tree. Absolute errors, as a median is wanted; a quarter of the usual bins, as they take half
#: the time and were as good on earlier origins of six real panels.
SETTINGS: Mapping[str, Any] = {
    "objective": "l1",
    "num_leaves": 15,
    "max_bin": 63,
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
#: Leaves of a tree that a mask has bits for.
MOST_LEAVES = 32
ALL_LEAVES = 2**MOST_LEAVES - 1
#: Rows that go through a tree together.
BLOCK_ROWS = 128
#: A single bit times this has its place in the upper five bits (a de Bruijn sequence).
BIT_PLACES = 0x077CB531


class Split(NamedTuple):
    """Beyond the threshold of a feature only some leaves are left."""

    feature: int
    threshold: np.float32
    left: int  # a bit for each leaf


@dataclass(frozen=True)
class Forest:
    """Trees as splits and leaves; a tree of fewer leaves has splits that nothing lies beyond."""

    feature: NDArray[np.int64]  # (n_trees, n_splits)
    threshold: Floats32  # (n_trees, n_splits)
    left: NDArray[np.uint32]  # (n_trees, n_splits)
    value: Floats32  # (n_trees, MOST_LEAVES), by the place that BIT_PLACES gives a leaf's bit

    @classmethod
    def learn(cls, features: Floats32, target: Floats, seed: int = 0) -> Forest:
        """Boost trees towards the median of a target.

        Parameters
        ----------
        features
            ``(n_rows, n_features)``.
        target
            ``(n_rows,)``.
        seed
            Of LightGBM.
        """
        import lightgbm

        booster = lightgbm.train({**SETTINGS, "seed": seed}, lightgbm.Dataset(features, target), N_TREES)
        return cls.planted([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])

    @classmethod
    def planted(cls, roots: Sequence[Mapping[str, Any]]) -> Forest:
        """Return trees that are given as LightGBM dumps them."""
        shape = len(roots), max((_n_leaves(root) for root in roots), default=1) - 1
        forest = cls(
            np.zeros(shape, np.int64),
            np.full(shape, np.inf, np.float32),
            np.full(shape, ALL_LEAVES, np.uint32),
            np.zeros((len(roots), MOST_LEAVES), np.float32),
        )
        places = (BIT_PLACES << np.arange(MOST_LEAVES) & ALL_LEAVES) >> 27
        for k, root in enumerate(roots):
            splits, leaves = list[Split](), list[float]()
            _grow(root, splits, leaves)
            forest.value[k, places[: len(leaves)]] = leaves
            for j, split in enumerate(splits):
                forest.feature[k, j], forest.threshold[k, j], forest.left[k, j] = split
        return forest

    def predict(self, features: Floats32) -> Floats32:
        """Return the sum of all trees ``(n_rows,)`` for features ``(n_features, n_rows)``."""
        total = np.zeros(features.shape[1], np.float32)
        _add_trees(features, self.feature, self.threshold, self.left, self.value, total)
        return total


def _n_leaves(node: Mapping[str, Any]) -> int:
    return _n_leaves(node["left_child"]) + _n_leaves(node["right_child"]) if "left_child" in node else 1


def _grow(node: Mapping[str, Any], splits: list[Split], leaves: list[float]) -> None:
    """Append the splits of a branch and the values of its leaves, from left to right."""
    if "left_child" not in node:
        leaves.append(node["leaf_value"])
        return
    first = len(leaves)
    _grow(node["left_child"], splits, leaves)
    below = (1 << len(leaves)) - (1 << first)
    splits.append(Split(node["split_feature"], _rounded_down(node["threshold"]), ALL_LEAVES - below))
    _grow(node["right_child"], splits, leaves)


def _rounded_down(threshold: float) -> np.float32:
    """Return the largest single-precision number up to a threshold: the same values lie beyond it."""
    near = np.float32(threshold)
    return near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))


@njit
def _add_trees(features, feature, threshold, left, value, total):  # type: ignore[no-untyped-def]
    """Add to ``total`` ``(n_rows,)`` what each tree says of each row of ``features`` ``(n_features, n_rows)``."""
    reach = np.empty(BLOCK_ROWS, np.uint32)
    for begin in range(0, total.size, BLOCK_ROWS):
        here = total[begin : begin + BLOCK_ROWS]
        for k in range(feature.shape[0]):
            reach[:] = np.uint32(ALL_LEAVES)
            for j in range(feature.shape[1]):
                beyond, mask = threshold[k, j], left[k, j]
                x = features[feature[k, j], begin : begin + BLOCK_ROWS]
                for r in range(here.size):
                    reach[r] = reach[r] & mask if x[r] > beyond else reach[r]
            for r in range(here.size):
                bits = np.uint64(reach[r])
                lowest = bits & (~bits + np.uint64(1))
                place = (lowest * np.uint64(BIT_PLACES) & np.uint64(ALL_LEAVES)) >> np.uint64(27)
                here[r] += value[k, place]
