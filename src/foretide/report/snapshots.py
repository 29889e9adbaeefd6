"""The charts of one moment, each written once: movers, retention, habits, chances.

All but the movers and the chances are of the past only, and so say the words beside them.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from foretide.report.figures import greatest
from foretide.report.marks import count_axis, layered, source, stage_colour, tip
from foretide.report.theme import HEAT_COLOURS, variable
from foretide.report.wording import day, hour, weekday
from foretide.schema import STAGES
from foretide.text import say


def movers(table: pl.DataFrame) -> alt.LayerChart:
    """Draw gains to the right and losses to the left, in percentage points of all activity."""
    points = (100 * pl.col("change")).round(2)
    ranked = table.with_row_index("rank").with_columns(
        points=pl.when(points == 0).then(0.0).otherwise(points),  # no minus before a zero
        gain=points >= 0,
    )
    rows = alt.Y(
        "category:N",
        sort=alt.EncodingSortField("rank", op="min", order="ascending"),
        title=None,
        axis=alt.Axis(labelLimit=190),
    )
    colour = alt.Color(
        "gain:N", scale=alt.Scale(domain=[True, False], range=[variable("gain"), variable("loss")]), legend=None
    )
    reach = 1.3 * max(0.01, greatest(ranked["points"].abs()))
    across = alt.X("points:Q", title=None, scale=alt.Scale(domain=[-reach, reach], nice=False), axis=None)
    told = [
        alt.Tooltip("category:N", title=say("report.word.interest")),
        tip("now", say("report.word.now"), ".2%"),
        tip("ahead", say("report.word.expected"), ".2%"),
    ]
    bars = (
        source(ranked)
        .mark_bar(height={"band": 0.62}, cornerRadius=2)
        .encode(x=across, y=rows, color=colour, tooltip=told)
    )
    texts = [
        source(ranked.filter(pl.col("gain") == gains))
        .mark_text(align="left" if gains else "right", dx=5 if gains else -5)
        .encode(x=across, y=rows, text=alt.Text("points:Q", format="+.2f"))
        for gains in (True, False)
    ]
    return layered(bars, *texts, height=26 * len(table) + 10)


def heat(field: str, top: float) -> alt.Color:
    """Return the colours of a heat map from nothing to ``top``."""
    colours = [variable(name) for name in HEAT_COLOURS]
    return alt.Color(f"{field}:Q", scale=alt.Scale(type="quantize", domain=[0, top], range=colours), legend=None)


def retention(table: pl.DataFrame) -> alt.LayerChart:
    """Draw the share of each cohort that was seen again, by weeks since its first."""
    weeks = table["cohort"].unique().sort()
    cells = table.with_columns(
        day=pl.col("cohort").replace_strict(weeks, [day(week) for week in weeks], return_dtype=pl.String),
        order=pl.col("cohort").dt.epoch("d"),
    )
    told = [
        alt.Tooltip("day:N", title=say("report.word.cohort")),
        tip("age", say("report.word.week"), "d"),
        tip("users", say("report.word.users"), ","),
        tip("share", say("report.word.retained"), ".1%"),
    ]
    axis = alt.Axis(
        title=say("report.retention.axis"), labelAngle=0, labelOverlap=True, labelSeparation=4, labelFlush=False
    )
    squares = source(cells.drop("cohort")).mark_rect(cornerRadius=2, stroke=variable("card"), strokeWidth=1.5)
    squares = squares.encode(
        x=alt.X("age:O", axis=axis),
        y=alt.Y("day:O", title=None, sort=alt.EncodingSortField("order", op="min")),
        color=heat("share", greatest(table["share"])),
        tooltip=told,
    )
    return layered(squares, height=max(120, 20 * cells["day"].n_unique()))


def moves(table: pl.DataFrame) -> alt.LayerChart:
    """Draw from which stage users went to which: each row adds up to one."""
    named = table.with_columns(
        pl.col(name).replace_strict(STAGES, [say(f"stage.{stage}") for stage in STAGES], return_dtype=pl.String)
        for name in ("stage", "next_stage")
    )
    order = [say(f"stage.{stage}") for stage in STAGES]
    told = [
        alt.Tooltip("stage:N", title=say("report.moves.was")),
        alt.Tooltip("next_stage:N", title=say("report.moves.is")),
        tip("users", say("report.word.users"), ","),
        tip("chance", say("report.word.share"), ".1%"),
    ]
    place = {
        "x": alt.X("next_stage:O", sort=order, title=say("report.moves.is"), axis=alt.Axis(labelAngle=0)),
        "y": alt.Y("stage:O", sort=order, title=say("report.moves.was")),
    }
    top = greatest(table["chance"])
    squares = source(named).mark_rect(cornerRadius=2, stroke=variable("card"), strokeWidth=1.5)
    squares = squares.encode(**place, color=heat("chance", top), tooltip=told)
    return layered(squares, height=34 * named["stage"].n_unique() + 20)


def habits(table: pl.DataFrame) -> alt.LayerChart:
    """Draw when in the week things happen, in local time."""
    total = table["events"].sum()
    named = table.with_columns(
        name=pl.col("weekday").replace_strict(range(1, 8), [weekday(i) for i in range(1, 8)], return_dtype=pl.String),
        time=pl.col("hour").replace_strict(range(24), [hour(i) for i in range(24)], return_dtype=pl.String),
        share=pl.col("events") / total,
    )
    told = [
        alt.Tooltip("name:N", title=say("report.word.weekday")),
        alt.Tooltip("time:N", title=say("report.word.hour")),
        tip("events", say("report.word.events"), ","),
        tip("share", say("report.word.share"), ".2%"),
    ]
    rows = alt.Y("name:O", sort=[weekday(i) for i in range(1, 8)], title=None)
    squares = source(named).mark_rect(cornerRadius=2, stroke=variable("card"), strokeWidth=1.5)
    squares = squares.encode(
        x=alt.X(
            "time:O",
            title=None,
            axis=alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=8, labelFlush=False),
        ),
        y=rows,
        color=heat("share", greatest(named["share"])),
        tooltip=told,
    )
    return layered(squares, height=7 * 30)


def chances(bins: pl.DataFrame) -> alt.LayerChart:
    """Draw how many users have which chance of falling silent, by their present stage."""
    told = [
        alt.Tooltip("label:N", title=say("report.outlook.chance")),
        alt.Tooltip("name:N", title=say("report.word.stage")),
        tip("users", say("report.word.users"), ","),
    ]
    bars = source(bins).mark_rect(stroke=variable("card"), strokeWidth=1)
    across = alt.X(
        "lo:Q",
        title=say("report.outlook.chance"),
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", grid=False),
    )
    return layered(
        bars.encode(
            x=across,
            x2="hi:Q",
            y=count_axis("base"),
            y2="top",
            color=stage_colour(),
            tooltip=told,
        ),
        height=240,
    )
