"""Series from which the others of a panel must not learn: those that stand still, and those with a huge spike.

Weights, intervals and seasons are shared by the series of a panel. Forecasts of a series that stands still are never
wrong, one figure out of all proportion is an error larger than all others together, and either would decide for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.schema import Floats

#: A series stands still if as many last steps are all the same; zeros only if there was nothing before.
STILL_STEPS = 28
#: A figure is out of all proportion if it exceeds the mean of the others, and one, this many times.
OUT_OF_PROPORTION = 100.0


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
    size = np.abs(y)
    largest, count = np.fmax.reduce(size, axis=1), (~np.isnan(size)).sum(axis=1)
    others = (np.nansum(size, axis=1) - largest) / np.maximum(count - 1, 1)
    return np.asarray(largest > OUT_OF_PROPORTION * np.maximum(others, 1.0))
