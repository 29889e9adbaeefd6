"""The moment at which a log ends: what "now" means when nobody names an ``as_of``."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets

LOOK_BACK_DAYS = 28
#: Of a bucket: the local time of the last event of each day.
CLOSING = pl.Schema({"day": pl.Date(), "closing": pl.Time()})


def midnight(day: date, timezone: str) -> datetime:
    """Return the beginning of a local day as a moment in UTC."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(ZoneInfo("UTC"))


def default_as_of(buckets: Buckets, last: datetime, engine: Engine | None = None) -> datetime:
    """Return the end of the last whole day of a log.

    The day of the last event counts as whole if its last event comes no earlier in the day than the
    earliest last event of the ``LOOK_BACK_DAYS`` days before: a log that was cut off at three in the
    afternoon ends with the day before, a log whose events carry dates only ends with its last day.

    Parameters
    ----------
    buckets
        The events.
    last
        Time of the last event.
    engine
        Where buckets are read; threads if None.

    Returns
    -------
    datetime
        A local midnight, in UTC; exclusive.
    """
    zone = ZoneInfo(buckets.timezone)
    last_day = last.astimezone(zone).date()
    begin = midnight(last_day - timedelta(days=LOOK_BACK_DAYS), buckets.timezone)
    parts = concat_buckets(partial(closing_part, begin=begin), buckets, CLOSING, engine)
    closing = parts.group_by("day").agg(pl.col("closing").max())
    before = closing.filter(pl.col("day") < last_day)["closing"].min()
    here = closing.filter(pl.col("day") == last_day)["closing"].max()
    whole = before is None or here >= before  # type: ignore[operator]
    return midnight(last_day + timedelta(days=1) if whole else last_day, buckets.timezone)


def closing_part(buckets: Buckets, i: int, begin: datetime) -> pl.DataFrame:
    """Return ``CLOSING`` of a bucket's events from ``begin`` on."""
    local = pl.col("ts").dt.convert_time_zone(buckets.timezone)
    recent = buckets.bucket(i, ["ts"]).filter(pl.col("ts") >= begin)
    return recent.group_by(day=local.dt.date()).agg(closing=local.dt.time().max())
