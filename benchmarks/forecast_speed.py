"""What the smallest pieces of the forecasting engine cost: a member, a day that goes on, and two threads at once.

    OMP_NUM_THREADS=1 python benchmarks/forecast_speed.py [--series 20000]

Made-up daily counts (``synthetic_series``) of 730 days; microseconds of CPU a series, the median of five runs, compiled
before. A member is one ``HoltWinters`` over its whole grid with its forecast of 28 days; the update moves a warm one by
one day, the forecast after it is told apart. Threads: two halves of the panel, one after the other and at once, in
wall time; a kernel that held the GIL would gain nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.warm import WarmHoltWinters
from foretide.schema import Panel
from synthetic_series import synthetic_series

H = 28
RUNS = 5


def median_s(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Return the median of the seconds a clock goes on by."""
    taken = []
    for _ in range(RUNS):
        began = clock()
        work()
        taken.append(clock() - began)
    return float(np.median(taken))


def smooth(panel: Panel) -> object:
    return HoltWinters().fit(panel).predict(H)


def threads(panel: Panel) -> tuple[float, float]:
    """Return wall seconds for two halves of a panel after each other and at once."""
    middle = len(panel.ids) // 2
    halves = [Panel(panel.ids[of], panel.dates, panel.y[of]) for of in (slice(middle), slice(middle, None))]
    with ThreadPoolExecutor(2) as pool:
        return tuple(
            median_s(lambda way=way: list(way(smooth, halves)), time.perf_counter)  # type: ignore[misc]
            for way in (map, pool.map)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--series", type=int, default=20_000)
    n = parser.parse_args().series
    panel, _ = synthetic_series(n)
    smooth(panel.until(60))
    warm = WarmHoltWinters().fit(panel.until(60))
    warm.update(panel.y[:, 60])
    warm.predict(H)
    warm.fit(panel)
    for name, work in {
        "a member, fitted on 730 days, with its forecast": lambda: smooth(panel),
        "a warm member, one day more": lambda: warm.update(panel.y[:, -7]),
        "its forecast of 28 days": lambda: warm.predict(H),
    }.items():
        print(f"{name}: {1e6 * median_s(work) / n:.1f} CPU microseconds a series")
    after, at_once = threads(panel)
    print(f"two halves after each other {after:.2f} s, in two threads {at_once:.2f} s: {after / at_once:.2f} times")


if __name__ == "__main__":
    main()
