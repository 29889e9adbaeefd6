"""Series with many zeros, forecast as such and as if they had none, on real panels.

    python benchmarks/sparse_panels.py [--test]

Categories and items of Complete Journey, films, payments by terminal: series of .03 a day and more, the 1,000 largest.
Three origins for choosing, or the last two. By share of zeros in the year before: RMSSE of the mean, MASE of the
median, quantile loss (2.5, 10, 50, 90, 97.5 %) over the mean of what came, bias, and what the intervals cover.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl

import panels
from foretide.evaluate.metrics import mase, rmsse
from foretide.forecast import candidates
from foretide.forecast.engine import run
from foretide.schema import Floats, Panel

ZEROS = (0.1, 0.3, 0.6, 0.85, 1.0)
LEVELS = (80, 95)
PANELS = {
    "categories": (28, lambda: panels.complete_journey("product_category")),
    "items": (28, lambda: panels.complete_journey("product_id")),
    "films": (14, lambda: panels.events("movietweetings-100k", pl.col("item_id").cast(pl.String))),
    "payments by terminal": (14, lambda: panels.events(panels.FRAUD, pl.col("item_id").cast(pl.String))),
}


def scored(panel: Panel, origin: int, h: int) -> Floats:
    """Return zeros, RMSSE, MASE, quantile loss, what came, what was expected, coverages of each series."""
    y, came = panel.y[:, :origin], panel.y[:, origin : origin + h]
    told = run(panel.until(origin), h, LEVELS, models=()).forecast
    quantiles = {0.5: told.median}
    for level, (lo, hi) in told.intervals.items():
        quantiles |= {(1 - level / 100) / 2: lo, (1 + level / 100) / 2: hi}
    loss = sum(np.maximum(q * (came - x), (q - 1) * (came - x)).mean(axis=1) for q, x in quantiles.items())
    covered = [((lo <= came) & (came <= hi)).mean(axis=1) for lo, hi in told.intervals.values()]
    zeros = (y[:, -365:] == 0).mean(axis=1)
    errors = rmsse(y, came, told.mean), mase(y, came, told.median)
    return np.stack([zeros, *errors, np.asarray(loss), came.mean(axis=1), told.mean.mean(axis=1), *covered])


def rows(figures: Floats) -> Iterator[str]:
    for low, high in pairwise(ZEROS):
        at = (figures[0] >= low) & (figures[0] < high)
        if at.sum() < 20:
            continue
        _, squared, absolute, loss, came, mean, inner, outer = figures[:, at]
        yield (
            f"zeros {low:.2f} to {high:.2f} ({at.sum()}): RMSSE {np.nanmean(squared):.4f}, "
            f"MASE {np.nanmean(absolute):.4f}, "
            f"loss {loss.sum() / came.sum():.4f}, bias {mean.sum() / came.sum() - 1:+.3f}, "
            f"cover {inner.mean():.3f} and {outer.mean():.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", action="store_true")
    test = parser.parse_args().test
    panels.LEAST_A_DAY, panels.MAX_SERIES = 0.03, 1000
    own = candidates.SPARSE_ZEROS
    for name, (h, make) in PANELS.items():
        task = panels.Task(name, make(), h=h)
        for kind, share in (("as if steady", 2.0), ("as sparse", own)):
            candidates.SPARSE_ZEROS = share
            figures = [scored(task.panel, origin, h) for origin in (task.test if test else task.validation)]
            for row in rows(np.concatenate(figures, axis=1)):
                print(f"{name}, {kind}, {row}", flush=True)


if __name__ == "__main__":
    main()
