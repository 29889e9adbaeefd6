"""What a user did, day by day, up to a cut-off: the last active days, and the silence since.

An active day is a local day with a critical event. Each is told by the days since the one before it, the number of
events, their value, the hour of the week of the last one and its category. The last entry of a history is the cut-off
itself: no events, and as gap the days since the last active day.

The names of categories are not kept: each has a code that its text alone decides, so that codes agree between buckets,
cut-offs and processes. Several categories may share a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.user_events import UserEvents, bucket_events, item_order, ticks
from foretide.schema import TS

#: Active days that are kept of a user.
WINDOW_DAYS = 16
#: Categories are told apart by so many codes; 0 is no category.
N_CODES = 64

DAY = pl.Struct(
    {
        "gap_days": pl.Int32(),  # local days since the active day before; 0 on a user's first
        "events": pl.Int32(),  # critical events; 0 at the cut-off only
        "value": pl.Float32(),  # their sum
        "hour": pl.Int16(),  # of the week, of the last event, by the user's own clock; -1 at the cut-off
        "category": pl.UInt8(),  # code of the last event's category; the highest among those of one moment
    }
)
#: The column of a user's days.
HISTORY = "history"
HISTORIES = pl.Schema({"user_id": pl.String(), "as_of": TS, HISTORY: pl.List(DAY)})

#: The numbers of a day that a network sees; the hour of the week is a place on the circles of week and day.
NUMBERS = ("gap_days", "events", "value", "week_sin", "week_cos", "hour_sin", "hour_cos")

Singles = NDArray[np.float32]


class Steps(NamedTuple):
    """Histories side by side, each at the end of its row; what stands before it is zero and not there."""

    numbers: Singles  # (n_users, window_days + 1, n_numbers)
    codes: NDArray[np.int32]  # (n_users, window_days + 1)
    there: NDArray[np.bool_]  # (n_users, window_days + 1)


def histories(
    buckets: Buckets,
    cutoffs: Sequence[datetime],
    rule: LifecycleRule,
    window_days: int = WINDOW_DAYS,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return ``HISTORIES``: a row for each user and each cut-off that has a critical event of the user before it.

    Parameters
    ----------
    buckets
        The events.
    cutoffs
        Moments in UTC; nothing at or after one changes its rows.
    rule
        Which events are critical.
    window_days
        The last so many active days are kept.
    engine
        Where buckets are mapped; threads if None.
    """
    job = partial(histories_part, cutoffs=cutoffs, rule=rule, window_days=window_days)
    return concat_buckets(job, buckets, HISTORIES, engine)


def with_histories(
    rows: pl.DataFrame,
    buckets: Buckets,
    rule: LifecycleRule,
    window_days: int = WINDOW_DAYS,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return a feature table, or examples, with the column ``HISTORY`` of ``HISTORIES``; in their order."""
    cutoffs = sorted(set(rows["as_of"]))
    told = histories(buckets, cutoffs, rule, window_days, engine)
    return rows.join(told, on=["user_id", "as_of"], how="left", maintain_order="left")


def histories_part(
    buckets: Buckets, i: int, cutoffs: Sequence[datetime], rule: LifecycleRule, window_days: int
) -> pl.DataFrame:
    """Return ``HISTORIES`` of a bucket."""
    themes = ("activity", "habits", "interests")
    found = bucket_events(buckets, i, max(cutoffs), rule, themes, others=False) if cutoffs else None
    if found is None:
        return HISTORIES.to_frame()
    rows = as_frame(found)
    moments = zip(cutoffs, *ticks(cutoffs, buckets.timezone), strict=True)
    parts = [
        history_at(rows.filter(pl.col("ts") < at), int(today), window_days).with_columns(as_of=pl.lit(cutoff, TS))
        for cutoff, at, today in moments
    ]
    return pl.concat(parts).select(HISTORIES.names())


def as_frame(found: UserEvents) -> pl.DataFrame:
    """Return the events of a bucket, with a code for each category."""
    coded = 1 + item_order(found.categories) % (N_CODES - 1)
    category = found.events["category"]
    codes = np.where(category < 0, 0, np.append(coded, 0)[category])
    columns = {name: np.ascontiguousarray(found.events[name]) for name in ("ts", "day", "value", "hour")}
    users = found.users.gather(np.repeat(np.arange(len(found.users)), np.diff(found.starts)))
    return pl.DataFrame({"user_id": users, **columns, "category": codes.astype(np.uint8)})


def history_at(known: pl.DataFrame, today: int, window_days: int) -> pl.DataFrame:
    """Return ``user_id, history`` from the events before a cut-off; ``today`` is the local day that it ends."""
    newest = pl.col("ts") == pl.col("ts").max()
    days = known.group_by("user_id", "day").agg(
        pl.len().alias("events"),
        pl.col("value").fill_nan(0.0).sum(),
        pl.col("hour").filter(newest).max(),
        pl.col("category").filter(newest).max(),
    )
    ends = known.select(pl.col("user_id").unique(), day=today, events=0, value=0.0, hour=-1, category=0)
    told = pl.concat([days, ends.select(pl.col(name).cast(kind) for name, kind in days.schema.items())])
    gap = pl.col("day").diff().over("user_id").fill_null(0).alias("gap_days")
    entry = pl.struct(pl.col(part.name).cast(part.dtype) for part in DAY.fields)
    return (
        told.sort("user_id", "day", pl.col("events") == 0)
        .with_columns(gap)
        .group_by("user_id", maintain_order=True)
        .agg(entry.tail(window_days + 1).alias(HISTORY))
    )


def padded(rows: pl.DataFrame, window_days: int) -> Steps:
    """Return the histories of the rows of a table as arrays.

    Raises
    ------
    UsageError
        If the table has no histories, or lacks that of a row.
    """
    if HISTORY not in rows.columns or rows[HISTORY].null_count():
        raise UsageError("the table lacks the history of a user; add it with sequence_windows.with_histories")
    history = rows[HISTORY].list.tail(window_days + 1)
    long = history.list.len().to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(long)), long)
    place = window_days + 1 - (np.cumsum(long)[row] - np.arange(long.sum()))
    days = history.explode().struct.unnest()
    shape = (len(long), window_days + 1)
    steps = Steps(np.zeros((*shape, len(NUMBERS)), np.float32), np.zeros(shape, np.int32), np.zeros(shape, np.bool_))
    steps.numbers[row, place] = numbers(days)
    steps.codes[row, place] = days["category"].to_numpy()
    steps.there[row, place] = True
    return steps


def numbers(days: pl.DataFrame) -> Singles:
    """Return ``NUMBERS`` of days, ``(n_days, n_numbers)``."""
    known = pl.col("hour") >= 0
    circles = [
        pl.when(known).then(turned).otherwise(0.0)
        for length in (168, 24)
        for turned in ((pl.col("hour") * (2 * np.pi / length)).sin(), (pl.col("hour") * (2 * np.pi / length)).cos())
    ]
    value = pl.col("value").sign() * pl.col("value").abs().log1p()
    columns = [pl.col("gap_days").log1p(), pl.col("events").log1p(), value, *circles]
    named = [column.alias(name) for column, name in zip(columns, NUMBERS, strict=True)]
    return days.select(named).to_numpy().astype(np.float32)
