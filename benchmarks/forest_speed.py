"""Boosted trees asked by LightGBM and through masks: CPU microseconds a row, one thread, and how far they agree.

    python benchmarks/forest_speed.py

The trees of the default forecast, learnt from 20,000 windows of made-up daily counts (``synthetic_series``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import lightgbm
import numpy as np

from foretide.forecast.forest import N_TREES, SETTINGS, Forest
from foretide.forecast.trees import Sight, shown
from foretide.schema import Floats
from synthetic_series import synthetic_series

N_SERIES = 100
ROUNDS = 5


def cpu_us(ask: Callable[[], Floats], n_rows: int) -> tuple[float, Floats]:
    """Return CPU microseconds a row, the best of some rounds, and what was said; the first call compiles."""
    said, spent = ask(), []
    for _ in range(ROUNDS):
        began = time.process_time()
        ask()
        spent.append(time.process_time() - began)
    return 1e6 * min(spent) / n_rows, said


def main() -> None:
    panel, _ = synthetic_series(N_SERIES)
    features, target = shown(panel.y, Sight((7,)))
    began = time.process_time()
    booster = lightgbm.train({**SETTINGS}, lightgbm.Dataset(features, target), N_TREES)
    print(f"{len(target):,} windows of {features.shape[1]} features learnt in {time.process_time() - began:.2f} CPU-s")
    forest = Forest.planted([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])
    columns = np.ascontiguousarray(features.T)
    by_lightgbm = cpu_us(lambda: booster.predict(features, num_threads=1), len(target))
    by_masks = cpu_us(lambda: forest.predict(columns), len(target))
    print(f"LightGBM {by_lightgbm[0]:.2f}, masks {by_masks[0]:.2f} microseconds a row", end=", ")
    print(f"largest difference {np.abs(by_lightgbm[1] - by_masks[1]).max():.1e}")


if __name__ == "__main__":
    main()
