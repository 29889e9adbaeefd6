"""The charts over time, each written once; ``snapshots`` has those of one moment.

Every chart takes the tables of ``figures`` and returns an Altair chart without colours of its own: it names CSS
variables of ``theme``, and the page fills them in. A chart over time marks where the past ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from foretide.report.figures import GONE, last_date, levels
from foretide.report.marks import (
    bands,
    count_axis,
    edge,
    layered,
    pointer,
    source,
    stage_colour,
    time_axis,
    tip,
    tip_day,
)
from foretide.report.theme import DARK_INK, DEEP_INTERESTS, INTEREST_COLOURS, LIGHT_INK, variable
from foretide.schema import STAGES
from foretide.text import say

#: Days of the close-up on one series, and the mean line drawn through them.
CLOSE_UP_DAYS = 84
SMOOTH_DAYS = 7
#: A band of the interest stream carries its name if it is at least this part of the whole height.
LABELLED_PART = 0.055
#: Hours left free between the bars of two weeks.
GAP_HOURS = 30
FLOWS = {"new": "stage-new", "resurrected": "stage-resurrected", "lost": "stage-at_risk"}
#: Users of a day, a week and 28 days.
SPANS = {"dau": "interest-1", "wau": "interest-0", "mau": "muted"}


def lifecycle(history: pl.DataFrame, ahead: pl.DataFrame, past: pl.DataFrame, fan: pl.DataFrame) -> alt.LayerChart:
    """Stack users by stage over time, and fan out how many will not have left.

    Parameters
    ----------
    history, ahead
        ``ds, stage, users`` and ``ds, stage, mean, ...``.
    past, fan
        Users who are not churned: ``ds, users`` and ``ds, mean, lo-80, ...``.
    """
    last = last_date(history)
    end = last if ahead.is_empty() else last_date(ahead)
    later = [] if ahead.is_empty() else [ahead.select("ds", "stage", users="mean")]
    users = pl.concat([history.select("ds", "stage", "users"), *later])
    order = pl.col("stage").replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64)
    areas = (
        source(users.with_columns(order=order))
        .mark_area(stroke=variable("card"), strokeWidth=0.6)
        .encode(x=time_axis(), y=count_axis("users", stack="zero"), color=stage_colour(), order=alt.Order("order:Q"))
    )
    wide = users.pivot("stage", index="ds", values="users").sort("ds").fill_null(0)
    tips = [tip(stage, say(f"stage.{stage}"), ",.0f") for stage in reversed(STAGES) if stage in wide.columns]
    shade, line, *words = edge(last, end)
    veil = shade.mark_rect(color=variable("card"), opacity=0.35)
    drawn = [areas, veil, line, *words, *active_fan(past, fan), pointer(wide, [tip_day(), *tips])]
    return layered(*drawn, height=340)


def active_fan(past: pl.DataFrame, fan: pl.DataFrame) -> list[alt.Chart]:
    """Return the line of those who are not churned, its forecast and its intervals."""
    style: dict[str, Any] = {"color": variable("ink"), "strokeWidth": 1.6}
    line = source(past).mark_line(**style).encode(x=time_axis(), y=count_axis("users"))
    if fan.is_empty():
        return [line]
    expected = dashed(past, fan, "users", "ink", strokeWidth=1.6)
    end = source(fan.sort("ds").tail(1)).mark_text(align="left", dx=5, fontSize=13, fontWeight=600)
    told = end.encode(x="ds:T", y="mean:Q", text=alt.Text("mean:Q", format=",.0f"))
    return [*bands(fan, "ink"), line, expected.encode(x=time_axis(), y=count_axis("mean")), told]


def dashed(past: pl.DataFrame, ahead: pl.DataFrame, value: str, colour: str, **style: Any) -> alt.Chart:
    """Return the line of a forecast's mean, from the last point of the past on."""
    chart = source(joined(past, ahead, value))
    return chart.mark_line(color=variable(colour), strokeDash=[4, 3], **{"strokeWidth": 2, **style})


def joined(past: pl.DataFrame, ahead: pl.DataFrame, value: str) -> pl.DataFrame:
    """Return ``ds, mean`` of a forecast that begins at the last point of the past."""
    start = past.sort("ds").tail(1).select("ds", mean=pl.col(value).cast(pl.Float64))
    return pl.concat([start, ahead.select("ds", "mean")]).sort("ds")


