"""The sections on the population so far: who came and went, who came back, when they are here."""

from __future__ import annotations

import polars as pl

from foretide.report import charts, heat
from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import RECENT_DAYS, recent, weekly_account
from foretide.report.wording import day, hour, number, percent, signed, strong, weekday, weekday_in_full
from foretide.text import say

#: Hours that a column of the habit table joins.
DAY_PART_HOURS = 4
#: Weeks from which a weekly account is worth a chart.
MIN_WEEKS = 2


def growth(data: ReportData) -> Section | None:
    """Give the account of active users: the flows add up to their change."""
    if not given(data.accounting):
        return None
    account = data.accounting.sort("ds")
    last = recent(account, RECENT_DAYS)
    new, resurrected, lost = (int(last[flow].sum()) for flow in ("new", "resurrected", "lost"))
    after = int(last["active"][-1])
    sentence = say(
        "report.growth.sentence",
        days=last.height,
        new=strong(number(new)),
        resurrected=strong(number(resurrected)),
        lost=strong(number(lost)),
        net=strong(signed(new + resurrected - lost, 0)),
        before=number(after - (new + resurrected - lost)),
        after=number(after),
    )
    weekly = weekly_account(account)
    drawn = (growth_figure(data, weekly),) if weekly["ds"].n_unique() >= MIN_WEEKS else ()
    return Section("growth", say("report.growth.title"), sentence, drawn)


def growth_figure(data: ReportData, weekly: pl.DataFrame) -> Figure:
    """Return the bars of the flows by week."""
    flows = [Swatch(colour, say(f"report.flow.{flow}")) for flow, colour in charts.FLOWS.items()]
    wide = weekly.pivot("flow", index="ds", values="users").sort("ds", descending=True)
    wide = wide.with_columns(net=pl.sum_horizontal(*charts.FLOWS))
    columns: Columns = {"ds": (say("report.word.week"), day)} | {
        flow: (say(f"report.flow.{flow}"), lambda x: signed(x, 0)) for flow in (*charts.FLOWS, "net")
    }
    return figure(
        "growth",
        say("report.growth.chart", date=day(data.last_day)),
        charts.growth(weekly),
        legend=(*flows, Swatch("ink", say("report.flow.net"))),
        table=table(say("report.growth.caption"), wide, columns),
    )


def habits(data: ReportData) -> Section | None:
    """Say when in the week most happens."""
    if not given(data.habits):
        return None
    total = int(data.habits["events"].sum())
    if not total:
        return None
    busy = data.habits.sort("events", "weekday", "hour", descending=[True, False, False]).row(0, named=True)
    days = data.habits.group_by("weekday").agg(pl.col("events").sum()).sort("events", "weekday")
    quiet, quiet_events = days.row(0)
    sentence = say(
        "report.habits.sentence",
        weekday=strong(weekday_in_full(busy["weekday"])),
        hour=strong(say("report.habits.part", start=hour(busy["hour"]), end=hour(busy["hour"] + 1))),
        share=percent(busy["events"] / total),
        quiet=weekday_in_full(quiet),
        quiet_share=percent(quiet_events / total),
    )
    drawn = figure(
        "habits",
        say("report.habits.chart", date=day(data.last_day)),
        heat.habits(data.habits),
        table=habit_table(data.habits, total),
        scale=(percent(0, 0), percent(busy["events"] / total)),
    )
    return Section("habits", say("report.habits.title"), sentence, (drawn,))


def habit_table(frame: pl.DataFrame, total: int) -> Table:
    """Return shares of all events by weekday and part of the day."""
    part = pl.col("hour").cast(pl.Int64) // DAY_PART_HOURS
    parts = frame.group_by("weekday", part.alias("part")).agg(share=pl.col("events").sum() / total)
    wide = parts.sort("part").pivot("part", index="weekday", values="share").sort("weekday")
    columns: Columns = {"weekday": (say("report.word.weekday"), weekday)}
    for name in wide.columns[1:]:
        start = int(name) * DAY_PART_HOURS
        heading = say("report.habits.part", start=hour(start), end=hour(start + DAY_PART_HOURS))
        columns[name] = (heading, percent)
    return table(say("report.habits.caption"), wide, columns)
