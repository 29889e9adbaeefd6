"""Who comes back, and how often: retention of cohorts, and how many of a month's users a day has.

A day is a local day, and active is who has a critical event. Users are in one bucket only, so what is counted in
the buckets adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal, get_args

import polars as pl

from foretide.errors import UsageError
from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.now import midnight
from foretide.features.rule import LifecycleRule
from foretide.features.series import WEEK, last_day
from foretide.schema import RETENTION

Kind = Literal["week", "n-day", "unbounded", "bracket"]
#: First and last day of an age, counted from a user's first day, which is day 0; None for no end.
Span = tuple[int, int | None]

#: Ages in days at which a cohort is looked at, and the usual brackets.
AGES_DAYS = (*range(8), 14, 21, 28, 56, 84, 168, 364)
BRACKETS_DAYS = ((1, 7), (8, 14), (15, 28))
#: The month in which users are counted once, for stickiness.
MONTH_DAYS = 28

#: Of a bucket: how many users of a cohort came back at an age.
RETAINED = pl.Schema({"cohort": pl.Date(), "age": pl.Int32(), "retained": pl.Int64()})
#: Of a bucket: users of each day, and how many more there are than on the day before in the week and month up to it.
ACTIVE = pl.Schema({"ds": pl.Date(), "dau": pl.Int64(), "week": pl.Int64(), "month": pl.Int64()})
#: Distinct users of the day, of 7 and of 28 days up to it, and ``stickiness`` = ``dau / mau``.
STICKINESS = pl.Schema(
    {"ds": pl.Date(), "dau": pl.Int64(), "wau": pl.Int64(), "mau": pl.Int64(), "stickiness": pl.Float64()}
)


def retention(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule | None = None,
    kind: Kind = "week",
    *,
    ages: Sequence[int] = AGES_DAYS,
    brackets: Sequence[tuple[int, int]] = BRACKETS_DAYS,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return how many users of each weekly cohort are active at each later age.

    A cohort are the users whose first event lies in the week that begins on its Monday. It counts at an age only
    if that age was over before ``as_of`` for every user who may be in it.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Exclusive; the day that contains it is left out.
    rule
        Says which events are critical; all if None.
    kind
        ``week``: in the calendar week ``age`` weeks after the cohort's. The others count days from each user's own
        first day, 0: ``n-day``: on exactly day ``age``; ``unbounded``: on it or on any later day before ``as_of``,
        which may still rise; ``bracket``: on any day of the bracket that begins with ``age``.
    ages
        Ascending, in days: those of ``n-day`` and ``unbounded``.
    brackets
        First and last day of each, ascending: those of ``bracket``.
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    pl.DataFrame
        ``schema.RETENTION``; ``age`` in weeks for ``week``, else in days.

    Raises
    ------
    UsageError
        If there is no such kind, or ages are negative, end before they begin or are given twice.
    """
    end = last_day(as_of, buckets.timezone) + timedelta(days=1)
    if kind == "week":
        end -= timedelta(days=end.weekday())
    spans = spans_of(kind, ages, brackets)
    until = midnight(end, buckets.timezone)
    job = partial(retention_part, until=until, rule=rule or LifecycleRule(), weekly=kind == "week", spans=spans)
    parts = concat_buckets(job, buckets, RETAINED, engine)
    table = parts.group_by("cohort", "age").agg(pl.col("retained").sum())
    sizes = table.filter(age=0).select("cohort", users="retained")
    known = _known_weeks(sizes, end) if kind == "week" else _known_days(sizes, end, spans)
    full = known.join(table, on=["cohort", "age"], how="left").with_columns(pl.col("retained").fill_null(0))
    return full.select(RETENTION.names()).sort("cohort", "age")


def spans_of(kind: Kind, ages: Sequence[int], brackets: Sequence[tuple[int, int]]) -> list[Span]:
    """Return the ages in days that are asked for; none for ``week``, whose ages are all weeks."""
    if kind not in get_args(Kind):
        raise UsageError(f"there is no retention {kind!r}; the kinds are {', '.join(get_args(Kind))}")
    if kind == "week":
        return []
    spans: list[Span] = list(brackets) if kind == "bracket" else [(n, n if kind == "n-day" else None) for n in ages]
    if any(first < 0 or (last is not None and last < first) for first, last in spans):
        raise UsageError(f"ages of a cohort are days from 0 that do not end before they begin, not {spans}")
    if len({first for first, _ in spans}) < len(spans):
        raise UsageError("two ages of a cohort begin with the same day; leave one of them out")
    return spans


