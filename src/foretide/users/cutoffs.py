"""When to look back from: cut-offs, their horizons, and what a log is long enough to teach.

A cut-off ``c`` is a moment at which one pretends to know nothing later. The *horizon* of ``h`` days begins
one day after it, so that yesterday's visit that is still going on does not count as coming back:
``[c + 1 d, c + 1 d + h)``. Days are local calendar days, so the horizon of a local midnight begins and ends
at midnight even where the clocks change in between.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from foretide.errors import UsageError

#: Days between a cut-off and the beginning of its horizon.
LEAD_DAYS = 1
#: Days of history before the first training cut-off; shorter logs give up at most a quarter of theirs.
WARM_UP_DAYS = 28
#: Training cut-offs are whole weeks apart, at most this many.
MAX_CUTOFFS = 10
#: Where the clocks change a number of local days may be this much longer.
CLOCK_CHANGE = timedelta(hours=1)

#: A cut-off and the length of its horizon in days.
Pair = tuple[datetime, int]


def shifted(moment: datetime, days: int, timezone: str) -> datetime:
    """Return the moment ``days`` local calendar days later at the same local time, in UTC.

    A time that the clocks skip, or show twice, is taken at its earliest: the horizon of a cut-off that was found by
    going back from a moment then never ends after that moment.

    Raises
    ------
    UsageError
        If no calendar has that day: a horizon of many thousand years.
    """
    try:
        there = moment.astimezone(ZoneInfo(timezone)) + timedelta(days=days)
        return min(there.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        raise UsageError(
            f"{moment:%Y-%m-%d} and {days:+,} days is in no calendar; give a shorter horizon, or another time"
        ) from None


def days_between(first: datetime, last: datetime, timezone: str) -> int:
    """Return the whole local days from one moment to another, by the clock on the wall."""
    zone = ZoneInfo(timezone)
    return (last.astimezone(zone).replace(tzinfo=None) - first.astimezone(zone).replace(tzinfo=None)).days


def horizon(cutoff: datetime, horizon_days: int, timezone: str) -> tuple[datetime, datetime]:
    """Return begin and (exclusive) end of the horizon of a cut-off."""
    return shifted(cutoff, LEAD_DAYS, timezone), shifted(cutoff, LEAD_DAYS + horizon_days, timezone)


def warm_up_days(history_days: int) -> int:
    """Return how many of the first days of a log are for features only."""
    return min(WARM_UP_DAYS, max(1, history_days // 4))


def room_days(history_days: int) -> int:
    """Return the longest horizon that fits between the warm-up and the end of a log; 0 if none does."""
    return max(0, history_days - warm_up_days(history_days) - LEAD_DAYS)


def trainable_horizon(history_days: int, horizon_days: int) -> int:
    """Return the horizon to train for, in days.

    It is the one asked for where the log has room for it after the warm-up; else half the room, because
    several cut-offs at a shorter horizon teach more than one at the longest. 0 if there is no room at all.
    """
    room = room_days(history_days)
    return horizon_days if horizon_days <= room else (room + 1) // 2


def training_cutoffs(
    first: datetime,
    as_of: datetime,
    horizon_days: int,
    timezone: str = "UTC",
    at_most: int = MAX_CUTOFFS,
) -> list[datetime]:
    """Return cut-offs whose whole horizon lies between the warm-up and ``as_of``, earliest first.

    The last one is as late as possible; the others lie whole weeks before it, evenly spread over the log.

    Parameters
    ----------
    first
        Time of the first event.
    as_of
        End of what is known (exclusive).
    horizon_days
        Length of the horizon.
    timezone
        Zone whose calendar days are counted.
    at_most
        Largest number of cut-offs.
    """
    history_days = days_between(first, as_of, timezone)
    latest = LEAD_DAYS + horizon_days  # days before as_of
    span = history_days - warm_up_days(history_days) - latest
    if span < 0:
        return []
    step = 7 * ceil((span // 7 + 1) / at_most)
    return [shifted(as_of, -back, timezone) for back in range(latest, latest + span + 1, step)][::-1]
