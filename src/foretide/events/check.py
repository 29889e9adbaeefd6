"""What is odd about the data: findings, each with a count and an example.

Nothing is changed here. What foretide does about a finding stands in the catalogue, ``check.<code>.action``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from functools import partial

import polars as pl

from foretide.events.engine import Engine, LocalEngine, concat_buckets
from foretide.events.records import Buckets
from foretide.events.store import EventStore
from foretide.schema import FINDINGS

#: The same user, item and type again within this time, under another id, may be one event sent twice.
DOUBLE_S = 1
#: More events of a user in an hour or a day than this, and ``BOT_RATIO`` times the usual user's busiest day.
BOT_EVENTS_AN_HOUR = 600
BOT_EVENTS_A_DAY = 2_000
BOT_RATIO = 20
#: A day below this share of the median of its weekday is unusually quiet.
QUIET_SHARE = 0.2
#: Weekdays with fewer events than this in the median are not judged one by one: by chance some have none.
USUAL_EVENTS = 20
#: Days without events in a row are a long silence if the means of their weekdays add up to this many events.
SILENCE_EVENTS = 20
#: A value is out of all proportion if it is so many times the quantile of their sizes, of at least so many values.
OUTLIER_RATIO = 1_000
OUTLIER_QUANTILE = 0.999
LEAST_VALUES = 100
#: Times on the full day in more than this share of events are dates without a time.
MIDNIGHT_SHARE = 0.2

NOTICE, WARNING = "notice", "warning"

#: Of a bucket: how many rows are odd, and the first; users by their busiest day and hour; values; events by day.
ODD = pl.Schema({"count": pl.Int64(), "example": pl.String()})
BUSIEST = pl.Schema({"user_id": pl.String(), "a_day": pl.UInt32(), "an_hour": pl.UInt32()})
SIZES = pl.Schema({"n": pl.Int64(), "largest": pl.List(pl.Float64())})
DAYS = pl.Schema({"ds": pl.Date(), "n": pl.UInt32()})

Finding = tuple[str, int, str, str]  # check, count, example, severity


def check(store: EventStore, now: datetime | None = None, engine: Engine | None = None) -> pl.DataFrame:
    """Return the findings about a store, ``schema.FINDINGS``: warnings first, then by count.

    Parameters
    ----------
    store
        The events.
    now
        Events after this moment are reported as events of the future.
    engine
        Where buckets are read; threads if None.
    """
    now, engine = now or datetime.now(UTC), engine or LocalEngine()
    found = [finding for look in BUCKET_CHECKS for finding in look(store, now, engine)]
    found += by_day(store, engine)
    found += quarantined(store)
    table = pl.DataFrame(found, schema=FINDINGS, orient="row").filter(pl.col("count") > 0)
    return table.sort(pl.col("severity") == NOTICE, pl.col("count"), descending=[False, True])


def totals(
    store: EventStore, columns: list[str], odd: Callable[[pl.DataFrame], pl.DataFrame], engine: Engine
) -> pl.DataFrame:
    """Return ``ODD``: the number of odd rows and an example of each bucket that has any."""
    return concat_buckets(partial(odd_part, columns=columns, odd=odd), store, ODD, engine)


def odd_part(buckets: Buckets, i: int, columns: list[str], odd: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Return ``ODD`` of a bucket."""
    rows = odd(buckets.bucket(i, columns))
    return pl.DataFrame([(rows.height, as_text(rows))] if rows.height else [], schema=ODD, orient="row")


def as_text(rows: pl.DataFrame) -> str:
    """Return the first row as text."""
    return json.dumps(rows.row(0, named=True), default=str, ensure_ascii=False)


def finding(code: str, severity: str, odd: pl.DataFrame) -> Iterator[Finding]:
    """Return one finding from ``totals``, or none."""
    if odd.height:
        yield code, int(odd["count"].sum()), odd["example"][0], severity


