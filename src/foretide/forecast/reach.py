"""How far a forecast may lie outside of what was seen, and how one of logarithms is brought back to counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretide.forecast.method import Ahead
from foretide.schema import Floats

#: Nothing is expected further outside the range of what was seen than its width, and on the log scale this much.
MOST_LOG_RISE = 2.0
#: A mean is not believed to be more than e times this above its median on the log scale.
MOST_LOG_GAP = 1.0


def within_reach(middle: Floats, z: Floats, origins: Sequence[int], *, log: bool) -> Floats:
    """Return forecasts ``(n_series, n_origins, h)`` kept within reach of what was known at each origin.

    Parameters
    ----------
    middle
        Forecasts on the scale of ``z``.
    z, origins
        As in ``Method.ahead``.
    log
        Whether ``z`` are logarithms.
    """
    highest, lowest = (f.accumulate(z, axis=1)[:, np.asarray(origins) - 1, None] for f in (np.fmax, np.fmin))
    reach = np.minimum(highest - lowest, MOST_LOG_RISE if log else np.inf)
    return np.clip(middle, lowest - reach, highest + reach)


def from_logs(middle: Floats, variance: Floats) -> Ahead:
    """Return mean and median of counts whose ``log(1 + y)`` has this mean and this variance of its errors."""
    return Ahead(np.expm1(middle + np.minimum(variance / 2, MOST_LOG_GAP)), np.expm1(middle))
