"""Why a chance of no activity is what it is: the parts of its log-odds, put together by what they tell of.

The log-odds are a sum of parts, whichever model tells them: what each thing that is known of a user adds beside the
usual user of the training set. Parts that tell of the same thing are one reason.

A linear model adds up as it is, boosted trees by the Shapley values of their features, the hazard and the LSTM by
integrated gradients, a stack by the weights of its members, and all others by the Shapley values of the reasons. How
near each comes to its log-odds, its ``contributions`` tell.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl
from scipy.special import expit

from foretide.users.contributions import STAGE_RATE, Contributions
from foretide.users.covariates import CHANGING

#: Parts that tell of the same thing, by reason.
REASONS: dict[str, tuple[str, ...]] = {
    "recency": ("recency_days", "recency_squared", "late", "late_squared", "gap_known"),
    "rhythm": ("gap_mean_days", "gap_std_days", "gap_longest_days", "gap_slope_days", "returns"),
    "recent_activity": (
        *("active_days_7", "active_days_28", "active_days_56", "active_days_90"),
        *("sqrt_active_days_28", "sqrt_active_days_56"),
        *("events_decayed_7", "events_decayed_28", "events_decayed_84"),
    ),
    "history": ("n_events", "active_days", "density", "tenure_days"),
    "sessions": ("sessions", "session_events", "session_minutes"),
    "value": ("value_decayed_7", "value_decayed_28", "value_decayed_84", "day_value"),
    "stage": ("stage", "new", "growing", "active", "at_risk", "churned", "resurrected", STAGE_RATE),
    "last_days": ("day_gap_days", "day_events"),
    "hours": ("day_week_sin", "day_week_cos", "day_hour_sin", "day_hour_cos"),
    "categories": ("day_category",),
}
#: The reason of parts that are in none of these, such as features of one's own.
OTHER = "other"
#: The log-odds of the usual user, and of what all users of a moment have in common.
USUAL = "usual"
#: The same for all users of a moment, so that it is no reason: the length of the horizon, the drift of the population.
COMMON = ("drift", "longer")
PARTS = pl.Schema(
    {
        "user_id": pl.String(),
        "reason": pl.String(),  # of REASONS, OTHER or USUAL
        "log_odds": pl.Float64(),  # what it adds beside the usual user; for USUAL those of that user
        "p_without": pl.Float64(),  # the chance of no activity if this were as with the usual user
    }
)
IMPORTANCE = pl.Schema(
    {
        "reason": pl.String(),  # of REASONS or OTHER
        "mean_size": pl.Float64(),  # by how much it moves the log-odds, mean over users
    }
)
#: Each part by its reason; what changes with the horizon goes where the rest of it goes.
_REASON_OF = {part: reason for reason, parts in REASONS.items() for part in (reason, *parts)}
_REASON_OF |= {f"longer_{name}": _REASON_OF[name] for name in CHANGING} | dict.fromkeys(COMMON, USUAL)


class Explained(Protocol):
    """A model whose chance of no activity can be taken apart."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns beside the features, of ``foretide.users.examples.BESIDE``."""
        ...

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive`` of each row of a feature table."""
        ...

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return the parts of the log-odds."""
        ...


def reason_of(part: str) -> str:
    """Return the reason that a part belongs to, its own name among them: of ``REASONS``, ``OTHER`` or ``USUAL``."""
    return _REASON_OF.get(part, OTHER)


def reasons(model: Explained, users: pl.DataFrame) -> pl.DataFrame:
    """Return ``PARTS`` of each user of a feature table: a row a reason of the model, and one for the usual user.

    ``log_odds`` of a user add up to those of the user's chance of no activity.

    Raises
    ------
    UsageError
        If the model is a network and the backend of keras is not JAX.
    """
    told = model.contributions(users)
    belongs = [reason_of(part) for part in told.names]
    names = [name for name in (*REASONS, OTHER) if name in belongs]
    to_reason = np.array([[part == name for name in (*names, USUAL)] for part in belongs], dtype=np.float64)
    parts = told.parts @ to_reason  # (n_users, n_reasons + 1)
    parts[:, -1] += told.base
    without = expit(parts.sum(axis=1, keepdims=True) - parts)
    without[:, -1] = expit(parts[:, -1])
    return pl.DataFrame(
        {
            "user_id": np.repeat(users["user_id"].to_numpy(), len(names) + 1),
            "reason": [*names, USUAL] * users.height,
            "log_odds": parts.ravel(),
            "p_without": without.ravel(),
        },
        schema=PARTS,
    )


def importance(parts: pl.DataFrame) -> pl.DataFrame:
    """Return ``IMPORTANCE`` of the reasons in ``PARTS``, the largest first."""
    moved = parts.filter(pl.col("reason") != USUAL).group_by("reason").agg(mean_size=pl.col("log_odds").abs().mean())
    return moved.sort("mean_size", "reason", descending=[True, False])
