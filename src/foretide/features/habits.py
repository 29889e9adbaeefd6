"""When users come: events by weekday and hour of their own clock."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from foretide.events.records import Buckets
from foretide.schema import HABITS


def local_time(timezone: str) -> pl.Expr:
    """Return the user's clock: by the event's own offset where it has one, else in ``timezone``."""
    own = pl.col("ts").dt.replace_time_zone(None) + pl.duration(minutes=pl.col("tz_offset_min"))
    return pl.coalesce(own, pl.col("ts").dt.convert_time_zone(timezone).dt.replace_time_zone(None))


def habits(buckets: Buckets, as_of: datetime) -> pl.DataFrame:
    """Return the number of events by local weekday and hour, ``schema.HABITS``: all 168 cells."""
    clock = local_time(buckets.timezone)
    cells = pl.DataFrame({"weekday": range(1, 8)}).join(pl.DataFrame({"hour": range(24)}), how="cross")
    parts = [
        buckets.bucket(i, ["ts", "tz_offset_min"], as_of)
        .group_by(clock.dt.weekday().alias("weekday"), clock.dt.hour().alias("hour"))
        .agg(events=pl.len())
        for i in buckets.ids
    ]
    empty = pl.DataFrame(schema={"weekday": pl.Int8, "hour": pl.Int8, "events": pl.UInt32})
    counted = pl.concat([empty, *parts]).group_by("weekday", "hour").agg(pl.col("events").sum().cast(pl.Int64))
    whole = cells.cast({"weekday": pl.Int8, "hour": pl.Int8}).join(counted, on=["weekday", "hour"], how="left")
    return whole.with_columns(pl.col("events").fill_null(0)).select(HABITS.names()).sort("weekday", "hour")
