"""How many users will arrive on each day of the horizon.

The usual week, moved along with its trend (``foretide.users.weekly_trend``). The engine of series chooses by the error
of single days; here the sum of the days to come is what counts, and this was less off on most logs.
"""

from __future__ import annotations

import numpy as np

from foretide.schema import Floats
from foretide.users.weekly_trend import DAYS, LEAST_WEEKS, as_weeks, growth_ahead, week_weights, weekday_factors


def expected_arrivals(new: Floats, h: int) -> Floats:
    """Return the users expected to arrive on each of the next ``h`` days, ``(h,)``.

    Parameters
    ----------
    new
        Users who arrived on each day so far, ``(n_days,)``.
    h
        Days ahead.
    """
    weeks = as_weeks(new)  # (n_weeks, 7)
    if len(weeks) < LEAST_WEEKS:
        return np.full(h, new[-LEAST_WEEKS * DAYS :].mean())
    sums = weeks.sum(axis=1)
    logs = np.log(sums + 1.0)  # of a week without anybody too
    growth = growth_ahead(logs[None], np.array([1.0 / (sums.mean() + 1.0)]), h)[0]
    a_day = week_weights(len(weeks)) @ sums / DAYS
    by_weekday = weekday_factors(weeks.sum(axis=0), np.full(DAYS, sums.sum() / DAYS))
    return a_day * np.resize(by_weekday, h) * np.exp(growth)
