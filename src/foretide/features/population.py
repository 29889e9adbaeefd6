"""The whole population: stages by day, the account of growth, the retention of cohorts.

Everything is computed bucket by bucket and added up; a user is in one bucket only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import NotEnoughDataError
from foretide.events.records import Buckets
from foretide.features.fold import UserEvents, run, user_events
from foretide.features.lifecycle import ABSENT, CHURNED, LifecycleRule
from foretide.features.now import midnight
from foretide.features.series import last_day
from foretide.schema import ACCOUNTING, RETENTION, STAGE_COUNTS, STAGES


def stage_counts(buckets: Buckets, as_of: datetime, rule: LifecycleRule | None = None) -> pl.DataFrame:
    """Return how many users are in each stage at the end of each whole local day, ``schema.STAGE_COUNTS``."""
    rule = rule or LifecycleRule()
    days = whole_days(buckets, as_of)
    counts = np.zeros((len(STAGES), len(days)), dtype=np.int64)
    for codes in _daily_stages(buckets, days, rule):
        counts += [(codes == stage).sum(axis=0) for stage in range(len(STAGES))]
    return pl.DataFrame(
        {
            "ds": np.repeat(np.array(days, dtype="datetime64[D]"), len(STAGES)),
            "stage": STAGES * len(days),
            "users": counts.T.ravel(),
        },
        schema=STAGE_COUNTS,
    )


def accounting(buckets: Buckets, as_of: datetime, rule: LifecycleRule | None = None) -> pl.DataFrame:
    """Return the daily account of active users, ``schema.ACCOUNTING``.

    Active are those who are not churned at the end of the day;
    ``active[t] = active[t-1] + new + resurrected - lost``.
    """
    rule = rule or LifecycleRule()
    days = whole_days(buckets, as_of)
    account = np.zeros((4, len(days)), dtype=np.int64)
    for codes in _daily_stages(buckets, days, rule):
        account += flows(codes)
    return pl.DataFrame([days, *account], schema=ACCOUNTING)


def flows(codes: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return active, new, resurrected and lost users of each day, ``(4, n_days)``.

    Parameters
    ----------
    codes
        Stages at the end of consecutive days, ``(n_users, n_days)``.
    """
    before = np.pad(codes[:, :-1], ((0, 0), (1, 0)), constant_values=ABSENT)
    alive, was_alive = _alive(codes), _alive(before)
    new = alive & (before == ABSENT)
    resurrected = alive & (before == CHURNED)
    lost = was_alive & ~alive
    return np.array([part.sum(axis=0) for part in (alive, new, resurrected, lost)])


def _alive(codes: NDArray[np.int8]) -> NDArray[np.bool_]:
    return (codes != ABSENT) & (codes != CHURNED)


def _daily_stages(buckets: Buckets, days: Sequence[date], rule: LifecycleRule):  # type: ignore[no-untyped-def]
    """Return the stages at the end of each day, ``(n_users, n_days)``, bucket by bucket."""
    ends = [midnight(day + timedelta(days=1), buckets.timezone) for day in days]
    for events in user_events(buckets, ends[-1], rule):
        yield run(events, ends, buckets.timezone, rule, n_features=0)[0]


def whole_days(buckets: Buckets, as_of: datetime) -> list[date]:
    """Return every whole local day from the first event to ``as_of``."""
    local = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    firsts = [buckets.bucket(i, ["ts"], as_of).select(local.min()).item() for i in buckets.ids]
    first, last = min((day for day in firsts if day), default=None), last_day(as_of, buckets.timezone)
    if first is None or first > last:
        raise NotEnoughDataError(f"there is no whole day with events before {as_of:%Y-%m-%d %H:%M} UTC")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def retention(buckets: Buckets, as_of: datetime, rule: LifecycleRule | None = None) -> pl.DataFrame:
    """Return how many users of each weekly cohort are active in each later week, ``schema.RETENTION``.

    A cohort are the users whose first event lies in the week that begins on its Monday; only whole weeks
    before ``as_of`` are counted.
    """
    end = last_day(as_of, buckets.timezone) + timedelta(days=1)
    monday = end - timedelta(days=end.weekday())
    parts = [pl.DataFrame(schema={"cohort": pl.Date, "age": pl.Int32, "retained": pl.UInt32})]
    for events in user_events(buckets, midnight(monday, buckets.timezone), rule or LifecycleRule()):
        parts.append(_cohort_weeks(events))  # noqa: PERF401 - a bucket at a time
    table = pl.concat(parts).group_by("cohort", "age").agg(pl.col("retained").sum().cast(pl.Int64))
    size = table.filter(pl.col("age") == 0).select("cohort", users="retained")
    return _with_quiet_weeks(table.join(size, on="cohort"), monday)


def _cohort_weeks(events: UserEvents) -> pl.DataFrame:
    user = np.repeat(np.arange(len(events.users)), np.diff(events.starts))
    week = pl.Series(events.day).cast(pl.Date).dt.truncate("1w")
    weeks = pl.DataFrame({"user": user, "week": week}).unique()
    weeks = weeks.with_columns(cohort=pl.col("week").min().over("user"))
    age = ((pl.col("week") - pl.col("cohort")).dt.total_days() // 7).cast(pl.Int32)
    return weeks.group_by("cohort", age.alias("age")).agg(retained=pl.len())


def _with_quiet_weeks(table: pl.DataFrame, monday: date) -> pl.DataFrame:
    """Add the weeks in which nobody of a cohort was active."""
    cohorts = table.select("cohort", "users").unique()
    oldest = (pl.lit(monday) - pl.col("cohort")).dt.total_days() // 7
    grid = cohorts.with_columns(age=pl.int_ranges(0, oldest, dtype=pl.Int32)).explode("age")
    full = grid.join(table.drop("users"), on=["cohort", "age"], how="left")
    return full.with_columns(pl.col("retained").fill_null(0)).select(RETENTION.names()).sort("cohort", "age")
