"""The events of a bucket as arrays for compiled code, sorted by user and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import UsageError
from foretide.events.records import Buckets
from foretide.features.clock import DAY_US, MINUTE_US, Clock, clock_of, days_at, hour_of_week, offset_at
from foretide.features.lifecycle import LifecycleRule
from foretide.features.state import EVENT, Events

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: No offset of its own.
NO_OFFSET = np.iinfo(np.int16).min
#: What each theme reads beside the time.
COLUMNS = {"activity": ["value"], "habits": ["tz_offset_min"], "interests": ["category"], "items": ["item_id"]}

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class UserEvents:
    """The events of a bucket."""

    users: pl.Series  # (n_users,)
    starts: Longs  # (n_users + 1,) where each user's events begin
    events: Events  # (n_events,) ``state.EVENT``
    categories: pl.Series  # names of the categories, by code
    items: pl.Series  # ids of the items, by code

    def of_users(self, begin: int, end: int) -> UserEvents:
        """Return the users from the one place to the other (exclusive), over the same events."""
        return replace(self, users=self.users[begin:end], starts=self.starts[begin : end + 1])

    @property
    def ts(self) -> Longs:
        """Moments in microseconds, ``(n_events,)``."""
        return np.ascontiguousarray(self.events["ts"])

    @property
    def day(self) -> Ints:
        """Local day numbers, ``(n_events,)``."""
        return np.ascontiguousarray(self.events["day"])

    @property
    def value(self) -> NDArray[np.float64]:
        """Values, NaN for none, ``(n_events,)``."""
        return np.ascontiguousarray(self.events["value"])


def bucket_events(
    buckets: Buckets,
    i: int,
    until: datetime,
    rule: LifecycleRule,
    themes: Sequence[str],
    *,
    others: bool = True,
    in_order: bool = False,
    users: Sequence[str] | None = None,
) -> UserEvents | None:
    """Read the events of a bucket before a moment; None if there is none.

    Parameters
    ----------
    buckets, i
        The bucket.
    until
        In UTC, exclusive.
    rule
        Says which events are critical.
    themes
        Of ``COLUMNS``; what no theme needs is not read and stays unknown.
    others
        Whether events that are not critical are wanted too.
    in_order
        Whether events of one moment must come in the order of their ids, however they are stored.
    users
        Ids; all if None.
    """
    of_themes = (name for theme in themes for name in COLUMNS[theme])
    ids = ["event_id"] if in_order else []
    rows = buckets.bucket(i, ["user_id", "ts", *ids, *of_themes, *rule.columns], until)
    if users is not None:
        rows = rows.filter(pl.col("user_id").is_in(users))
    rows = rows.with_columns(critical=rule.critical) if others else rows.filter(rule.critical)
    return as_arrays(rows, buckets.timezone) if rows.height else None


def as_arrays(rows: pl.DataFrame, timezone: str) -> UserEvents:
    """Return sorted events (``user_id, ts`` and what else there is of ``COLUMNS`` and ``critical``) as arrays."""
    of_user = rows["user_id"].rle().struct.unnest()
    starts = np.concatenate([np.zeros(1, np.int64), of_user["len"].cum_sum().to_numpy()])
    events = np.empty(rows.height, EVENT)
    events["ts"] = rows["ts"].cast(pl.Int64).to_numpy()
    events["value"] = rows["value"].fill_null(np.nan).to_numpy() if "value" in rows.columns else np.nan
    events["critical"] = rows["critical"].to_numpy() if "critical" in rows.columns else True
    events["category"], categories = codes_of(rows, "category")
    events["item"], items = codes_of(rows, "item_id")
    own = np.empty(0, np.int16)
    if "tz_offset_min" in rows.columns:
        own = rows["tz_offset_min"].cast(pl.Int16).fill_null(NO_OFFSET).to_numpy(writable=True)
    tell_time(events, own, clock_of(timezone))
    return UserEvents(of_user["value"].rename("user_id"), starts, events, categories, items)


def codes_of(rows: pl.DataFrame, column: str) -> tuple[Ints | int, pl.Series]:
    """Return a code for each text of a column, -1 for null, and the texts by code."""
    if column not in rows.columns:
        return -1, pl.Series(dtype=pl.String)
    names = rows[column].drop_nulls().unique().sort()
    codes = rows[column].cast(pl.Enum(names)).to_physical().cast(pl.Int32)
    return codes.fill_null(-1).to_numpy(), names


def item_order(items: Iterable[str]) -> NDArray[np.uint32]:
    """Return the number by which items of one moment are ordered, for each id: the same in every process."""
    return np.array([crc32(item.encode()) for item in items], dtype=np.uint32)


def tell_time(events: Events, own: NDArray[np.int16], clock: Clock) -> None:
    """Fill in the local day, by the zone, and the hour of the week, by the event's own offset where it has one.

    ``own`` are offsets in minutes, ``NO_OFFSET`` for none; empty if no hours are wanted.
    """
    _tell_time(events, own, clock.changes, clock.offsets)


@njit
def _tell_time(events: Events, own: NDArray[np.int16], changes: Longs, offsets: Longs) -> None:
    for i in range(events.size):
        ts = events[i].ts
        offset = offset_at(changes, offsets, ts)
        events[i].day = (ts + offset) // DAY_US
        events[i].hour = -1
        if own.size:
            events[i].hour = hour_of_week(ts + (offset if own[i] == NO_OFFSET else own[i] * MINUTE_US))


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC.

    Raises
    ------
    UsageError
        If it has no zone.
    """
    if not isinstance(moment, datetime):
        raise UsageError(f"{moment!r} is no moment; give a datetime with a time zone")
    if moment.tzinfo is None:
        raise UsageError(f"{moment} has no time zone; give it one, such as datetime(..., tzinfo=UTC)")
    return moment.astimezone(UTC)


def ticks(cutoffs: Sequence[datetime], timezone: str) -> tuple[Longs, Ints]:
    """Return cut-offs in microseconds, and for each the local day of the last microsecond before it."""
    at = np.array([(cutoff - EPOCH) // timedelta(microseconds=1) for cutoff in cutoffs], dtype=np.int64)
    return at, days_at(clock_of(timezone), at - 1)
