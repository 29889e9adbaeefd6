"""Who is in which segment: named by conditions over the outlook and the features, or found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.users.interests import expected_interests
from foretide.users.segments_found import found_segments
from foretide.users.segments_predicate import members

THEMES = ("activity", "habits", "interests")


def segment_members(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule,
    told: pl.DataFrame,
    conditions: Mapping[str, str],
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return who is in which segment: those that conditions name, or those that are found if there is none.

    Parameters
    ----------
    buckets, as_of, rule
        The events, what is known of them (exclusive, UTC), and which of them count.
    told
        ``Outlook.told`` of all users.
    conditions
        A condition over columns of the outlook and the features by the name of its segment.
    engine
        Where buckets are read; threads if None.

    Returns
    -------
    pl.DataFrame
        ``segments_predicate.MEMBERS``.

    Raises
    ------
    UsageError
        If a condition is not one.
    """
    table = feature_table(buckets, [as_of], rule, THEMES, engine=engine)
    if conditions:
        return members(told.join(table.drop("as_of", "stage"), on="user_id", how="left"), conditions)
    return found_segments(table.sort("user_id"), expected_interests(buckets, as_of, engine=engine))