def course(past: pl.DataFrame, ahead: pl.DataFrame, colour: str = "accent", height: int = 220) -> alt.LayerChart:
    """Draw one series day by day (``ds, y``), a seven-day mean through it, and its forecast with bands."""
    shown = past.sort("ds").with_columns(smooth=pl.col("y").rolling_mean(SMOOTH_DAYS)).tail(CLOSE_UP_DAYS)
    faint = source(shown).mark_line(color=variable(colour), strokeWidth=1, opacity=0.45)
    firm = source(shown.drop_nulls("smooth")).mark_line(color=variable(colour), strokeWidth=2)
    shade, line, *words = edge(last_date(past), last_date(ahead))
    expected = dashed(past, ahead, "y", colour)
    drawn = [
        shade,
        *bands(ahead, colour),
        faint.encode(x=time_axis(), y=count_axis("y")),
        firm.encode(x=time_axis(), y=count_axis("smooth")),
        expected.encode(x=time_axis(), y=count_axis("mean")),
        line,
        *words,
        course_pointer(shown, ahead),
    ]
    return layered(*drawn, height=height)


def course_pointer(past: pl.DataFrame, ahead: pl.DataFrame) -> alt.Chart:
    """Return the pointer of a series with its forecast and intervals."""
    days = pl.concat([past.select("ds", "y"), ahead.drop("unique_id", strict=False)], how="diagonal_relaxed")
    told = [tip("y", say("report.word.seen"), ",.4~r"), tip("mean", say("report.word.expected"), ",.4~r")]
    for level in levels(ahead):
        told += [
            tip(f"lo-{level}", say("report.word.low", level=level), ",.4~r"),
            tip(f"hi-{level}", say("report.word.high", level=level), ",.4~r"),
        ]
    return pointer(days, [tip_day(), *told])


def long_run(past: pl.DataFrame, ahead: pl.DataFrame) -> alt.LayerChart:
    """Draw the whole history of one series as the mean a day of each week, with the forecast's mean."""
    shade, line, *words = edge(last_date(past), last_date(ahead))
    run = source(past).mark_line(color=variable("accent"), strokeWidth=2).encode(x=time_axis(), y=count_axis("y"))
    expected = dashed(past, ahead, "y", "accent")
    days = pl.concat([past.select("ds", "y"), ahead.select("ds", y="mean")])
    told = pointer(days, [tip_day(), tip("y", say("report.word.a_day"), ",.4~r")])
    mean = expected.encode(x=time_axis(), y=count_axis("mean"))
    return layered(shade, run, mean, line, *words, told, height=220)


def stage_course(past: pl.DataFrame, ahead: pl.DataFrame, stage: str) -> alt.LayerChart:
    """Draw the users in one stage and the fan of their forecast, on a scale of its own."""
    colour = "muted" if stage == GONE else f"stage-{stage}"
    shown = past.filter(pl.col("ds") > last_date(past) - pl.duration(days=CLOSE_UP_DAYS))
    shade, line, *words = edge(last_date(past), last_date(ahead))
    run = source(shown).mark_line(color=variable(colour), strokeWidth=2.5)
    expected = dashed(shown, ahead, "users", colour, strokeWidth=2.5)
    drawn = [
        shade,
        *bands(ahead, colour, zero=False),
        run.encode(y=count_axis("users", zero=False), x=time_axis(3)),
        expected.encode(y=count_axis("mean", zero=False), x=time_axis(3)),
        line,
        *words,
        course_pointer(shown.rename({"users": "y"}), ahead.drop("stage")),
    ]
    return layered(*drawn, height=140)


def interests(whole: pl.DataFrame, last: date, titles: Sequence[str]) -> alt.LayerChart:
    """Draw shares of activity as a stream, on into the forecast.

    Parameters
    ----------
    whole
        ``ds, rank, share`` of what is to be drawn, past and ahead.
    last
        Last day of the past.
    titles
        Name of each rank.
    """
    shade, line, *words = edge(last, last_date(whole))
    veil = shade.mark_rect(color=variable("card"), opacity=0.4)
    wide = whole.with_columns(rank=pl.format("c{}", "rank")).pivot("rank", index="ds", values="share").sort("ds")
    tips = [tip(f"c{rank}", title, ".1%") for rank, title in enumerate(titles) if f"c{rank}" in wide.columns]
    labels = stream_labels(whole.filter(pl.col("ds") <= last), titles)
    return layered(stream(whole), veil, line, *words, *labels, pointer(wide, [tip_day(), *tips]), height=340)


