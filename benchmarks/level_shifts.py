"""How fast forecasts follow a sudden and lasting change of level, beside forecasts that are told of it.

    python benchmarks/level_shifts.py [--seed 1]

300 negative binomial daily series of 400 days with a weekday pattern and a level that wanders slowly, 30 a day on
average; for all days from some days before the origin on, the mean is multiplied. Whoever is told of the step sees the
days before it as they would have been at the new level. MASE over 28 days, scaled by the days before the origin.
"""

from __future__ import annotations

import argparse

import numpy as np

from foretide.evaluate.metrics import mase
from foretide.forecast.engine import run
from foretide.schema import Floats, Panel

N_SERIES, ORIGIN, H, DISPERSION = 300, 372, 28, 20.0
DAYS_SINCE, FACTORS = (3, 7, 14, 28), (0.5, 1.3, 2.0)


def means(rng: np.random.Generator) -> Floats:
    """Return the means of every day."""
    week = rng.normal(0, 0.3, (N_SERIES, 7))[:, np.arange(ORIGIN + H) % 7]
    walk = np.cumsum(rng.normal(0, 0.01, (N_SERIES, ORIGIN + H)), axis=1)
    return np.exp(rng.normal(3, 1, (N_SERIES, 1)) + week + walk)


def error(y: Floats, came: Floats) -> float:
    panel = Panel([str(i) for i in range(N_SERIES)], np.datetime64("2024-01-01") + np.arange(ORIGIN), y)
    return float(np.nanmean(mase(y, came, run(panel, H).forecast.median)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    rng = np.random.default_rng(parser.parse_args().seed)
    mean = means(rng)
    draw = lambda mu: rng.negative_binomial(DISPERSION, DISPERSION / (DISPERSION + mu)).astype(np.float64)  # noqa: E731
    for factor in FACTORS:
        told = draw(mean * factor)
        print(f"times {factor}: told of it {error(told[:, :ORIGIN], told[:, ORIGIN:]):.3f}", end="")
        for days in DAYS_SINCE:
            seen = draw(mean)
            seen[:, ORIGIN - days :] = told[:, ORIGIN - days :]
            scaled = error(seen[:, :ORIGIN], told[:, ORIGIN:]) * changes(seen) / changes(told)
            print(f"; {days} days ago {scaled:.3f}", end="", flush=True)
        print()


def changes(y: Floats) -> float:
    """Return the usual change of the past: errors are told in units of that at the new level."""
    return float(np.abs(y[:, 7:ORIGIN] - y[:, : ORIGIN - 7]).mean())


if __name__ == "__main__":
    main()
