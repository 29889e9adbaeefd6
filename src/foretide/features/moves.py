"""How the population moves: from stage to stage by the users' age, and between interests from week to week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.clock import DAY_US
from foretide.features.now import midnight
from foretide.features.population import moves_of
from foretide.features.rule import LifecycleRule
from foretide.features.series import OTHER, last_day
from foretide.schema import STAGES

#: Ages in days since the first critical event at which one bucket of ages ends and the next begins.
AGE_BREAKS_DAYS = (28, 84, 365)
AGES = ("0-27", "28-83", "84-364", "365+")
#: Categories that are shown by name; the others are one.
TOP_CATEGORIES = 8

#: Users by their stages at two moments; ``stage`` and ``age`` are null for those who came in between.
MOVES_BY_AGE = pl.Schema({"age": pl.String(), "stage": pl.String(), "next_stage": pl.String(), "users": pl.Int64()})
#: ``chance`` is the share of the users of an age and stage who go to the next stage, null without any.
MATRICES = pl.Schema(dict(MOVES_BY_AGE) | {"chance": pl.Float64()})
#: Of a bucket: events of each category by the Monday of their week.
WEEKLY = pl.Schema({"ds": pl.Date(), "category": pl.String(), "events": pl.Int64()})
#: ``share`` of the events of the week that begins on ``ds``, null in a week without any.
INTEREST_MIX = pl.Schema(dict(WEEKLY) | {"share": pl.Float64()})


def transition_matrices(
    buckets: Buckets, first: date, last: date, rule: LifecycleRule | None = None, engine: Engine | None = None
) -> pl.DataFrame:
    """Return how many users went from which stage at the end of ``first`` to which at the end of ``last``, by age.

    Parameters
    ----------
    buckets
        The events.
    first, last
        Local days.
    rule
        The lifecycle rule; the default one if None.
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    pl.DataFrame
        ``MATRICES``: every pair of stages for each of ``AGES``, the user's age at the end of ``first``, then those
        who came in between.
    """
    job = partial(transitions_part, first=first, last=last, rule=rule or LifecycleRule())
    parts = concat_buckets(job, buckets, MOVES_BY_AGE, engine)
    grid = _pairs()
    keys = ["age", "stage", "next_stage"]
    table = grid.join(parts.group_by(keys).agg(pl.col("users").sum()), on=keys, how="left", nulls_equal=True)
    table = table.sort("place").with_columns(pl.col("users").fill_null(0))
    came = pl.col("users").sum().over("age", "stage")
    return table.with_columns(chance=pl.when(came > 0).then(pl.col("users") / came)).select(MATRICES.names())


def all_ages(matrices: pl.DataFrame) -> pl.DataFrame:
    """Return ``stage, next_stage, users, chance`` of users of all ages (``MATRICES``), the moves that there were."""
    table = matrices.group_by("stage", "next_stage", maintain_order=True).agg(pl.col("users").sum())
    came = pl.col("users").sum().over("stage")
    return table.with_columns(chance=pl.col("users") / came).filter(pl.col("users") > 0)


def _pairs() -> pl.DataFrame:
    """Return ``place, age, stage, next_stage``: the rows of the matrices in their order."""
    pairs = [(age, a, b) for age in AGES for a in STAGES for b in STAGES] + [(None, None, b) for b in STAGES]
    keys = pl.DataFrame(pairs, schema=["age", "stage", "next_stage"], orient="row")
    return keys.cast(pl.String()).with_row_index("place")


def transitions_part(buckets: Buckets, i: int, first: date, last: date, rule: LifecycleRule) -> pl.DataFrame:
    """Return ``MOVES_BY_AGE`` of a bucket, without the rows of none."""
    ends = [midnight(day + timedelta(days=1), buckets.timezone) for day in (first, last)]
    counts = moves_of(buckets, i, ends, rule, [1, *(n * DAY_US for n in AGE_BREAKS_DAYS)])[:, 1]
    age, place, next_place = np.nonzero(counts)
    stages = pl.Series([None, *STAGES])
    return pl.DataFrame(
        {
            "age": pl.Series([None, *AGES]).gather(age),
            "stage": stages.gather(place),
            "next_stage": stages.gather(next_place),
            "users": counts[age, place, next_place],
        },
        schema=MOVES_BY_AGE,
    )


def interest_mix(
    buckets: Buckets, as_of: datetime, top: int = TOP_CATEGORIES, engine: Engine | None = None
) -> pl.DataFrame:
    """Return the share of each category in the events of each week, ``INTEREST_MIX``.

    Parameters
    ----------
    buckets
        The events; those without a category are left out.
    as_of
        Exclusive; only whole weeks, from Monday to Sunday, are counted.
    top
        The categories with the most events in all weeks have rows of their own, the others together are ``OTHER``.
    engine
        Where buckets are counted; threads if None.
    """
    end = last_day(as_of, buckets.timezone) + timedelta(days=1)
    monday = end - timedelta(days=end.weekday())
    until = midnight(monday, buckets.timezone)
    parts = concat_buckets(partial(interest_mix_part, until=until), buckets, WEEKLY, engine)
    weekly = parts.with_columns(category=named_or_other(parts, top)).group_by("ds", "category")
    events = weekly.agg(pl.col("events").sum())
    first = events["ds"].min()
    if not isinstance(first, date):
        return INTEREST_MIX.to_frame()
    weeks = pl.DataFrame({"ds": pl.date_range(first, monday, "1w", closed="left", eager=True)})
    names = events.group_by("category").agg(size=pl.col("events").sum())
    names = names.sort(pl.col("category") == OTHER, "size", "category", descending=[False, True, False])
    grid = weeks.join(names.select("category").with_row_index("place"), how="cross")
    table = grid.join(events, on=["ds", "category"], how="left").sort("ds", "place")
    table = table.with_columns(pl.col("events").fill_null(0))
    total = pl.col("events").sum().over("ds")
    return table.with_columns(share=pl.when(total > 0).then(pl.col("events") / total)).select(INTEREST_MIX.names())


def named_or_other(counts: pl.DataFrame, top: int) -> pl.Expr:
    """Return the category of each row of ``category, events``, ``OTHER`` beyond the ``top`` largest in all rows."""
    sizes = counts.group_by("category").agg(pl.col("events").sum())
    named: Sequence[str] = sizes.sort("events", "category", descending=[True, False])["category"].head(top).to_list()
    return pl.when(pl.col("category").is_in(named)).then("category").otherwise(pl.lit(OTHER))


def interest_mix_part(buckets: Buckets, i: int, until: datetime) -> pl.DataFrame:
    """Return ``WEEKLY`` of a bucket."""
    local = pl.col("ts").dt.convert_time_zone(buckets.timezone).dt.date()
    rows = buckets.bucket(i, ["ts", "category"], until).filter(pl.col("category").is_not_null())
    weekly = rows.group_by(local.dt.truncate("1w").alias("ds"), "category").agg(events=pl.len())
    return weekly.cast(WEEKLY)