def stream(whole: pl.DataFrame) -> alt.Chart:
    """Return the bands of the interests, one on the other."""
    colours = [variable(name) for name in INTEREST_COLOURS]
    scale = alt.Scale(domain=list(range(len(colours))), range=colours)
    share = alt.Y("share:Q", title=None, stack="zero", axis=alt.Axis(format=".0%"), scale=alt.Scale(nice=False))
    chart = source(whole).mark_area(stroke=variable("card"), strokeWidth=0.8)
    colour = alt.Color("rank:O", scale=scale, legend=None)
    return chart.encode(x=time_axis(), y=share, color=colour, order=alt.Order("rank:Q"))


def stream_labels(past: pl.DataFrame, titles: Sequence[str]) -> list[alt.Chart]:
    """Return names written into the bands that are tall enough, in the middle of the past."""
    days = past["ds"].unique().sort()
    middle = past.filter(pl.col("ds") == days[len(days) // 2]).sort("rank")
    names = middle.with_columns(
        y=pl.col("share").cum_sum() - pl.col("share") / 2,
        title=pl.col("rank").replace_strict(range(len(titles)), titles, return_dtype=pl.String),
    ).filter(pl.col("share") >= LABELLED_PART * pl.col("share").sum())
    deep = pl.col("rank").is_in(DEEP_INTERESTS)
    return [
        source(named).mark_text(limit=180, fontWeight=600, color=ink).encode(x="ds:T", y="y:Q", text="title:N")
        for where, ink in ((deep, LIGHT_INK), (~deep, DARK_INK))
        if not (named := names.filter(where)).is_empty()
    ]


def growth(account: pl.DataFrame, last: date | None = None) -> alt.LayerChart:
    """Draw who came and who went, week by week, and the net of it; what comes after ``last`` is expected."""
    shade, *edges = edge(last, last_date(account)) if last else [None]
    scale = alt.Scale(domain=list(FLOWS), range=[variable(colour) for colour in FLOWS.values()])
    inset = stacked(account).with_columns(start=pl.col("start").cast(pl.Datetime) + pl.duration(hours=GAP_HOURS))
    bars = (
        source(inset)
        .mark_rect()
        .encode(
            x=time_axis(),
            x2="start:T",
            y=count_axis("lo"),
            y2="hi",
            color=alt.Color("flow:N", scale=scale, legend=None),
        )
    )
    wide = account.pivot("flow", index="ds", values="users").sort("ds").with_columns(net=pl.sum_horizontal(*FLOWS))
    net = source(wide).mark_line(color=variable("ink"), strokeWidth=1.6).encode(x=time_axis(), y=count_axis("net"))
    tips = [tip(flow, say(f"report.flow.{flow}"), "+,.0f") for flow in (*FLOWS, "net")]
    drawn = [bars, net, *edges, pointer(wide, [tip_day(), *tips])]
    return layered(*([shade] if shade else []), *drawn, height=240)


def stacked(account: pl.DataFrame) -> pl.DataFrame:
    """Return the flows with the ends ``lo, hi`` of their bars: gains on each other, losses below zero."""
    returned = pl.col("flow") == "resurrected"
    new = pl.when(pl.col("flow") == "new").then("users").sum().over("ds")
    base = pl.when(returned).then(new).otherwise(0)
    return account.with_columns(lo=base, hi=base + pl.col("users"))


def spans(users: pl.DataFrame) -> alt.LayerChart:
    """Draw the users of a day, of a week and of 28 days: ``ds, span, users``."""
    scale = alt.Scale(domain=list(SPANS), range=[variable(colour) for colour in SPANS.values()])
    colour = alt.Color("span:N", scale=scale, legend=None)
    lines = source(users).mark_line(strokeWidth=2).encode(x=time_axis(4), y=count_axis("users"), color=colour)
    wide = users.pivot("span", index="ds", values="users").sort("ds")
    tips = [tip(span, say(f"report.stickiness.{span}"), ",.0f") for span in SPANS]
    return layered(lines, pointer(wide, [tip_day(), *tips]), height=220)


def stickiness(shares: pl.DataFrame) -> alt.LayerChart:
    """Draw which part of the days a user of the month was here, ``ds, share``, on a scale of its own."""
    axis = alt.Y("share:Q", title=None, axis=alt.Axis(format=".1%"), scale=alt.Scale(zero=False))
    line = source(shares).mark_line(color=variable("accent"), strokeWidth=2).encode(x=time_axis(4), y=axis)
    return layered(line, pointer(shares, [tip_day(), tip("share", say("report.word.share"), ".1%")]), height=220)
