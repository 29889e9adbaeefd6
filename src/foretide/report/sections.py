"""The sections of the report: a heading, a sentence with figures, charts, and the figures as a table.

A section whose tables are missing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from foretide.report import charts, snapshots
from foretide.report.blocks import Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import (
    WEEK_DAYS,
    cohorts,
    forecast_blocks,
    interest_bands,
    levels,
    movers,
    recent,
    returned,
    stage_now,
    stage_users,
    thinned,
    top_interests,
    weekly_account,
)
from foretide.report.headline import at_horizon, paces, series_name
from foretide.report.trust import backtests, health, notes
from foretide.report.wording import change, day, hour, listing, number, percent, points, signed, strong, weekday
from foretide.schema import STAGES
from foretide.text import say

#: Series drawn in the activity section.
MAX_SERIES = 6
#: Bars in the chart of movers, from both ends.
MAX_MOVERS = 10
#: The retention sentence speaks of this week, or of the last one there is.
RETENTION_WEEK = 4
#: A user above this chance of no activity is called likely to fall silent.
SURE = 0.8
CHANCE_BINS = 10
#: Hours of the day that a row of the habit table joins.
DAY_PART_HOURS = 4


def sections(data: ReportData) -> list[Section]:
    """Return the sections that the data allow, in the order of the page."""
    builders: tuple[Callable[[ReportData], Section | None], ...] = (
        stages,
        activity,
        interests,
        growth,
        retention,
        habits,
        outlook,
        recommendations,
        backtests,
        health,
        notes,
    )
    return [section for build in builders if (section := build(data))]


def stages(data: ReportData) -> Section | None:
    """Say which stage will grow and which will shrink, and fan out each."""
    if not (given(data.stage_history) and given(data.stage_forecast)):
        return None
    history, ahead = stage_users(data.stage_history, data.stage_forecast)
    now, later = stage_now(data.stage_history), at_horizon(ahead)
    moves = sorted((later[stage] - now[stage], stage) for stage in STAGES if stage in later)
    (loss, loser), (gain, winner) = moves[0], moves[-1]
    sentence = say(
        "report.stages.sentence",
        users=number(sum(now.values())),
        gain=strong(say(f"stage.{winner}")),
        gain_change=signed(gain, 0),
        loss=strong(say(f"stage.{loser}")),
        loss_change=signed(loss, 0),
        date=day(ahead["ds"].max()),  # type: ignore[arg-type]
    )
    drawn = [stage for stage in STAGES if stage in later and (now[stage] or later[stage])]
    figures = tuple(stage_figure(history, ahead, stage) for stage in drawn)
    remark = say("report.stages.remark")
    table_ = stage_interval_table(ahead)
    return Section("stages", say("report.stages.title"), sentence, figures, (table_,), columns=3, remark=remark)


def stage_figure(history: pl.DataFrame, ahead: pl.DataFrame, stage: str) -> Figure:
    """Return the course of one stage."""
    past, later = (frame.filter(pl.col("stage") == stage) for frame in (history, ahead))
    return figure(f"stage-{stage}", say(f"stage.{stage}"), charts.stage_course(past, later, stage))


def stage_interval_table(ahead: pl.DataFrame) -> Table:
    """Return what is expected of each stage at the horizon, with its intervals."""
    end = ahead.filter(pl.col("ds") == ahead["ds"].max())
    order = pl.col("stage").replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64)
    columns = {
        "stage": (say("report.word.stage"), lambda stage: say(f"stage.{stage}")),
        "mean": (say("report.word.expected"), lambda x: number(x, 0)),
    }
    for level in levels(ahead):
        columns[f"lo-{level}"] = (say("report.word.low", level=level), lambda x: number(x, 0))
        columns[f"hi-{level}"] = (say("report.word.high", level=level), lambda x: number(x, 0))
    return table(say("report.stages.title"), end.sort(order), columns)


def activity(data: ReportData) -> Section | None:
    """Say how much is expected to happen, and draw each series with its bands."""
    if not (given(data.activity_history) and given(data.activity_forecast)):
        return None
    every = list(paces(data))
    shown = every[:MAX_SERIES]
    clauses = [
        say(
            "report.activity.clause",
            name=series_name(name),
            ahead=strong(number(expected.ahead)),
            change=change(expected.ratio),
        )
        for name, expected in shown[:3]
    ]
    sentence = say("report.activity.sentence", days=data.horizon_days, figures=listing(clauses))
    figures = [drawn for name, _ in shown for drawn in series_figures(data, name, whole=len(shown) <= 3)]
    remarks = [say("report.activity.remark")]
    if len(every) > MAX_SERIES:
        remarks.append(say("report.activity.cut", shown=MAX_SERIES, n=number(len(every))))
    return Section(
        "activity", say("report.activity.title"), sentence, tuple(figures), columns=2, remark=" ".join(remarks)
    )


def series_figures(data: ReportData, name: str, whole: bool) -> Iterator[Figure]:
    """Yield the close-up of one series, and its whole history where that is longer and there is room."""
    own = pl.col("unique_id") == name
    past = data.activity_history.filter(own).sort("ds")  # type: ignore[union-attr]
    ahead = data.activity_forecast.filter(own).sort("ds")  # type: ignore[union-attr]
    title = series_name(name)
    yield figure(
        f"series-{name}", say("report.activity.close_up", name=title), charts.course(past, ahead), table=ahead_table(ahead)
    )
    if whole and past.height > charts.CLOSE_UP_DAYS:
        blocks = forecast_blocks(ahead, weekly=True).sort("ds").rename({"share": "mean"})
        run = weeks(past)
        yield figure(
            f"run-{name}",
            say("report.activity.long_run", name=title),
            charts.long_run(run, blocks),
            table=run_table(run),
        )


def weeks(past: pl.DataFrame) -> pl.DataFrame:
    """Return the mean a day of each whole week, counted back from the last day."""
    age = (pl.lit(past["ds"].max()) - pl.col("ds")).dt.total_days() // WEEK_DAYS
    blocks = past.group_by(age.alias("age")).agg(pl.col("ds").max(), pl.col("y").mean(), pl.len())
    return blocks.filter(pl.col("len") == WEEK_DAYS).sort("ds").select("ds", "y")


def ahead_table(ahead: pl.DataFrame) -> Table:
    """Return the forecast of a series day by day."""
    columns = {"ds": (say("report.word.day"), day), "mean": (say("report.word.expected"), number)}
    for level in levels(ahead):
        columns[f"lo-{level}"] = (say("report.word.low", level=level), number)
        columns[f"hi-{level}"] = (say("report.word.high", level=level), number)
    return table(say("report.word.forecast"), ahead, columns)


def run_table(run: pl.DataFrame) -> Table:
    """Return the weeks of a series, newest first."""
    columns = {"ds": (say("report.word.week"), day), "y": (say("report.word.a_day"), number)}
    return table(say("report.word.a_day"), run.sort("ds", descending=True), columns)
