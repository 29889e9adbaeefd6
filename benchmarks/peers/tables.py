"""Series as the table that mlforecast and neuralforecast take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

#: Length of a step by the season: a day in a week, an hour in a day.
FREQUENCIES = {7: "D", 24: "h"}


def long_table(past: Sequence[np.ndarray], m: int) -> pd.DataFrame:
    """Return ``unique_id, ds, y``; the first step is a Monday's."""
    longest = max(y.size for y in past)
    steps = pd.date_range("2001-01-01", periods=longest, freq=FREQUENCIES[m])
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(past)), [y.size for y in past]),
            "ds": np.concatenate([steps[longest - y.size :] for y in past]),
            "y": np.concatenate(past),
        }
    )


def by_series(told: pd.DataFrame, model: str) -> np.ndarray:
    """Return what a model said, ``(n_series, h)``."""
    return told.sort_values(["unique_id", "ds"])[model].to_numpy().reshape(told["unique_id"].nunique(), -1)
