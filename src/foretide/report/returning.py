"""The sections on coming back: how many of a cohort are seen again, and on how many days of a month users come."""

from __future__ import annotations

import polars as pl

from foretide.features.cohorts import MONTH_DAYS
from foretide.report import charts, heat, snapshots
from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.cohort_shares import (
    EXACT,
    OR_LATER,
    WITHIN,
    all_kinds,
    cohorts,
    in_days,
    kind_map,
    pooled,
    returned,
)
from foretide.report.data import ReportData, given
from foretide.report.figures import greatest, thinned
from foretide.report.wording import day, number, percent, sentences, strong
from foretide.text import say

#: The retention sentence speaks of this week, or of the last one there is, and of this day.
RETENTION_WEEK = 4
RETENTION_DAY = 28
#: Columns of the retention table.
MAX_AGES = 13


def retention(data: ReportData) -> Section | None:
    """Say how many came back some weeks after their first, and how many by other ways of counting."""
    if not given(data.retention):
        return None
    age = min(RETENTION_WEEK, int(greatest(data.retention["age"])))
    map_, span = cohorts(data.retention)
    retained, users = returned(data.retention, age)
    if not users or map_.is_empty():
        return None
    sentence = say(
        "report.retention.sentence",
        share=strong(percent(retained / users)),
        week=age,
        retained=number(retained),
        users=number(users),
    )
    merged = say("report.retention.merged", weeks=span) if span > 1 else ""
    drawn = figure(
        "retention",
        say("report.retention.chart", date=day(data.last_day)),
        heat.retention(map_),
        table=retention_table(map_),
        scale=(percent(0, 0), percent(greatest(map_["share"]), 0)),
    )
    counts = all_kinds(data.retention_by_day, data.last_day) if data.retention_by_day else pl.DataFrame()
    by_day = by_days(data, counts) if given(counts) else ()
    told = sentences([sentence, kinds_said(pooled(counts)) if by_day else ""])
    remark = sentences([merged, say("report.retention.kinds_remark") if by_day else ""])
    return Section("retention", say("report.retention.title"), told, (drawn, *by_day), remark=remark)