def retention_part(
    buckets: Buckets, i: int, until: datetime, rule: LifecycleRule, weekly: bool, spans: Sequence[Span]
) -> pl.DataFrame:
    """Return ``RETAINED`` of a bucket, without the rows of none; age 0 is the size of the cohort."""
    days = active_days(buckets, i, until, rule).with_columns(first=pl.col("ds").min().over("user_id"))
    days = days.with_columns(cohort=pl.col("first").dt.truncate("1w"))
    since = pl.col("ds").dt.truncate("1w") - pl.col("cohort") if weekly else pl.col("ds") - pl.col("first")
    aged = days.select("user_id", "cohort", age=since.dt.total_days() // (WEEK if weekly else 1))
    if not weekly:
        asked = {0: 0} | dict(spans)
        aged = pl.concat([aged.clear(), *(_within(aged, first, last) for first, last in asked.items())])
    return aged.unique().group_by("cohort", "age").agg(retained=pl.len()).cast(RETAINED)


def _within(aged: pl.DataFrame, first: int, last: int | None) -> pl.DataFrame:
    """Return who was active in a span, with its first day for the age."""
    late = pl.lit(True) if last is None else pl.col("age") <= last
    return aged.filter(pl.col("age") >= first, late).with_columns(age=pl.lit(first, pl.Int64))


def active_days(buckets: Buckets, i: int, until: datetime, rule: LifecycleRule) -> pl.DataFrame:
    """Return ``user_id, ds`` of a bucket: the local days on which users had a critical event, in order."""
    rows = buckets.bucket(i, ["user_id", "ts", *rule.columns], until).filter(rule.critical)
    local = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    return rows.select("user_id", ds=local).unique().sort("user_id", "ds")


def _known_weeks(sizes: pl.DataFrame, monday: date) -> pl.DataFrame:
    """Return ``cohort, users, age`` of all weeks before a Monday."""
    oldest = (pl.lit(monday) - pl.col("cohort")).dt.total_days() // WEEK
    return sizes.with_columns(age=pl.int_ranges(0, oldest, dtype=pl.Int32)).explode("age")


def _known_days(sizes: pl.DataFrame, end: date, spans: Sequence[Span]) -> pl.DataFrame:
    """Return ``cohort, users, age`` of the ages that are over before a day for those who came on a Sunday."""
    lasts = [first if last is None else last for first, last in spans]
    ages = pl.DataFrame([[first for first, _ in spans], lasts], schema={"age": pl.Int32, "over": pl.Int32})
    over = pl.col("cohort") + pl.duration(days=pl.col("over") + WEEK - 1)
    return sizes.join(ages, how="cross").filter(over < end).drop("over")


def stickiness(
    buckets: Buckets, as_of: datetime, rule: LifecycleRule | None = None, engine: Engine | None = None
) -> pl.DataFrame:
    """Return how many users there are on each day, and in the week and the 28 days up to it, ``STICKINESS``.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Exclusive; the day that contains it is left out.
    rule
        Says which events are critical; all if None.
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    pl.DataFrame
        A row for each whole day from the first event on; ``wau`` and ``mau`` (and with it ``stickiness``) are null
        until the log has as many days, ``stickiness`` also if nobody came for a month.
    """
    end = last_day(as_of, buckets.timezone) + timedelta(days=1)
    job = partial(stickiness_part, until=midnight(end, buckets.timezone), rule=rule or LifecycleRule())
    parts = concat_buckets(job, buckets, ACTIVE, engine)
    days = parts.group_by("ds").agg(pl.all().sum())
    first = days["ds"].min()
    if not isinstance(first, date):
        return STICKINESS.to_frame()
    grid = pl.DataFrame({"ds": pl.date_range(first, end - timedelta(days=1), eager=True)})
    full = grid.join(days, on="ds", how="left").sort("ds").fill_null(0)
    number = pl.int_range(1, pl.len() + 1)
    return full.select(
        "ds",
        "dau",
        wau=pl.when(number >= WEEK).then(pl.col("week").cum_sum()),
        mau=pl.when(number >= MONTH_DAYS).then(pl.col("month").cum_sum()),
    ).with_columns(stickiness=pl.when(pl.col("mau") > 0).then(pl.col("dau") / pl.col("mau")))


def stickiness_part(buckets: Buckets, i: int, until: datetime, rule: LifecycleRule) -> pl.DataFrame:
    """Return ``ACTIVE`` of a bucket: a user joins a window with an active day and leaves when the window has passed.

    Who comes again before that stays: the leaving is put off, so that nobody is counted twice.
    """
    days = active_days(buckets, i, until, rule)
    gap = (pl.col("ds").shift(-1).over("user_id") - pl.col("ds")).dt.total_days()
    days = days.with_columns(gap=gap.fill_null(MONTH_DAYS))
    steps = [days.select("ds", dau=1, week=1, month=1)]
    for name, length in (("week", WEEK), ("month", MONTH_DAYS)):
        left = pl.col("ds") + pl.duration(days=pl.min_horizontal("gap", pl.lit(length)))
        change = {column: pl.lit(-1 if column == name else 0) for column in ("dau", "week", "month")}
        steps.append(days.select(ds=left, **change))
    return pl.concat(steps).group_by("ds").agg(pl.all().sum()).cast(ACTIVE)