def sent_twice(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:  # noqa: ARG001
    """Find events that follow the same event of the same user within a second."""
    same = ["user_id", "item_id", "event_type"]
    # without a session, lines of one receipt cannot be told from double sending
    before = pl.col("ts").shift(1).over([*same, "session_id"])

    def odd(rows: pl.DataFrame) -> pl.DataFrame:
        gap = pl.col("ts") - before
        return rows.sort("user_id", "ts").filter(gap <= timedelta(seconds=DOUBLE_S))

    yield from finding("sent_twice", NOTICE, totals(store, [*same, "ts", "session_id"], odd, engine))


def future(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:
    """Find events after now: clocks that run fast."""
    odd = totals(store, ["user_id", "ts"], lambda rows: rows.filter(pl.col("ts") > now), engine)
    yield from finding("future", WARNING, odd)


def one_event_users(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:  # noqa: ARG001
    """Find users with a single event."""

    def single(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.group_by("user_id").agg(events=pl.len()).filter(events=1)

    odd = totals(store, ["user_id"], single, engine)
    yield from finding("one_event_users", NOTICE, odd)


def bots(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:  # noqa: ARG001
    """Find users with rates that no person reaches."""
    users = concat_buckets(busiest_part, store, BUSIEST, engine)
    if users.is_empty():
        return
    usual = users.select(pl.col("a_day").median()).item()
    fast = (pl.col("an_hour") > BOT_EVENTS_AN_HOUR) | (pl.col("a_day") > BOT_EVENTS_A_DAY)
    odd = users.filter(fast & (pl.col("a_day") > BOT_RATIO * usual)).sort("a_day", descending=True)
    if odd.height:
        yield "bots", odd.height, as_text(odd), WARNING


def busiest_part(buckets: Buckets, i: int) -> pl.DataFrame:
    """Return ``BUSIEST`` of a bucket."""
    rows = buckets.bucket(i, ["user_id", "ts"])
    hourly = rows.group_by("user_id", pl.col("ts").dt.truncate("1h").alias("hour")).len("n")
    daily = hourly.group_by("user_id", pl.col("hour").dt.date().alias("day")).agg(
        pl.col("n").sum(), hour=pl.col("n").max()
    )
    return daily.group_by("user_id").agg(a_day=pl.col("n").max(), an_hour=pl.col("hour").max())


def missing_items(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:  # noqa: ARG001
    """Find events without an item, and items without a category."""
    columns = ["user_id", "event_type", "item_id", "category"]
    no_item = totals(store, columns, lambda rows: rows.filter(pl.col("item_id").is_null()), engine)
    yield from finding("no_item", NOTICE, no_item)
    lacking = pl.col("item_id").is_not_null() & pl.col("category").is_null()
    yield from finding("no_category", NOTICE, totals(store, columns, lambda rows: rows.filter(lacking), engine))


def midnights(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:  # noqa: ARG001
    """Find times that are dates only: too many events exactly at midnight of the workspace's zone."""
    local = pl.col("ts").dt.convert_time_zone(store.timezone)
    odd = totals(store, ["user_id", "ts"], lambda rows: rows.filter(local.dt.time() == time()), engine)
    if odd.height and odd["count"].sum() > MIDNIGHT_SHARE * store.n_events:
        yield from finding("dates_without_time", NOTICE, odd)


def outliers(store: EventStore, now: datetime, engine: Engine) -> Iterator[Finding]:  # noqa: ARG001
    """Find values out of all proportion to the others."""
    n_values, largest = 0, pl.Series([], dtype=pl.Float64)
    n_top = int((1 - OUTLIER_QUANTILE) * store.n_events) + 2  # bounds memory: the quantile is among these
    for part in engine.map_buckets(partial(sizes_part, n_top=n_top), store, SIZES):
        n_values += int(part["n"].sum())
        largest = pl.concat([largest, part["largest"].explode().drop_nulls()]).top_k(n_top)
    if n_values < LEAST_VALUES:
        return
    rank = n_values - 1 - int(OUTLIER_QUANTILE * (n_values - 1))  # of the quantile, from above
    bound = OUTLIER_RATIO * largest.sort(descending=True)[rank]
    if bound > 0:
        beyond = pl.col("value").abs() > bound
        odd = totals(
            store,
            ["user_id", "ts", "value"],
            lambda rows: rows.filter(beyond).sort(pl.col("value").abs(), descending=True),
            engine,
        )
        yield from finding("outliers", WARNING, odd)


def sizes_part(buckets: Buckets, i: int, n_top: int) -> pl.DataFrame:
    """Return ``SIZES`` of a bucket: how many values there are, and the sizes of the largest."""
    sizes = buckets.bucket(i, ["value"])["value"].drop_nulls().abs()
    return pl.DataFrame({"n": [sizes.len()], "largest": [sizes.top_k(n_top)]}, schema=SIZES)


BUCKET_CHECKS = (sent_twice, future, bots, outliers, one_event_users, missing_items, midnights)


def by_day(store: EventStore, engine: Engine) -> Iterator[Finding]:
    """Find days of the log without any event, and days far below the usual of their weekday.

    A shop that is closed on Sundays has no gaps. The first and the last day are not judged: they may be parts.
    """
    days = days_of(store, engine).with_columns(
        usual=pl.col("n").median().over(pl.col("ds").dt.weekday()),
        mean=pl.col("n").mean().over(pl.col("ds").dt.weekday()),
    )
    days = days.slice(1, max(days.height - 2, 0))
    busy, none = pl.col("usual") >= USUAL_EVENTS, pl.col("n") == 0
    yield from _days("gap", WARNING, days.filter(busy & none))
    yield from _days("quiet_day", NOTICE, days.filter(busy & ~none & (pl.col("n") < QUIET_SHARE * pl.col("usual"))))
    silences = days.with_columns(run=none.rle_id()).filter(none & ~busy).group_by("run", maintain_order=True)
    long = silences.agg(pl.col("ds").first(), days=pl.len(), missed=pl.col("mean").sum())
    yield from _days("silence", NOTICE, long.filter(pl.col("missed") >= SILENCE_EVENTS))


def _days(code: str, severity: str, days: pl.DataFrame) -> Iterator[Finding]:
    if days.height:
        yield code, days.height, str(days["ds"][0]), severity


def days_of(store: EventStore, engine: Engine) -> pl.DataFrame:
    """Return ``DAYS``: events of every local day from the first to the last."""
    parts = concat_buckets(days_part, store, DAYS, engine)
    if parts.is_empty():
        return parts
    counts = parts.group_by("ds").agg(pl.col("n").sum()).sort("ds")
    return counts.upsample("ds", every="1d").with_columns(pl.col("n").fill_null(0))


def days_part(buckets: Buckets, i: int) -> pl.DataFrame:
    """Return ``DAYS`` of a bucket."""
    day = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    return buckets.bucket(i, ["ts"]).group_by(ds=day).len("n")


def quarantined(store: EventStore) -> Iterator[Finding]:
    """Report the rows that could not be stored, by reason."""
    for row in store.quarantined().iter_rows(named=True):
        place = row["source"] if row["line"] is None else f"{row['source']}:{row['line']}"
        yield f"quarantine_{row['reason']}", row["count"], f"{place}: {row['raw']}", WARNING
