"""The daily rates by which a population is watched: who is there, comes, goes and comes back, how much, of what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets, FrameBuckets
from foretide.features.now import midnight
from foretide.features.population import accounting, days_from
from foretide.features.rule import LifecycleRule
from foretide.features.series import last_day, outage_steps

#: Interest shares that are watched.
TOP_CATEGORIES = 5
#: Who is new, lost or back is not known at the beginning of a log: these series begin after so many windows.
BURN_IN_WINDOWS = 8
FLOWS = ("new", "resurrected", "lost")
#: The prefix of the series of a category's share.
SHARE = "share: "

#: Of a bucket: counts by day; ``kind`` is a flow, ``users``, ``events`` (critical ones), ``any`` (all events) or
#: ``category`` (with its name).
TALLY = pl.Schema({"ds": pl.Date(), "kind": pl.String(), "category": pl.String(), "events": pl.Int64()})
#: ``y`` is a count if ``n`` is null, else a ratio to ``n`` (users or events); null where ``n`` is 0 and on
#: the days of an outage.
RATES = pl.Schema({"series": pl.String(), "ds": pl.Date(), "y": pl.Float64(), "n": pl.Int64()})


def daily_rates(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule | None = None,
    top: int = TOP_CATEGORIES,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return the rates of each whole day before ``as_of``, ``RATES``, series by series.

    These are ``daily_users`` (who had a critical event that day), the flows ``new``, ``resurrected`` and ``lost``
    of ``population.accounting``, ``events_per_daily_user``, and ``share: <category>`` for the ``top`` largest. On the
    days of ``series.outages`` none is known.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Exclusive.
    rule
        The lifecycle rule; the default one if None.
    top
        Number of categories.
    engine
        Where buckets are counted; threads if None.

    Raises
    ------
    NotEnoughDataError
        If there is no whole day with an event.
    """
    rule = rule or LifecycleRule()
    until = midnight(last_day(as_of, buckets.timezone) + timedelta(days=1), buckets.timezone)
    parts = concat_buckets(partial(rates_part, until=until, rule=rule), buckets, TALLY, engine)
    days = days_from(parts["ds"], as_of, buckets.timezone)
    counts = parts.group_by("ds", "kind", "category").agg(pl.col("events").sum())
    users, events = (_on_days(counts.filter(kind=kind), days) for kind in ("users", "events"))
    series = [_counted("daily_users", users)]
    burnt = days[BURN_IN_WINDOWS * rule.window_days :]
    series += [_counted(flow, _on_days(counts.filter(kind=flow), burnt)) for flow in FLOWS]
    series.append(_divided("events_per_daily_user", events, users))
    rates = pl.concat([*series, *_shares(counts.filter(kind="category"), days, top)])
    return unknown_on(rates, _outages(_on_days(counts.filter(kind="any"), days)))


def unknown_on(rates: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Return rates (``RATES``) of which nothing is known on some days."""
    return rates.with_columns(y=pl.when(~pl.col("ds").is_in(days.implode())).then("y"))


def _outages(counts: pl.DataFrame) -> pl.Series:
    """Return the days of outages up to the last event: what comes after it does not say what is usual."""
    known = counts[: int(np.flatnonzero(counts["events"])[-1]) + 1]
    return known.filter(outage_steps(known["events"].cast(pl.Float64).to_numpy()))["ds"]


def rates_part(buckets: Buckets, i: int, until: datetime, rule: LifecycleRule) -> pl.DataFrame:
    """Return ``TALLY`` of a bucket; flows, be they 0, from the day of its first event on."""
    rows = buckets.bucket(i, ["user_id", "ts", "event_type", "value", "category"], until)
    if rows.is_empty():
        return TALLY.to_frame()
    flows = accounting(FrameBuckets(rows, buckets.timezone), until, rule)
    local = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date().alias("ds")
    critical = rows.filter(rule.critical)
    tallies = [
        flows.unpivot(FLOWS, index="ds", variable_name="kind", value_name="events"),
        critical.group_by(local).agg(kind=pl.lit("users"), events=pl.col("user_id").n_unique()),
        critical.group_by(local).agg(kind=pl.lit("events"), events=pl.len()),
        rows.group_by(local).agg(kind=pl.lit("any"), events=pl.len()),
    ]
    named = rows.filter(pl.col("category").is_not_null())
    by_category = named.group_by(local, "category").agg(kind=pl.lit("category"), events=pl.len())
    tallies = [table.with_columns(category=pl.lit(None, pl.String())) for table in tallies]
    return pl.concat([table.select(TALLY.names()).cast(TALLY) for table in (*tallies, by_category)])


def _on_days(counts: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Return ``ds, events`` for each of the days, 0 without any."""
    grid = pl.DataFrame({"ds": days}, schema={"ds": pl.Date})
    table = grid.join(counts.group_by("ds").agg(pl.col("events").sum()), on="ds", how="left").sort("ds")
    return table.with_columns(pl.col("events").fill_null(0))


def _counted(name: str, counts: pl.DataFrame) -> pl.DataFrame:
    n = pl.lit(None, pl.Int64())
    return counts.select(series=pl.lit(name), ds="ds", y=pl.col("events").cast(pl.Float64), n=n)


def _divided(name: str, counts: pl.DataFrame, by: pl.DataFrame) -> pl.DataFrame:
    ratio = pl.when(pl.col("n") > 0).then(pl.col("events") / pl.col("n"))
    return counts.with_columns(n=by["events"]).select(series=pl.lit(name), ds="ds", y=ratio, n="n")


def _shares(counts: pl.DataFrame, days: Sequence[date], top: int) -> list[pl.DataFrame]:
    """Return a table for each of the ``top`` categories, largest first."""
    total = _on_days(counts, days)
    sizes = counts.group_by("category").agg(pl.col("events").sum())
    names = sizes.sort("events", "category", descending=[True, False])["category"].head(top)
    return [_divided(SHARE + name, _on_days(counts.filter(category=name), days), total) for name in names]
