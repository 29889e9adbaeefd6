"""Rolling cut-offs: standing at earlier and earlier days, to see how well a model would have told what came next.

The *test cut-off* lies one horizon before ``as_of`` (see ``foretide.users.backtest``); what came at or after it is
for the test alone, and no fold looks at it. Each fold stands at an earlier cut-off, learns from what was over by then,
and is judged on the horizon that follows. The horizon of the latest fold ends at the test cut-off.

A log that is too short for the horizon is judged on a shorter one, so that every fold still learns from horizons of
the length on which it is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import NamedTuple

from foretide.users.cutoffs import LEAD_DAYS, Pair, days_between, shifted, warm_up_days
from foretide.users.examples import training_pairs

#: At most so many folds, whole weeks apart.
FOLDS = 3
#: There are fewer folds where more of them would leave the horizon shorter than this.
SHORT_DAYS = 7


class Fold(NamedTuple):
    """What was over by a cut-off, and the horizon after it."""

    training: Sequence[Pair]
    validation: Pair


def cutoff_of_test(as_of: datetime, horizon_days: int, timezone: str) -> datetime:
    """Return the cut-off of the test, as ``foretide.users.backtest.trial`` has it."""
    return shifted(as_of, -LEAD_DAYS - horizon_days, timezone)


def rolling_folds(first: datetime, until: datetime, horizon_days: int, timezone: str) -> list[Fold]:
    """Return the folds of a log from ``first`` to ``until`` (exclusive), the latest first; none if it is too short."""
    history_days = days_between(first, until, timezone)
    n_folds, days = n_folds_and_days(history_days, horizon_days)
    if days < 1:
        return []
    spare = room(history_days) - 2 * days
    weeks = min(spare // 7 // max(1, n_folds - 1), ceil(days / 7))
    cutoffs = [shifted(until, -LEAD_DAYS - days - 7 * weeks * i, timezone) for i in range(n_folds)]
    return [Fold(training_pairs(first, cutoff, days, timezone), (cutoff, days)) for cutoff in cutoffs]


def n_folds_and_days(history_days: int, horizon_days: int) -> tuple[int, int]:
    """Return how many folds a log has room for, and the length of their horizon; less than 1 if it is too short."""
    for n_folds in range(FOLDS, 0, -1):
        days = min(horizon_days, (room(history_days) - 7 * (n_folds - 1)) // 2)
        if days >= min(horizon_days, SHORT_DAYS):
            break
    return n_folds, days


def room(history_days: int) -> int:
    """Return the days of a log for the two horizons of a fold: one to learn from, one to be judged on."""
    return history_days - warm_up_days(history_days) - 2 * LEAD_DAYS
