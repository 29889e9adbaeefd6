"""When users come: events by weekday and hour of their own clock."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from foretide.events.records import Buckets
from foretide.schema import HABITS


def local_time(timezone: str) -> pl.Expr:
    """Return the user's clock: by the event's own offset where it has one, else in ``timezone``."""
    own = pl.col("ts").dt.replace_time_zone(None) + pl.duration(minutes=pl.col("tz_offset_min"))
    return pl.coalesce(own, pl.col("ts").dt.convert_time_zone(timezone).dt.replace_time_zone(None))


def habits(buckets: Buckets, as_of: datetime) -> pl.DataFrame:
    """Return the number of events before ``as_of`` by local weekday and hour, ``schema.HABITS``: all 168 cells."""
    clock = local_time(buckets.timezone)
    parts = [
        buckets.bucket(i, ["ts", "tz_offset_min"], as_of)
        .group_by(weekday=clock.dt.weekday(), hour=clock.dt.hour())
        .agg(events=pl.len().cast(pl.Int64))
        for i in buckets.ids
    ]
    quiet = pl.DataFrame(
        {"weekday": np.repeat(np.arange(1, 8), 24), "hour": np.tile(np.arange(24), 7), "events": 0},
        schema=HABITS,
    )
    cells = pl.concat([quiet, *parts]).group_by("weekday", "hour").agg(pl.col("events").sum())
    return cells.sort("weekday", "hour")
