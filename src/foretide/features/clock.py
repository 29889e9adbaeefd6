"""Local time in compiled code: which day a moment falls on in a time zone, and which hour of the week.

The offsets of a zone are looked up once and kept as arrays, so that the batch fold, Spark's workers and the
live states share one definition of a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import UsageError

Longs = NDArray[np.int64]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MINUTE_US = 60_000_000
#: Offsets are known for these years; before and after, the nearest holds (a store takes no event before 1980).
YEARS = (1970, 2100)
#: 1970-01-01 was a Thursday: this many days after a Monday.
EPOCH_WEEKDAY = 3


@dataclass(frozen=True)
class Clock:
    """The offsets of a zone."""

    changes: Longs  # (n,) moments in microseconds from which each offset holds; the first is the beginning of time
    offsets: Longs  # (n,) microseconds to add to UTC


@cache
def clock_of(timezone: str) -> Clock:
    """Return the clock of an IANA zone.

    Raises
    ------
    UsageError
        If there is no such zone.
    """
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"{timezone!r} is no time zone; give an IANA name such as Europe/Berlin or UTC") from error
    begin, end = (datetime(year, 1, 1) for year in YEARS)  # noqa: DTZ001 - the grid is in UTC
    days = pl.datetime_range(begin, end, "1d", time_unit="us", eager=True)
    turned = np.flatnonzero(np.diff(_offsets(days, timezone)))
    minutes = [pl.datetime_range(day, day + timedelta(days=1), "1m", eager=True) for day in days.gather(turned)]
    grid = pl.concat([days[:1], *minutes])
    offsets = _offsets(grid, timezone)
    first = np.flatnonzero(np.diff(offsets, prepend=np.iinfo(np.int64).min))
    changes = grid.cast(pl.Int64).to_numpy()[first]
    changes[0] = np.iinfo(np.int64).min
    return Clock(changes, offsets[first])


def _offsets(moments: pl.Series, timezone: str) -> Longs:
    local = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    total = local.dt.base_utc_offset() + local.dt.dst_offset()
    return total.dt.total_microseconds().to_numpy(writable=True)


def days_at(clock: Clock, ts: Longs) -> NDArray[np.int32]:
    """Return the local days (since 1970-01-01) of moments in microseconds; array in, array out."""
    offsets = clock.offsets[np.searchsorted(clock.changes, ts, side="right") - 1]
    return ((ts + offsets) // DAY_US).astype(np.int32)


@njit
def offset_at(changes: Longs, offsets: Longs, ts: int) -> int:
    """Return the offset of the zone at a moment, in microseconds."""
    if changes.size == 1:
        return offsets[0]
    return offsets[np.searchsorted(changes, ts, side="right") - 1]


@njit
def hour_of_week(local: int) -> int:
    """Return 0 (Monday, from midnight) to 167 for a local time in microseconds."""
    weekday = (local // DAY_US + EPOCH_WEEKDAY) % 7
    return weekday * 24 + (local % DAY_US) // HOUR_US
