"""How many users will arrive on each day of the horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.forecast.engine import run
from foretide.schema import Floats, Panel

#: Half of the forecast is the mean of so many days: a campaign that has just ended misleads either half alone.
RECENT_DAYS = 28


def expected_arrivals(new: Floats, dates: NDArray[np.datetime64], h: int) -> Floats:
    """Return the users expected to arrive on each of the next ``h`` days, ``(h,)``.

    Parameters
    ----------
    new
        Users who arrived on each day so far, ``(n_days,)``.
    dates
        Those days.
    h
        Days ahead.
    """
    told = run(Panel(["arrivals"], dates, new[None].astype(np.float64)), h).forecast.mean[0]
    return 0.5 * (told + new[-RECENT_DAYS:].mean())
