"""Every table of foretide: its columns, their types and what they mean.

Times are UTC in microseconds; a moment called ``as_of`` is exclusive (only ``ts < as_of`` counts).
A calendar day ``ds`` is a day in the workspace's time zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

TS = pl.Datetime("us", "UTC")

#: One behaviour event. A table of events may carry further text columns: its *properties*.
EVENTS = pl.Schema(
    {
        "event_id": pl.String(),  # the source's own, or derived from the row's content
        "user_id": pl.String(),
        "item_id": pl.String(),  # a thing acted on; the question of a survey
        "event_type": pl.String(),  # view, purchase, rating, survey, feedback ...
        "ts": TS,
        "tz_offset_min": pl.Int16(),  # offset of the user's clock from UTC where the source has one
        "value": pl.Float64(),  # amount, rating, answer, watch time; never NaN or infinite
        "session_id": pl.String(),
        "category": pl.String(),  # interest category; filled from the item table where it is null
    }
)

#: Reference tables beside the events, and series that were aggregated elsewhere.
ITEMS = pl.Schema({"item_id": pl.String(), "category": pl.String()})
USERS = pl.Schema({"user_id": pl.String()})
SERIES = pl.Schema({"unique_id": pl.String(), "ds": pl.Date(), "y": pl.Float64()})

#: Rows that could not be stored, each with the reason (also in words: ``reason.<code>`` of the catalogue).
QUARANTINE = pl.Schema(
    {
        "source": pl.String(),  # file name as given
        "line": pl.Int64(),  # line or row number, from 1; null where it is not known
        "reason": pl.String(),  # a short code: bad_ts, no_user, ...
        "raw": pl.String(),  # the row as it came
        "imported_at": TS,
    }
)

#: Lifecycle stages in the order in which they are drawn and tabulated.
STAGES = ("new", "growing", "active", "resurrected", "at_risk", "churned")

#: Lifecycle mix and flows, one row a day. ``active`` counts users who are not churned at the day's end;
#: ``active[t] = active[t-1] + new + resurrected - lost``.
ACCOUNTING = pl.Schema(
    {
        "ds": pl.Date(),
        "active": pl.Int64(),
        "new": pl.Int64(),
        "resurrected": pl.Int64(),
        "lost": pl.Int64(),
    }
)
STAGE_COUNTS = pl.Schema({"ds": pl.Date(), "stage": pl.String(), "users": pl.Int64()})

#: Cohorts by the week (its Monday) of a user's first event; ``age`` in weeks, 0 is the first week.
RETENTION = pl.Schema({"cohort": pl.Date(), "age": pl.Int32(), "users": pl.Int64(), "retained": pl.Int64()})

#: Events by local weekday (1 Monday .. 7 Sunday) and hour (0 .. 23).
HABITS = pl.Schema({"weekday": pl.Int8(), "hour": pl.Int8(), "events": pl.Int64()})

#: One finding of the data quality check.
FINDINGS = pl.Schema({"check": pl.String(), "count": pl.Int64(), "example": pl.String(), "severity": pl.String()})

OUTLOOK = pl.Schema(
    {
        "user_id": pl.String(),
        "known": pl.Boolean(),  # whether there is any activity of the user; else told as a new user
        "as_of": TS,
        "horizon_days": pl.Int32(),
        "stage": pl.String(),
        "p_inactive": pl.Float64(),  # chance of no event in the horizon
        "expected_active_days": pl.Float64(),
    }
)
RECOMMENDATIONS = pl.Schema({"user_id": pl.String(), "item_id": pl.String(), "score": pl.Float64(), "rank": pl.Int32()})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Series side by side on one grid of even steps, a day each unless said otherwise.

    Parameters
    ----------
    ids
        Names of the series, ``n_series``.
    dates
        ``(n_steps,)``, evenly spaced: ``datetime64[D]`` for days and weeks, ``[M]`` for months, ``[us]`` below a day.
    y
        ``(n_series, n_steps)``. NaN before a series' first step (it did not exist yet); zero means
        that nothing happened.
    """

    ids: Sequence[str]
    dates: NDArray[np.datetime64]
    y: Floats

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return self.y.shape[1]

    @property
    def step(self) -> np.timedelta64:
        """Time from one step to the next; one unit of ``dates`` if there is a single one."""
        return self.dates[1] - self.dates[0] if self.n_steps > 1 else np.diff(self.dates[0] + np.arange(2))[0]

    def until(self, n_steps: int) -> Panel:
        """Return the first ``n_steps`` steps: what was known then."""
        return Panel(self.ids, self.dates[:n_steps], self.y[:, :n_steps])

    def to_frame(self) -> pl.DataFrame:
        """Return the long table ``unique_id, ds, y`` without the days before a series began."""
        n_series, n_steps = self.y.shape
        frame = pl.DataFrame(
            {
                "unique_id": np.repeat(np.asarray(self.ids, dtype=object), n_steps),
                "ds": np.tile(in_days_or_us(self.dates), n_series),
                "y": self.y.ravel(),
            },
            schema_overrides={"unique_id": pl.String},
        )
        return frame.filter(pl.col("y").is_not_nan())


def in_days_or_us(dates: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return dates of months as days, those below a day in microseconds."""
    return dates.astype(
        "datetime64[D]" if np.datetime_data(dates.dtype)[0] in {"D", "W", "M", "Y"} else "datetime64[us]"
    )


@dataclass(frozen=True)
class Forecast:
    """What is expected of each series on each of the next ``h`` steps.

    Mean and median are different outputs: sums are made of means, single guesses of medians.
    """

    ids: Sequence[str]
    dates: NDArray[np.datetime64]  # (h,)
    mean: Floats  # (n_series, h)
    median: Floats  # (n_series, h)
    intervals: Mapping[int, tuple[Floats, Floats]] = field(default_factory=dict)  # level -> (lo, hi)

    def to_frame(self) -> pl.DataFrame:
        """Return the long table ``unique_id, ds, mean, median, lo-80, hi-80, ...``."""
        n_series, h = self.mean.shape
        columns: dict[str, Any] = {
            "unique_id": np.repeat(np.asarray(self.ids, dtype=object), h),
            "ds": np.tile(in_days_or_us(self.dates), n_series),
            "mean": self.mean.ravel(),
            "median": self.median.ravel(),
        }
        for level, (lo, hi) in sorted(self.intervals.items()):
            columns |= {f"lo-{level}": lo.ravel(), f"hi-{level}": hi.ravel()}
        return pl.DataFrame(columns, schema_overrides={"unique_id": pl.String()})
