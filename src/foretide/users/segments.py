"""What segments are heading for, and which users are worth acting on.

The value at stake of a user is what the horizon would bring if the user came, times the chance that they do not::

    at_stake = p_inactive * expected_value / (1 - p_inactive)

``expected_value`` already holds the chance to come, so dividing by it gives the value of a user who does. The
formula grows without end as a user becomes hopeless, and nothing is known of people who hardly ever come back, so
those whose chance of no activity is above ``HOPELESS`` are left out. Where no event has a value, active days
stand in for it. What an action changes is not told by this: that needs an experiment.
"""

from __future__ import annotations

import polars as pl

from foretide.errors import UsageError
from foretide.users.interests import OTHER

#: Users with a higher chance of no activity are not worth acting on.
HOPELESS = 0.9
#: Interests named of a segment.
TOP = 3

SEGMENTS = pl.Schema(
    {
        "segment": pl.String(),
        "users": pl.Int64(),
        "share": pl.Float64(),  # of all users
        "p_inactive": pl.Float64(),  # mean chance of no event in the horizon
        "expected_inactive": pl.Float64(),  # how many will have none
        "expected_active_days": pl.Float64(),  # mean of a user
        "expected_value": pl.Float64(),  # of the segment; null if no event has a value
        "interests_now": pl.List(pl.String()),  # the largest mean shares, largest first
        "interests_ahead": pl.List(pl.String()),  # the same in the horizon, each user by the expected active days
    }
)

WORTH = pl.Schema(
    {
        "rank": pl.Int32(),  # from 1
        "user_id": pl.String(),
        "stage": pl.String(),
        "p_inactive": pl.Float64(),
        "if_active": pl.Float64(),  # value in the horizon of a user who comes, in ``unit``
        "at_stake": pl.Float64(),
        "unit": pl.String(),  # value or active_days
        "interest": pl.String(),  # largest expected share; null if no event has a category
    }
)


def segment_outlook(told: pl.DataFrame, members: pl.DataFrame, interests: pl.DataFrame) -> pl.DataFrame:
    """Return the outlook of each segment, ``SEGMENTS``, in the order in which ``members`` names them.

    Parameters
    ----------
    told
        ``user_id, p_inactive, expected_active_days`` and, where there is one, ``expected_value`` of all users.
    members
        ``user_id, segment``.
    interests
        ``foretide.users.interests.INTERESTS``.
    """
    users = valued(told)
    here = members.join(users, on="user_id")
    figures = here.group_by("segment", maintain_order=True).agg(
        users=pl.len(),
        share=pl.len() / max(users.height, 1),
        expected_inactive=pl.col("p_inactive").sum(),
        expected_value=summed("expected_value"),
        p_inactive=pl.col("p_inactive").mean(),
        expected_active_days=pl.col("expected_active_days").mean(),
    )
    liked = here.select("segment", "user_id", "expected_active_days").join(interests, on="user_id")
    liked = liked.filter(pl.col("category") != OTHER)
    ahead = pl.col("share_expected") * pl.col("expected_active_days")
    return (
        figures.join(top(liked, pl.col("share_now"), "interests_now"), on="segment", how="left", maintain_order="left")
        .join(top(liked, ahead, "interests_ahead"), on="segment", how="left", maintain_order="left")
        .select(pl.col(name).cast(dtype) for name, dtype in SEGMENTS.items())
    )


def valued(told: pl.DataFrame) -> pl.DataFrame:
    """Return an outlook with ``expected_value``, null if it has none."""
    if "expected_value" in told.columns:
        return told
    return told.with_columns(expected_value=pl.lit(None, pl.Float64))


def summed(name: str) -> pl.Expr:
    """Return the sum of a column; null if all of it is."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())


def top(liked: pl.DataFrame, weight: pl.Expr, name: str) -> pl.DataFrame:
    """Return the ``TOP`` categories of each segment by the sum of a weight."""
    return (
        liked.group_by("segment", "category")
        .agg(weight=weight.sum())
        .sort("weight", "category", descending=[True, False])
        .group_by("segment", maintain_order=True)
        .agg(pl.col("category").head(TOP).alias(name))
    )


def worth_acting_on(
    told: pl.DataFrame, interests: pl.DataFrame, at_most: int | None = None, hopeless: float = HOPELESS
) -> pl.DataFrame:
    """Return the users with the most at stake, ``WORTH``, the most first.

    Parameters
    ----------
    told
        ``schema.OUTLOOK`` with, where there is one, ``expected_value``; users who are not known are left out.
    interests
        ``foretide.users.interests.INTERESTS``.
    at_most
        How many; all with something at stake if None.
    hopeless
        Users with a higher chance of no activity are left out.

    Raises
    ------
    UsageError
        If ``hopeless`` is no chance below 1, or ``at_most`` is negative.
    """
    if not 0 < hopeless < 1:
        raise UsageError(f"the chance above which a user is hopeless is {hopeless:g}; give one between 0 and 1")
    if at_most is not None and at_most < 0:
        raise UsageError(f"{at_most} users cannot be told; give 0 or more")
    users = valued(told)
    unit = "value" if users["expected_value"].count() else "active_days"
    expected = pl.col("expected_value" if unit == "value" else "expected_active_days")
    favourite = interests.filter(pl.col("category") != OTHER).sort(
        "share_expected", "category", descending=[True, False]
    )
    favourite = favourite.group_by("user_id", maintain_order=True).agg(interest=pl.col("category").first())
    staked = (
        users.filter(pl.col("known"), pl.col("p_inactive") <= hopeless)
        .with_columns(if_active=expected / (1 - pl.col("p_inactive")), unit=pl.lit(unit))
        .with_columns(at_stake=pl.col("p_inactive") * pl.col("if_active"))
        .filter(pl.col("at_stake") > 0)
        .sort("at_stake", "user_id", descending=[True, False])
        .head(users.height if at_most is None else at_most)
        .join(favourite, on="user_id", how="left", maintain_order="left")
        .with_row_index("rank", offset=1)
    )
    return staked.select(pl.col(name).cast(dtype) for name, dtype in WORTH.items())
