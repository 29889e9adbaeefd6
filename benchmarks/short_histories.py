"""Forecasts of series with a few days of history: each candidate by itself, and what foretide makes of them.

    python benchmarks/short_histories.py

Daily panels of ``panels.py``, cut to their last days before four ends at and before the last validation origin, h = 14.
Errors of the median over the usual change of a week in the whole past, mean over series and ends. Up to 17 days there
is no backtest, and foretide takes what ``trial.TRUSTED`` names; it is shown as it is now.
"""

from __future__ import annotations

import numpy as np

from foretide.evaluate.metrics import mean_of_known
from foretide.forecast.candidates import candidates
from foretide.forecast.engine import run
from foretide.schema import Floats, Panel
from panels import tasks

PANELS = ["purchases by category", "purchases by shop", "ratings by genre", "payments by terminal group"]
DAYS = (3, 7, 10, 13, 15, 17, 21, 28)
H, N_ENDS, APART = 14, 4, 14
TOGETHER = "foretide"


def said_of(past: Floats) -> dict[str, Floats]:
    """Return the medians of each candidate and of the run, ``(n_series, H)``."""
    n = past.shape[1]
    said = {name: method.ahead(past, [n], H).median[:, 0] for name, method in candidates(7).items()}
    panel = Panel([str(i) for i in range(len(past))], np.datetime64("2000-01-01") + np.arange(n), past)
    return {name: np.maximum(told, 0.0) for name, told in said.items()} | {
        TOGETHER: run(panel, H, models=()).forecast.median
    }


def errors(y: Floats, ends: list[int], days: int) -> dict[str, float]:
    """Return the mean scaled error of each forecast of so many days."""
    found: dict[str, list[float]] = {}
    for end in ends:
        usual = np.nanmean(np.abs(y[:, 7:end] - y[:, : end - 7]), axis=1)
        moving = usual > 0
        for name, told in said_of(y[moving, end - days : end]).items():
            error = np.abs(told - y[moving, end : end + H]).mean(axis=1) / usual[moving]
            found.setdefault(name, []).append(mean_of_known(error))
    return {name: float(np.mean(values)) for name, values in found.items()}


def main() -> None:
    for task in tasks(PANELS):
        ends = [task.validation[-1] - APART * k for k in range(N_ENDS)]
        tables = {days: errors(task.panel.y, ends, days) for days in DAYS}
        print(f"\n{task.name}\n| days | {' | '.join(tables[DAYS[0]])} |\n|{' --- |' * (len(tables[DAYS[0]]) + 1)}")
        for days, table in tables.items():
            print(f"| {days} | {' | '.join(f'{value:.3f}' for value in table.values())} |", flush=True)


if __name__ == "__main__":
    main()
