"""The heat maps, each written once: moves between stages, retention by weeks and by days, habits.

All are of the past only, and say so in their titles. Where cells are wide enough each holds its share in words.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from foretide.report.figures import greatest
from foretide.report.marks import layered, source, tip
from foretide.report.theme import HEAT_COLOURS, HEAT_INKS, variable
from foretide.report.wording import day, hour, weekday
from foretide.schema import STAGES
from foretide.text import say

#: A chart narrower than this, in pixels, has the labels of its columns on two lines in turn, and smaller figures.
NARROW = 480
FIGURE_SIZE = {"expr": f"width < {NARROW} ? 9.5 : 11"}
ROW = 24


def squares(frame: pl.DataFrame, **channels: Any) -> alt.Chart:
    """Return the cells of a heat map, a thin gap between them."""
    return source(frame).mark_rect(cornerRadius=2, stroke=variable("card"), strokeWidth=1.5).encode(**channels)


def heat(field: str, top: float) -> alt.Color:
    """Return the colours of a heat map from nothing to ``top``."""
    colours = [variable(name) for name in HEAT_COLOURS]
    return alt.Color(f"{field}:Q", scale=alt.Scale(type="quantize", domain=[0, top], range=colours), legend=None)


def shares_in(frame: pl.DataFrame, field: str, **place: Any) -> alt.Chart:
    """Write each share into its cell, in an ink that can be read on its colour."""
    inks = [variable(name) for name in HEAT_INKS]
    scale = alt.Scale(type="quantize", domain=[0, greatest(frame[field])], range=inks)
    fill = alt.Fill(f"{field}:Q", scale=scale, legend=None)
    words = source(frame).mark_text(fontSize=FIGURE_SIZE)
    return words.encode(**place, fill=fill, text=alt.Text(f"{field}:Q", format=".0%"))


def in_turn(n: int) -> alt.Axis:
    """Return an axis of ``n`` words that stand on two lines in turn where the chart is narrow."""
    odd = f"width < {NARROW} && round(datum.index * {max(1, n - 1)}) % 2"
    return alt.Axis(
        labelAngle=0, labelOverlap=False, labelFlush=False, labelExpr=f"{odd} ? ['', datum.label] : datum.label"
    )


def retention(table: pl.DataFrame) -> alt.LayerChart:
    """Draw the share of each cohort that was seen again, by weeks since its first."""
    told = [
        alt.Tooltip("day:N", title=say("report.word.cohort")),
        tip("age", say("report.word.week"), "d"),
        tip("users", say("report.word.users"), ","),
        tip("share", say("report.word.retained"), ".1%"),
    ]
    axis = alt.Axis(
        title=say("report.retention.axis"), labelAngle=0, labelOverlap=True, labelSeparation=4, labelFlush=False
    )
    cells = by_cohort(table)
    colour = heat("share", greatest(table["share"]))
    drawn = squares(cells, x=alt.X("age:O", axis=axis), y=cohort_rows(), color=colour, tooltip=told)
    return layered(drawn, height=max(120, 20 * cells["day"].n_unique()))


def kinds(table: pl.DataFrame) -> alt.LayerChart:
    """Draw the share of each cohort that came back, counted in several ways: ``cohort, days, place, share, ...``."""
    order = table.unique("place").sort("place")["days"].to_list()
    told = [
        alt.Tooltip("day:N", title=say("report.word.cohort")),
        alt.Tooltip("days:N", title=say("report.retention.days")),
        tip("users", say("report.word.users"), ","),
        tip("share", say("report.word.retained"), ".1%"),
    ]
    axis = alt.Axis(title=say("report.retention.days"), labelAngle=0, labelOverlap=False, labelFlush=False)
    place = {"x": alt.X("days:O", sort=order, axis=axis), "y": cohort_rows()}
    cells = by_cohort(table)
    drawn = squares(cells, **place, color=heat("share", greatest(cells["share"])), tooltip=told)
    return layered(drawn, shares_in(cells, "share", **place), height=max(120, ROW * cells["day"].n_unique()))


def by_cohort(table: pl.DataFrame) -> pl.DataFrame:
    """Name the cohorts by the day on which they begin, in the order of time."""
    weeks = table["cohort"].unique().sort()
    names = pl.col("cohort").replace_strict(weeks, [day(week) for week in weeks], return_dtype=pl.String)
    return table.with_columns(day=names, order=pl.col("cohort").dt.epoch("d")).drop("cohort")


def cohort_rows() -> alt.Y:
    """Return the rows of cohorts, the oldest on top."""
    return alt.Y("day:O", title=None, sort=alt.EncodingSortField("order", op="min"))


def moves(table: pl.DataFrame) -> alt.LayerChart:
    """Draw from which stage users went to which: each row adds up to one."""
    order = [say(f"stage.{stage}") for stage in STAGES]
    cells = table.with_columns(
        pl.col("stage", "next_stage").replace_strict(STAGES, order, return_dtype=pl.String),
    )
    told = [
        alt.Tooltip("stage:N", title=say("report.moves.was")),
        alt.Tooltip("next_stage:N", title=say("report.moves.is")),
        tip("users", say("report.word.users"), ","),
        tip("chance", say("report.word.share"), ".1%"),
    ]
    place = {
        "x": alt.X("next_stage:O", sort=order, title=say("report.moves.is"), axis=in_turn(len(order))),
        "y": alt.Y("stage:O", sort=order, title=say("report.moves.was")),
    }
    drawn = squares(cells, **place, color=heat("chance", greatest(cells["chance"])), tooltip=told)
    return layered(drawn, shares_in(cells, "chance", **place), height=34 * cells["stage"].n_unique() + 20)


def habits(table: pl.DataFrame) -> alt.LayerChart:
    """Draw when in the week things happen, in local time."""
    weekdays, hours = [weekday(i) for i in range(1, 8)], [hour(i) for i in range(24)]
    cells = table.with_columns(
        name=pl.col("weekday").replace_strict(range(1, 8), weekdays, return_dtype=pl.String),
        time=pl.col("hour").replace_strict(range(24), hours, return_dtype=pl.String),
        share=pl.col("events") / table["events"].sum(),
    )
    told = [
        alt.Tooltip("name:N", title=say("report.word.weekday")),
        alt.Tooltip("time:N", title=say("report.word.hour")),
        tip("events", say("report.word.events"), ","),
        tip("share", say("report.word.share"), ".2%"),
    ]
    axis = alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=8, labelFlush=False)
    drawn = squares(
        cells,
        x=alt.X("time:O", title=None, axis=axis),
        y=alt.Y("name:O", sort=weekdays, title=None),
        color=heat("share", greatest(cells["share"])),
        tooltip=told,
    )
    return layered(drawn, height=7 * 30)
