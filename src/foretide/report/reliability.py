"""The section on calibration: what was said, and what happened, in tenths of the chance and by stage."""

from __future__ import annotations

import math

import altair as alt
import polars as pl

from foretide.report.blocks import Columns, Figure, Section, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import GONE, greatest
from foretide.report.marks import layered, source, tip
from foretide.report.theme import variable
from foretide.report.wording import listing, number, percent, sentences, strong, titled
from foretide.schema import STAGES
from foretide.text import say

EVERYONE = "all"
#: Colours of groups whose stage has none, or one too pale for points.
COLOURS = {EVERYONE: "ink", GONE: "muted"}
#: A group of fewer users is not drawn: a tenth of them would be a handful.
LEAST_USERS = 50
#: The axes end at most at one, and not below this.
LEAST_REACH = 0.05


def reliability(data: ReportData) -> Section | None:
    """Say how far chances were from what happened, and draw them against each other."""
    if not given(data.stage_history):
        return None
    title = say("ahead.reliability.title")
    if not given(data.reliability):
        return Section("reliability", title, say("ahead.reliability.none"))
    sizes = dict(data.reliability.group_by("stage").agg(pl.col("n").sum()).iter_rows())
    stages = [stage for stage in STAGES if sizes.get(stage, 0) >= LEAST_USERS]
    few = [say(f"stage.{stage}") for stage in STAGES if 0 < sizes.get(stage, 0) < LEAST_USERS]
    drawn = [EVERYONE, *(stages if len(sizes) > 3 else ())]  # everyone, all but the churned, and more than one stage
    return Section(
        "reliability",
        title,
        sentences([off_words(data.reliability), *stage_words(data.reliability, stages)]),
        tuple(stage_figure(data.reliability, stage) for stage in drawn),
        columns=3 if len(drawn) > 1 else 1,
        remark=sentences(
            [say("ahead.reliability.remark")]
            + ([say("ahead.reliability.few", stages=listing(few), least=LEAST_USERS)] if few else [])
        ),
    )


def of_group(table_: pl.DataFrame, stage: str) -> pl.DataFrame:
    """Return the tenths of a group with how far off each is, ``away``."""
    return table_.filter(stage=stage).with_columns(away=pl.col("frequency") - pl.col("chance")).sort("chance")


def off(rows: pl.DataFrame) -> float:
    """Return the mean distance between what was said and what happened, over users."""
    return mean_over_users(rows, pl.col("away").abs())


def by_luck(rows: pl.DataFrame) -> float:
    """Return the distance to be expected of chances that are right: the mean deviation of shares of so few users."""
    chance = pl.col("chance")
    return mean_over_users(rows, (2 * chance * (1 - chance) / (math.pi * pl.col("n"))).sqrt())


def mean_over_users(rows: pl.DataFrame, figure_: pl.Expr) -> float:
    """Return the mean of a figure of tenths, each of which counts by its users."""
    return float(rows.select((figure_ * pl.col("n")).sum() / pl.col("n").sum()).item())


def off_words(table_: pl.DataFrame) -> str:
    """Say how far off the chances of all users were, and where most."""
    rows = of_group(table_, EVERYONE)
    worst = rows.sort(pl.col("away").abs(), descending=True).row(0, named=True)
    missed = rows.filter((pl.col("chance") < pl.col("lo")) | (pl.col("chance") > pl.col("hi"))).height
    return say(
        "ahead.reliability.sentence",
        error=strong(number(100 * off(rows), 1)),
        luck=number(100 * by_luck(rows), 1),
        users=number(int(rows["n"].sum())),
        said=percent(worst["chance"]),
        came=percent(worst["frequency"]),
        missed=missed,
        groups=rows.height,
    )


def stage_words(table_: pl.DataFrame, stages: list[str]) -> list[str]:
    """Say how far off they were in each stage."""
    parts = [stage_clause(of_group(table_, stage), stage) for stage in stages]
    return [say("ahead.reliability.stages", stages=listing(parts))] if len(parts) > 1 else []


def stage_clause(rows: pl.DataFrame, stage: str) -> str:
    """Return how far off the chances of one stage were, and would be by luck alone."""
    error, luck = (number(100 * distance(rows), 1) for distance in (off, by_luck))
    return say("ahead.reliability.stage", stage=say(f"stage.{stage}"), error=error, luck=luck)


def stage_figure(table_: pl.DataFrame, stage: str) -> Figure:
    """Return what was said against what happened in the tenths of one group."""
    rows = of_group(table_, stage)
    name = say("ahead.reliability.everyone") if stage == EVERYONE else titled(say(f"stage.{stage}"))
    users = number(int(rows["n"].sum()))
    columns: Columns = {
        "chance": (say("ahead.reliability.said"), percent),
        "frequency": (say("ahead.reliability.came"), percent),
        "lo": (say("report.word.low", level=95), percent),
        "hi": (say("report.word.high", level=95), percent),
        "n": (say("report.word.users"), number),
    }
    return figure(
        f"reliability-{stage}",
        say("ahead.reliability.figure", stage=name, users=users),
        diagram(rows, COLOURS.get(stage, f"stage-{stage}")),
        table=table(say("ahead.reliability.caption"), rows, columns, n_names=0),
    )


def diagram(rows: pl.DataFrame, colour: str) -> alt.LayerChart:
    """Draw what happened against what was said, with intervals, beside the line where both are the same."""
    reach = min(1.0, max(LEAST_REACH, 1.05 * max(greatest(rows["hi"]), greatest(rows["chance"]))))
    scale, axis = alt.Scale(domain=[0, reach], nice=False), alt.Axis(format=".0%", tickCount=4)
    across = alt.X("chance:Q", title=say("ahead.reliability.said"), scale=scale, axis=axis)
    up = alt.Y("frequency:Q", title=say("ahead.reliability.came"), scale=scale, axis=axis)
    same = source(pl.DataFrame({"chance": [0.0, reach], "frequency": [0.0, reach]}))
    told = [
        tip("chance", say("ahead.reliability.said"), ".1%"),
        tip("frequency", say("ahead.reliability.came"), ".1%"),
        tip("lo", say("report.word.low", level=95), ".1%"),
        tip("hi", say("report.word.high", level=95), ".1%"),
        tip("n", say("report.word.users"), ","),
    ]
    marks = source(rows)
    return layered(
        same.mark_line(color=variable("muted"), strokeDash=[4, 3], strokeWidth=1).encode(x=across, y=up),
        marks.mark_rule(color=variable(colour), strokeWidth=2, opacity=0.5).encode(
            x="chance:Q", y=alt.Y("lo:Q", title=say("ahead.reliability.came")), y2="hi:Q", tooltip=told
        ),
        marks.mark_point(color=variable(colour), filled=True, size=70, opacity=1).encode(x=across, y=up, tooltip=told),
        height=220,
    )
