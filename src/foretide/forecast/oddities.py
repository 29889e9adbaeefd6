"""Series from which the others of a panel must not learn: those that stand still, and those with a huge spike.

Weights, intervals and seasons are shared by the series of a panel. Forecasts of a series that stands still are never
wrong, one figure out of all proportion is an error larger than all others together, and either would decide for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.forecast.method import carried
from foretide.schema import Floats

#: A series stands still if as many last steps are all the same; zeros only if there was nothing before.
STILL_STEPS = 28
#: A figure is out of all proportion if it exceeds the mean of the others, and one, this many times.
OUT_OF_PROPORTION = 100.0
#: Rounds in which spikes are taken out, as a smaller one may stand behind a larger.
MOST_ROUNDS = 5


def odd(y: Floats) -> NDArray[np.bool_]:
    """Tell which series of a panel ``(n_series, n_steps)``, NaN before they begin, are odd, ``(n_series,)``."""
    return still(y) | spiked(y)


def still(y: Floats) -> NDArray[np.bool_]:
    """Tell which series stand still at the end."""
    last = y[:, -STILL_STEPS:]
    known = (~np.isnan(last)).sum(axis=1) == STILL_STEPS
    same = known & (last == last[:, -1:]).all(axis=1)
    return np.asarray(same & ((last[:, -1] != 0) | (np.fmax.reduce(np.abs(y), axis=1) == 0)))


def spiked(y: Floats) -> NDArray[np.bool_]:
    """Tell which series have a figure out of all proportion."""
    return np.asarray(spikes(y).any(axis=1))


def spikes(y: Floats) -> NDArray[np.bool_]:
    """Tell which figures are out of all proportion, ``(n_series, n_steps)``."""
    size = np.abs(y)
    count = (~np.isnan(size)).sum(axis=1, keepdims=True)
    rest = np.nansum(size, axis=1, keepdims=True) - np.fmax.reduce(size, axis=1, keepdims=True)
    others = rest / np.maximum(count - 1, 1)
    return np.asarray(size > OUT_OF_PROPORTION * np.maximum(others, 1.0))


def without_spikes(y: Floats) -> Floats:
    """Take a figure out of all proportion for the one before, in series long enough to tell it from growth.

    What has a spike is forecast from the rest: it was a slip, or an event that is over. Several at the end stay, as
    what they tell of may go on.
    """
    long = (~np.isnan(y)).sum(axis=1, keepdims=True) >= STILL_STEPS
    for _ in range(MOST_ROUNDS):
        found = spikes(y)
        at_end = np.logical_and.accumulate(found[:, ::-1], axis=1)[:, ::-1]
        found &= long & ~(at_end & (at_end.sum(axis=1, keepdims=True) > 1))
        if not found.any():
            break
        y = carried(np.where(found, np.nan, y))
    return y
