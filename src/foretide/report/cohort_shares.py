"""Who came back, worked out of the counts of cohorts: merged where they are many, pooled over all, by each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from foretide.features.cohorts import BRACKETS_DAYS
from foretide.report.figures import WEEK_DAYS
from foretide.text import say

#: Rows of a retention map; more weekly cohorts than this are merged by fours.
MAX_COHORTS = 20
#: The ways of counting days: on exactly a day, within some days, on a day or later.
EXACT, WITHIN, OR_LATER = "n-day", "bracket", "unbounded"
#: Ages in days that the map shows of each.
SHOWN_DAYS = {EXACT: (1, 7, 28), WITHIN: tuple(first for first, _ in BRACKETS_DAYS), OR_LATER: (28,)}
LAST_DAYS = dict(BRACKETS_DAYS)
#: Coming back on a day or later is told if every user had this many days for it; else it would fall with the log's end.
TIME_LEFT_DAYS = 28
#: An age is pooled if at least this part of all users has reached it; else it would be about other users.
LEAST_PART = 0.5


def cohorts(retention: pl.DataFrame, by: Sequence[str] = ("age",)) -> tuple[pl.DataFrame, int]:
    """Return ``cohort, age, users, retained, share`` without age 0, and how many weeks a cohort spans.

    More than ``MAX_COHORTS`` weekly cohorts are merged by fours (or eights ...); an age is shown where all the
    merged cohorts have reached it.
    """
    weeks = retention["cohort"].n_unique()
    span = 1
    while weeks / span > MAX_COHORTS:
        span = 4 * (span // 4 + 1)
    first = retention["cohort"].min()
    block = (pl.col("cohort") - pl.lit(first)).dt.total_days() // (WEEK_DAYS * span)
    merged = (
        retention.with_columns(block=block)
        .with_columns(members=pl.col("cohort").n_unique().over("block"))
        .group_by("block", *by)
        .agg(
            pl.col("cohort").n_unique().alias("here"),
            pl.col("members").first(),
            pl.col("users").sum(),
            pl.col("retained").sum(),
        )
        .filter((pl.col("here") == pl.col("members")) & (pl.col("age") > 0))
    )
    start = pl.lit(first) + pl.duration(days=pl.col("block") * WEEK_DAYS * span)
    table = merged.select(start.alias("cohort"), *by, "users", "retained", share=pl.col("retained") / pl.col("users"))
    return table.sort("cohort", *by), span


def returned(retention: pl.DataFrame, age: int) -> tuple[int, int]:
    """Return how many users were seen at an age, and how many could have been."""
    row = retention.filter(pl.col("age") == age).select(pl.col("retained", "users").sum()).row(0)
    return row[0], row[1]


def all_kinds(kinds: Mapping[str, pl.DataFrame], last: date) -> pl.DataFrame:
    """Put the counts of all kinds under each other: ``kind, cohort, age, users, retained``.

    Coming back on a day or later is left out where less than ``TIME_LEFT_DAYS`` of the log are left for it.
    """
    parts = [
        kinds[kind].select(pl.lit(kind).alias("kind"), "cohort", "age", "users", "retained")
        for kind in (EXACT, WITHIN, OR_LATER)
        if kind in kinds
    ]
    left = pl.lit(last) - pl.col("cohort") - pl.duration(days=pl.col("age") + WEEK_DAYS - 1)
    enough = (pl.col("kind") != OR_LATER) | (pl.col("age") == 0) | (left >= pl.duration(days=TIME_LEFT_DAYS))
    return pl.concat(parts).filter(enough)


def pooled(counts: pl.DataFrame) -> pl.DataFrame:
    """Return ``kind, age, until, users, retained, share`` of all cohorts together; ``until`` ends a bracket."""
    everyone = int(counts.unique("cohort")["users"].sum())
    sums = counts.filter(pl.col("age") > 0).group_by("kind", "age").agg(pl.col("users", "retained").sum())
    known = sums.filter(pl.col("users") >= LEAST_PART * everyone)
    until = pl.when(pl.col("kind") == WITHIN).then(pl.col("age").replace(LAST_DAYS)).otherwise("age")
    return known.with_columns(until=until, share=pl.col("retained") / pl.col("users")).sort("kind", "age")


def kind_map(counts: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the cells of the map, ``cohort, days, place, ...`` as in ``cohorts``, and the weeks of a cohort."""
    merged, span = cohorts(counts, ("kind", "age"))
    shown = [(kind, age) for kind, ages in SHOWN_DAYS.items() for age in ages]
    columns = pl.DataFrame(
        [(kind, age, in_days(kind, age), place) for place, (kind, age) in enumerate(shown)],
        schema={"kind": pl.String, "age": merged.schema["age"], "days": pl.String, "place": pl.Int64},
        orient="row",
    )
    return merged.join(columns, on=["kind", "age"]).sort("cohort", "place"), span


def in_days(kind: str, age: int) -> str:
    """Return the days of an age as a column has them: ``7``, ``8–14`` or ``28+``."""
    if kind == WITHIN:
        return f"{age}–{LAST_DAYS[age]}"
    return say("report.retention.or_later", day=age) if kind == OR_LATER else str(age)
