"""The section on lifecycle stages: which will grow, which will shrink, each with the fan of its forecast."""

from __future__ import annotations

import polars as pl

from foretide.report import charts
from foretide.report.activity import ahead_table
from foretide.report.blocks import Columns, Figure, Section, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import last_date, levels, stage_now, stage_users
from foretide.report.headline import at_horizon
from foretide.report.wording import day, number, signed, strong, titled
from foretide.schema import STAGES
from foretide.text import say


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
        date=day(last_date(ahead)),
    )
    drawn = [stage for stage in STAGES if stage in later and (now[stage] or later[stage])]
    figures = tuple(stage_figure(history, ahead, stage) for stage in drawn)
    remark = say("report.stages.remark")
    table_ = stage_interval_table(ahead)
    return Section("stages", say("report.stages.title"), sentence, figures, (table_,), columns=3, remark=remark)


def stage_figure(history: pl.DataFrame, ahead: pl.DataFrame, stage: str) -> Figure:
    """Return the course of one stage."""
    past, later = (frame.filter(pl.col("stage") == stage) for frame in (history, ahead))
    return figure(
        f"stage-{stage}",
        titled(say(f"stage.{stage}")),
        charts.stage_course(past, later, stage),
        table=ahead_table(later, 0),
    )


def stage_interval_table(ahead: pl.DataFrame) -> Table:
    """Return what is expected of each stage at the horizon, with its intervals."""
    end = ahead.filter(pl.col("ds") == ahead["ds"].max())
    order = pl.col("stage").replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64)
    columns: Columns = {
        "stage": (say("report.word.stage"), lambda stage: say(f"stage.{stage}")),
        "mean": (say("report.word.expected"), lambda x: number(x, 0)),
    }
    for level in levels(ahead):
        columns[f"lo-{level}"] = (say("report.word.low", level=level), lambda x: number(x, 0))
        columns[f"hi-{level}"] = (say("report.word.high", level=level), lambda x: number(x, 0))
    return table(say("report.stages.caption", date=day(last_date(ahead))), end.sort(order), columns)