def retention_table(map_: pl.DataFrame) -> Table:
    """Return the shares by cohort; a long history gives every second or later week."""
    ages = map_["age"].unique().sort()
    ages = ages.gather_every(-(-len(ages) // MAX_AGES))
    wide = (
        map_.filter(pl.col("age").is_in(ages.to_list()))
        .sort("age")
        .pivot("age", index="cohort", values="share")
        .sort("cohort")
    )
    columns: Columns = {"cohort": (say("report.word.cohort"), day)} | {
        str(age): (str(age), lambda x: percent(x, 0)) for age in ages
    }
    return table(say("report.retention.caption"), wide, columns)


def by_days(data: ReportData, counts: pl.DataFrame) -> tuple[Figure, ...]:
    """Return retention by days: a curve over all users, and the cohorts; none where no age is known of enough users."""
    curve, (cells, _) = pooled(counts), kind_map(counts)
    if curve.is_empty() or cells.is_empty():
        return ()
    shown = curve["kind"].unique().to_list()
    legend = [
        Swatch(colour, say(f"report.retention.{kind}"))
        for kind, colour in snapshots.KIND_COLOURS.items()
        if kind in shown
    ]
    return (
        figure(
            "retention-curve",
            say("report.retention.curve", date=day(data.last_day)),
            snapshots.curve(curve),
            legend=tuple(legend),
            table=curve_table(curve),
        ),
        figure(
            "retention-kinds",
            say("report.retention.map", date=day(data.last_day)),
            heat.kinds(cells),
            table=kind_table(cells),
            scale=(percent(0, 0), percent(greatest(cells["share"]), 0)),
        ),
    )


def kinds_said(curve: pl.DataFrame) -> str:
    """Return how many came back by each way of counting: on a day, in the days up to it, on it or later."""
    day_ = curve.filter(pl.col("until") <= RETENTION_DAY)["until"].max()
    at = {row["kind"]: row for row in curve.filter(until=day_).iter_rows(named=True)}
    if not {EXACT, WITHIN, OR_LATER} <= at.keys():
        return ""
    shares = {kind: strong(percent(row["share"])) for kind, row in at.items()}
    return say(
        "report.retention.kinds_said",
        day=day_,
        first=at[WITHIN]["age"],
        exact=shares[EXACT],
        within=shares[WITHIN],
        later=shares[OR_LATER],
    )


def curve_table(curve: pl.DataFrame) -> Table:
    """Return the shares of all cohorts together."""
    named = curve.with_columns(
        days=pl.Series([in_days(kind, age) for kind, age in curve.select("kind", "age").iter_rows()])
    )
    columns: Columns = {
        "kind": (say("report.retention.counted"), lambda kind: say(f"report.retention.{kind}")),
        "days": (say("report.retention.days"), str),
        "users": (say("report.word.users"), number),
        "share": (say("report.word.retained"), percent),
    }
    return table(say("report.retention.curve_caption"), named, columns)


def kind_table(cells: pl.DataFrame) -> Table:
    """Return the shares by cohort and way of counting, and how many users there were."""
    wide = cells.pivot("days", index="cohort", values="share").join(
        cells.group_by("cohort").agg(of=pl.col("users").max()), on="cohort", maintain_order="left"
    )
    columns: Columns = {"cohort": (say("report.word.cohort"), day), "of": (say("report.word.users"), number)}
    columns |= {days: (days, lambda x: percent(x, 0)) for days in cells.unique("days").sort("place")["days"]}
    return table(say("report.retention.map_caption"), wide, columns)


def stickiness(data: ReportData) -> Section | None:
    """Say on how many days of a month a user of that month comes, and draw users of a day, a week and a month."""
    if not given(data.stickiness):
        return None
    days = smoothed(data.stickiness)
    if days.is_empty() or not days["mau"][-1]:
        return None
    now, before = days["share"][-1], days["share"][-1 - MONTH_DAYS] if days.height > MONTH_DAYS else None
    sentence = say(
        "report.stickiness.sentence",
        days=MONTH_DAYS,
        users=number(days["mau"][-1]),
        visits=strong(number(MONTH_DAYS * now, 1)),
        share=strong(percent(now)),
    )
    compared = say("report.stickiness.compared", share=percent(before), days=MONTH_DAYS) if before else ""
    drawn = (users_figure(data, days), share_figure(data, days))
    told = sentences([sentence, compared])
    remark = say("report.stickiness.remark", days=MONTH_DAYS)
    return Section("stickiness", say("report.stickiness.title"), told, drawn, columns=2, remark=remark)


def smoothed(stickiness: pl.DataFrame) -> pl.DataFrame:
    """Return ``ds, dau, wau, mau, share``: a day's users as the mean of the week, share as the mean of the month.

    The mean of the month's days over its users is on which part of the days one of them was here.
    """
    days = stickiness.sort("ds").with_columns(
        dau=pl.col("dau").rolling_mean(7),
        share=pl.when(pl.col("mau") > 0).then(pl.col("dau").rolling_mean(MONTH_DAYS) / pl.col("mau")),
    )
    return days.drop("stickiness").drop_nulls("mau")


def users_figure(data: ReportData, days: pl.DataFrame) -> Figure:
    """Return the users of a day, a week and 28 days over time."""
    long = days.unpivot(["dau", "wau", "mau"], index="ds", variable_name="span", value_name="users")
    drawn = thinned(long, ["span"], "users", stock=True)
    legend = [
        Swatch(colour, say(f"report.stickiness.{span}"), say("report.interests.legend", now=number(days[span][-1], 0)))
        for span, colour in charts.SPANS.items()
    ]
    wide = drawn.pivot("span", index="ds", values="users").sort("ds", descending=True)
    columns: Columns = {"ds": (say("report.word.day"), day)}
    columns |= {span: (say(f"report.stickiness.{span}"), lambda x: number(x, 0)) for span in charts.SPANS}
    return figure(
        "stickiness-users",
        say("report.stickiness.users", date=day(data.last_day)),
        charts.spans(drawn),
        legend=tuple(legend),
        table=table(say("report.stickiness.users_caption"), wide, columns),
    )


def share_figure(data: ReportData, days: pl.DataFrame) -> Figure:
    """Return which part of the days a user of the month was here, over time."""
    drawn = thinned(days.drop_nulls("share").select("ds", "share"), [], "share", stock=True)
    columns: Columns = {"ds": (say("report.word.day"), day), "share": (say("report.word.share"), percent)}
    return figure(
        "stickiness",
        say("report.stickiness.chart", date=day(data.last_day)),
        charts.stickiness(drawn),
        table=table(say("report.stickiness.caption"), drawn.sort("ds", descending=True), columns),
    )
