"""The boosted trees of the default forecast alone, all else alone, and half of each, on six real panels.

    python benchmarks/trees_share.py [--only NAME ...]

Up to six origins before the test, a horizon apart. MASE of the median, geometric mean over origins and panels; every
kind of series has its trees here, and none is left out for being clearly worse.
"""

from __future__ import annotations

import argparse

import numpy as np

from forecast_panels import SEASONS, scores
from foretide.forecast.engine import run
from foretide.forecast.trees import BoostedTrees, learn
from foretide.schema import Floats
from panels import Task, tasks

HORIZONS_BACK = range(8, 2, -1)
LEAST_SEASONS = 8


def origins(task: Task) -> tuple[int, ...]:
    """Return origins whose horizons end before the test begins."""
    every = [task.panel.n_steps - k * task.h for k in HORIZONS_BACK]
    return tuple(origin for origin in every if origin >= LEAST_SEASONS * task.season_length)


def medians(task: Task, origin: int) -> tuple[Floats, Floats]:
    """Return what is said without trees and by trees, ``(n_series, h)``; without any, they say the same."""
    seasons = np.atleast_1d(SEASONS[task.season_length]).tolist()
    past = task.panel.until(origin)
    fast = run(past, task.h, (80,), seasons, models=()).forecast.median
    forest = learn(past.y, seasons)
    if forest is None:
        return fast, fast
    return fast, BoostedTrees(seasons, {origin: forest}).ahead(past.y, [origin], task.h).median[:, 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--only", nargs="*")
    every: dict[str, list[float]] = {}
    for task in tasks(parser.parse_args().only):
        at = origins(task)
        fast, trees = (np.stack(said, axis=1) for said in zip(*(medians(task, origin) for origin in at), strict=True))
        found = scores(task, at, {"fast": fast, "trees": trees, "half": (fast + trees) / 2})
        print(f"{task.name}, origins {at}: " + ", ".join(f"{name} {x:.4f}" for name, x in found.items()), flush=True)
        for name, value in found.items():
            every.setdefault(name, []).append(value)
    print("all: " + ", ".join(f"{name} {np.exp(np.mean(np.log(values))):.4f}" for name, values in every.items()))


if __name__ == "__main__":
    main()
