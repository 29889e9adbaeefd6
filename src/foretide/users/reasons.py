"""What a chance of no activity is made of: the parts of its log-odds, put together by what they tell of.

The log-odds are a sum of parts, exactly: what each covariate of a user adds beside the usual user of the training set.
Parts that tell of the same thing are one reason.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl
from scipy.special import expit

from foretide.users.activity import STAGE_RATE, Contributions
from foretide.users.covariates import CHANGING, names

#: Covariates that tell of the same thing, by reason; what changes with the horizon goes where the rest of it goes.
REASONS: dict[str, tuple[str, ...]] = {
    "recency": ("recency_days", "recency_squared", "late", "late_squared", "gap_known"),
    "rhythm": ("gap_mean_days", "gap_std_days"),
    "recent_activity": (
        *("active_days_7", "active_days_28", "active_days_56", "sqrt_active_days_28", "sqrt_active_days_56"),
        *("events_decayed_7", "events_decayed_28", "events_decayed_84"),
    ),
    "history": ("n_events", "active_days", "density", "tenure_days"),
    "value": ("value_decayed_28",),
    "stage": ("new", "growing", "active", "at_risk", "churned", "resurrected", STAGE_RATE),
}
#: The same for all users of a moment, so that it is no reason: the length of the horizon, the drift of the population.
COMMON = ("drift", "longer")
PARTS = pl.Schema(
    {
        "user_id": pl.String(),
        "reason": pl.String(),  # of REASONS
        "log_odds": pl.Float64(),  # what it adds beside the usual user; "usual" is that user
        "p_without": pl.Float64(),  # the chance of no activity if this were as with the usual user
    }
)


class Explained(Protocol):
    """A model whose chance of no activity can be taken apart."""

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive`` of each row of a feature table."""
        ...

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return the parts of the log-odds."""
        ...


def reason_of() -> dict[str, str]:
    """Return the reason that each covariate belongs to."""
    reasons = {column: reason for reason, columns in REASONS.items() for column in columns}
    longer = {f"longer_{name}": reasons[name] for name in CHANGING}
    return {column: reason for column, reason in (reasons | longer).items() if column in {*names(), STAGE_RATE}}


def reasons(model: Explained, users: pl.DataFrame) -> pl.DataFrame:
    """Return ``PARTS`` of each user of a feature table: a row a reason, and one for the usual user.

    ``log_odds`` of a user add up to those of the user's chance of no activity.
    """
    told = model.contributions(users)
    reason = reason_of()
    columns = {name: told.parts[:, [reason.get(part) == name for part in told.names]].sum(axis=1) for name in REASONS}
    common = told.parts[:, [part not in reason for part in told.names]].sum(axis=1)
    columns["usual"] = told.base + common
    parts = np.stack(list(columns.values()), axis=1)  # (n_users, n_reasons + 1)
    without = expit(parts.sum(axis=1, keepdims=True) - parts)
    without[:, -1] = expit(parts[:, -1])
    return pl.DataFrame(
        {
            "user_id": np.repeat(users["user_id"].to_numpy(), len(columns)),
            "reason": [*columns] * users.height,
            "log_odds": parts.ravel(),
            "p_without": without.ravel(),
        },
        schema=PARTS,
    )


def importance(parts: pl.DataFrame) -> pl.DataFrame:
    """Return ``reason, mean_size``: how much each reason moves the log-odds on average, the largest first."""
    moved = parts.filter(pl.col("reason") != "usual").group_by("reason").agg(mean_size=pl.col("log_odds").abs().mean())
    return moved.sort("mean_size", "reason", descending=[True, False])
