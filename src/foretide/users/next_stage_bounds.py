"""Which stages a user can be in when the horizon ends: what the lifecycle rule alone decides.

With W, D = 4 W and the age and gap of a user known at the cut-off, some stages are out of reach whatever
happens: nobody is new again, a user who came in a horizon of D days is not churned at its end, one who did
not come in it is nothing else. This ties the chances of stages to the chance of no activity:

==============  =====================================================
horizon         churned at its end
==============  =====================================================
of D days       exactly those without an event in the horizon
longer          they, and who came in its first days but not since
shorter         those of them whose silence began before the horizon
==============  =====================================================

The day between cut-off and horizon makes no difference to the first two rows: it lies before the last D days.
Where the clocks change inside the horizon, the rows hold but for that hour.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.features.lifecycle import LifecycleRule
from foretide.schema import STAGES
from foretide.users.cutoffs import LEAD_DAYS

Bools = NDArray[np.bool_]
Reach = dict[str, pl.Expr]


def possible(users: pl.DataFrame, horizon_days: int, rule: LifecycleRule, *, came: bool) -> Bools:
    """Return which stages users can be in at the end of the horizon, ``(n_users, n_stages)``.

    Parameters
    ----------
    users
        ``stage, recency_days, tenure_days`` at the cut-off.
    horizon_days
        Length of the horizon.
    rule
        The lifecycle rule.
    came
        Whether the users have an event in the horizon, or have none.
    """
    reach = if_came(horizon_days, rule) if came else if_silent(horizon_days, rule)
    return users.select(reach[stage].alias(stage) for stage in STAGES).to_numpy()


def if_came(horizon_days: int, rule: LifecycleRule) -> Reach:
    """Return where users with an event in the horizon can be at its end."""
    ahead = LEAD_DAYS + horizon_days
    closes_a_gap = (pl.col("recency_days") + ahead >= rule.churned_days) | pl.lit(horizon_days > rule.churned_days)
    still = (pl.col("stage") == "resurrected") & pl.lit(ahead < rule.resurrected_days)
    return aged(ahead, rule) | {
        "active": always(),
        "resurrected": closes_a_gap | still,
        "at_risk": always(),
        "churned": always(unless=horizon_days <= rule.churned_days),
    }


def if_silent(horizon_days: int, rule: LifecycleRule) -> Reach:
    """Return where users without an event in the horizon can be at its end."""
    ahead = LEAD_DAYS + horizon_days
    short = always(unless=horizon_days >= rule.at_risk_days)
    back_before = (pl.col("stage") == "resurrected") | (pl.col("recency_days") + LEAD_DAYS >= rule.churned_days)
    trend = {stage: reach & short for stage, reach in aged(ahead, rule).items()}
    return trend | {
        "active": short,
        "resurrected": short & back_before,
        "at_risk": always(unless=horizon_days >= rule.churned_days),
        "churned": pl.col("recency_days") + ahead >= rule.churned_days,
    }


def aged(ahead_days: int, rule: LifecycleRule) -> Reach:
    """Return who is young enough to be new, and old enough to be growing, so many days ahead."""
    age = pl.col("tenure_days") + ahead_days
    return {"new": age < rule.new_days, "growing": age >= 2 * rule.churned_days}


def always(*, unless: bool = False) -> pl.Expr:
    """Return the same answer for every user: yes, unless something about the horizon forbids it."""
    return pl.col("stage").is_not_null() & pl.lit(not unless)
