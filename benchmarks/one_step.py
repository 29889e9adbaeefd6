"""One step ahead, on origins before the test, without trees: what it is worth to carry the last error over.

    python benchmarks/one_step.py [--forget] [--judged 28] [--every 8]

``--forget`` carries nothing over; ``--judged`` are the single days by which the candidates are weighed. Five daily
panels (``panels.py``) from twelve origins three days apart: MASE of the median and RMSSE of the mean. All purchases a
day, and ten series of three years, each alone, on every eighth day from three to four fifths of it: mean squared error
over the variance of those days. Geometric means.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from forecast_complete_journey import complete_journey
from foretide.evaluate.metrics import mase, rmsse
from foretide.forecast import smoothing, trial
from foretide.forecast.engine import run
from foretide.schema import Floats, Panel
from panels import daily_behaviour, tasks

PANELS = [
    *("purchases by category", "purchases by shop", "ratings by genre"),
    *("payments by terminal group", "footfall, views, sales"),
]
N_ORIGINS, APART = 12, 3
BEGIN, END = 0.6, 0.8


def panel_errors() -> Iterator[tuple[float, float]]:
    """Yield MASE and RMSSE of each panel."""
    for task in tasks(PANELS):
        last, y = task.panel.n_steps - 2 * task.h - 1, task.panel.y
        found = []
        for origin in range(last - APART * (N_ORIGINS - 1), last + 1, APART):
            told, came = run(task.panel.until(origin), 1, models=()).forecast, y[:, origin : origin + 1]
            errors = mase(y[:, :origin], came, told.median, 7), rmsse(y[:, :origin], came, told.mean, 7)
            found.append([np.nanmean(error) for error in errors])
        yield tuple(np.mean(found, axis=0))


def error_alone(y: Floats, every: int) -> float:
    """Return the mean squared error of a series over its variance."""
    begin, end = int(y.size * BEGIN), int(y.size * END)
    whole = Panel(["all"], np.datetime64("2000-01-01") + np.arange(y.size), y[None])
    at = range(begin, end, every)
    told = np.array([run(whole.until(n), 1, models=()).forecast.mean[0, 0] for n in at])
    return float(np.mean((told - y[begin:end:every]) ** 2) / y[begin:end].var())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--forget", action="store_true")
    parser.add_argument("--judged", type=int, default=trial.LEAST_JUDGED)
    parser.add_argument("--every", type=int, default=8)
    asked = parser.parse_args()
    smoothing.MOST_RHO = 0.0 if asked.forget else smoothing.MOST_RHO
    trial.LEAST_JUDGED = asked.judged
    began = time.process_time()
    panels = np.array(list(panel_errors()))
    series = [error_alone(y, asked.every) for y in (complete_journey().y.sum(axis=0), *daily_behaviour().y)]
    mean_mase, mean_rmsse = np.exp(np.log(panels).mean(axis=0))
    print(f"panels {panels.round(4).tolist()}: MASE {mean_mase:.4f}, RMSSE {mean_rmsse:.4f}")
    alone = float(np.exp(np.mean(np.log(series))))
    print(f"series {np.round(series, 4).tolist()}: {alone:.4f}; {time.process_time() - began:.0f} CPU s")


if __name__ == "__main__":
    main()
