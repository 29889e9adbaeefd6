"""The article's recipe: an LSTM on one daily series, with its slips put right, and a ridge on the same numbers.

Kept as a named baseline, not as a forecaster: it says one day ahead of a single series, from yesterday's truth. Put
right here: counts are resampled by their sum, the scaling is that of the training part, the target is the count and
not the scaled difference, and predictions are as flat as what they are compared with.

References
----------
"Predicting User Behavior Evolution Trends in Large-scale Model Recommendation Scenarios", sections 2.5 and 2.7.
Hoerl and Kennard (1970), Ridge regression, Technometrics 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import Ridge

from foretide.errors import NotEnoughDataError
from foretide.evaluate.metrics import mse, r2, rmse
from foretide.forecast.lstm import lstm_regression
from foretide.schema import Floats, Panel

#: Of the article.
WINDOW = 7
ROLLING = 7
TRAIN_SHARE = 0.8
UNITS = 50
EPOCHS = 100
BATCH = 32
#: Fewest windows to train on and to test on.
LEAST_WINDOWS = 10


@dataclass(frozen=True)
class ArticleResult:
    """One-step forecasts of the test days, in counts."""

    happened: Floats  # (n_test,)
    said: dict[str, Floats]  # "LSTM", "Ridge" -> (n_test,)
    table: pl.DataFrame  # model, mse, rmse, r2, mse_scaled, rmse_scaled; scaled as the article's, by the training range


class _Windows(NamedTuple):
    """Scaled windows and the count that follows each."""

    past: Floats  # (n, WINDOW, n_features)
    target: Floats  # (n,), scaled
    n_train: int
    low: float
    span: float  # of the count in the training part


def daily_sums(times: ArrayLike, counts: ArrayLike) -> Panel:
    """Return a panel of one series: counts summed by day, zero on a day without any.

    Parameters
    ----------
    times, counts
        ``(n,)``, in any order.
    """
    days = np.asarray(times, dtype="datetime64[D]")
    y = np.bincount((days - days.min()).astype(np.int64), np.asarray(counts, dtype=np.float64))
    return Panel(["count"], days.min() + np.arange(y.size), y[None].astype(np.float64))


def article_recipe(y: Sequence[float] | Floats, epochs: int = EPOCHS, rng: int = 0) -> ArticleResult:
    """Train the article's LSTM on the first four fifths of a series and let it tell each day of the rest.

    Parameters
    ----------
    y
        ``(n_steps,)``, daily counts without gaps.
    epochs
        Passes over the training part.
    rng
        Seed.

    Raises
    ------
    NotEnoughDataError
        If the series is too short for windows to train and to test on.
    MissingExtraError
        If the extra ``neural`` is not installed.
    """
    counts = np.asarray(y, dtype=np.float64)
    cut = _windows(counts)
    train, test = slice(None, cut.n_train), slice(cut.n_train, None)
    flat = cut.past.reshape(len(cut.past), -1)
    scaled = {
        "LSTM": lstm_regression(cut.past[train], cut.target[train], cut.past[test], UNITS, epochs, BATCH, rng),
        "Ridge": Ridge(alpha=1.0).fit(flat[train], cut.target[train]).predict(flat[test]),
    }
    happened = counts[len(counts) - len(cut.target[test]) :]
    said = {name: values * cut.span + cut.low for name, values in scaled.items()}
    rows = [score_row(name, happened, values, cut.span) for name, values in said.items()]
    return ArticleResult(happened, said, pl.DataFrame(rows))


def score_row(name: str, happened: Floats, said: Floats, span: float) -> dict[str, str | float]:
    """Return the article's three scores, in counts and on its scaled series."""
    squared, root = mse(happened, said), rmse(happened, said)
    return {
        "model": name,
        "mse": squared,
        "rmse": root,
        "r2": r2(happened, said),
        "mse_scaled": squared / span**2,
        "rmse_scaled": root / span,
    }


def features(y: Floats) -> Floats:
    """Return count, difference, rolling mean and standard deviation, ``(n_steps - 6, 4)``: each of days up to its own.

    Parameters
    ----------
    y
        ``(n_steps,)``, at least 7.
    """
    rolling: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(y, ROLLING)
    known = y[ROLLING - 1 :]
    change = known - y[ROLLING - 2 : -1]
    return np.stack([known, change, rolling.mean(axis=1), rolling.std(axis=1, ddof=1)], axis=1)


def _windows(y: Floats) -> _Windows:
    n_train_days = int(len(y) * TRAIN_SHARE)
    n = len(y) - (ROLLING - 1) - WINDOW
    n_train = n_train_days - (ROLLING - 1) - WINDOW
    if min(n_train, n - n_train) < LEAST_WINDOWS:
        raise NotEnoughDataError(
            f"the article's recipe needs {5 * LEAST_WINDOWS} days or more, but the series has {len(y)}; import more"
        )
    made = features(y)
    fitted = made[: n_train_days - (ROLLING - 1)]
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    scaled = (made - low) / span
    past = np.lib.stride_tricks.sliding_window_view(scaled[:-1], WINDOW, axis=0).swapaxes(1, 2)
    return _Windows(past, scaled[WINDOW:, 0], n_train, float(low[0]), float(span[0]))
