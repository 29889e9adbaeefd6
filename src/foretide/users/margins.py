"""By how much a model is better than the best simple baseline, and how sure that is: a paired bootstrap over users.

The best baseline is the one with the least loss on the very users it is judged by, which is hard on the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from foretide.schema import Floats
from foretide.users.scores import groups, log_losses

MARGINS = pl.Schema(
    {
        "stage": pl.String(),
        "model": pl.String(),
        "baseline": pl.String(),  # the best one of the group
        "margin": pl.Float64(),  # log-loss of the model less that of the baseline: below 0 the model is better
        "margin_lo": pl.Float64(),  # 95 % interval
        "margin_hi": pl.Float64(),
    }
)
RESAMPLES = 1000


def margins(
    seen: pl.DataFrame,
    chances: Mapping[str, Floats],
    baselines: Sequence[str],
    rng: int | np.random.Generator = 0,
) -> pl.DataFrame:
    """Return ``MARGINS`` for all, for the eligible and for each stage.

    Parameters
    ----------
    seen
        ``stage, inactive`` of each user.
    chances
        ``(n_users,)`` for each model, the baselines among them.
    baselines
        Which of them are.
    rng
        Seed or generator of the bootstrap.
    """
    rng = np.random.default_rng(rng)
    happened = seen["inactive"].to_numpy().astype(np.float64)
    losses = log_losses(happened, np.array(list(chances.values())))  # (n_models, n_users)
    names = list(chances)
    rows = []
    for stage, there in groups(seen).items():
        mine = losses[:, there]
        best = min((names.index(name) for name in baselines), key=mine.mean(axis=1).__getitem__)
        differences = mine - mine[best]
        lo, hi = interval_of_mean(differences, rng)
        columns = (names, [names[best]] * len(names), differences.mean(axis=1), lo, hi)
        rows += [(stage, *row) for row in zip(*columns, strict=True)]
    return pl.DataFrame(rows, schema=MARGINS, orient="row")


def interval_of_mean(values: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the 95 % bootstrap interval of the mean of each row, users resampled together: ``(n_rows,)`` twice."""
    n = values.shape[1]
    counts = (np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(RESAMPLES))
    means = np.array([values @ count for count in counts]) / n  # (RESAMPLES, n_rows)
    lo, hi = np.quantile(means, (0.025, 0.975), axis=0)
    return lo, hi
