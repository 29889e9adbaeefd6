"""The events that live states take in, and those that they ask of a store."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretide.errors import UsageError
from foretide.events.intake import FIRST_TS
from foretide.events.lookup import events_of
from foretide.events.records import Buckets, FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import TS

FIRST_US = int(FIRST_TS.timestamp() * 1e6)
READ = ("user_id", "ts", "event_type", "value", "tz_offset_min", "category", "item_id")


def checked(events: pl.DataFrame, rule: LifecycleRule) -> pl.DataFrame:
    """Return events with times in microseconds.

    Raises
    ------
    UsageError
        If a column is missing, or an event is from before 1980.
    """
    for name in ("user_id", "ts", *rule.columns):
        if name not in events.columns:
            raise UsageError(f"the events have no column {name!r}; give user_id, ts and what the rule reads")
    events = events.with_columns(pl.col("ts").cast(TS))
    if n := events.filter(pl.col("ts") < FIRST_TS).height:
        raise UsageError(f"{n:,} events are before 1980; give moments, not numbers of seconds or milliseconds")
    return events


def histories(buckets: Buckets, users: Sequence[str]) -> FrameBuckets:
    """Read all events of some users."""
    return FrameBuckets(events_of(buckets, users, READ), buckets.timezone)
