"""The sections on change: from stage to stage, rates whose level changed, users who are not what they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from foretide.features.daily_rates import SHARE
from foretide.features.moves import all_ages
from foretide.report import heat
from foretide.report.blocks import Columns, Section, Table, table
from foretide.report.blocks import figure as figure_of
from foretide.report.data import ReportData, given
from foretide.report.figures import GONE, greatest
from foretide.report.wording import change, day, number, percent, sentences, strong
from foretide.schema import STAGES
from foretide.text import say

#: Stages whose fate the sentence tells.
TOLD = ("active", "at_risk")
#: A share of users is written out up to this many.
MAX_MOVED = 10
RATES = ("daily_users", "new", "resurrected", "lost", "events_per_daily_user")


def moves(data: ReportData) -> Section | None:
    """Say what became of users by the stage they were in, and draw every move."""
    if not given(data.moves):
        return None
    known = chances(data.moves)
    if known.is_empty():
        return None
    told = [fate(known, stage) for stage in TOLD if stage in known["stage"]]
    drawn = figure_of(
        "moves",
        say("report.moves.chart", days=data.move_days, date=day(data.last_day)),
        heat.moves(known),
        table=move_table(known),
        scale=(percent(0, 0), percent(greatest(known["chance"]), 0)),
    )
    sentence = say("report.moves.sentence", days=data.move_days, fates=sentences(told))
    return Section("moves", say("report.moves.title"), sentence, (drawn,))


def chances(matrices: pl.DataFrame) -> pl.DataFrame:
    """Add the ages up: every pair of ``stage, next_stage`` with ``users``, ``of`` how many, and ``chance``."""
    stages = pl.DataFrame({"stage": STAGES}, schema={"stage": pl.String})
    pairs = stages.join(stages.rename({"stage": "next_stage"}), how="cross")
    known = all_ages(matrices.drop_nulls("stage"))
    every = pairs.join(known, on=["stage", "next_stage"], how="left", maintain_order="left")
    of = pl.col("users").fill_null(0).sum().over("stage")
    return every.with_columns(pl.col("users", "chance").fill_null(0), of=of).filter(pl.col("of") > 0)


def fate(known: pl.DataFrame, stage: str) -> str:
    """Return how many of a stage stayed in it, and how many churned."""
    rows = {row["next_stage"]: row["chance"] for row in known.filter(stage=stage).iter_rows(named=True)}
    return say(
        "report.moves.fate",
        stage=say(f"stage.{stage}"),
        users=number(known.filter(stage=stage)["of"][0]),
        stayed=strong(percent(rows[stage], 0)),
        gone=strong(percent(rows[GONE], 0)),
    )


def move_table(known: pl.DataFrame) -> Table:
    """Return the share of each stage that went to each other, and how many users there were."""
    wide = known.pivot("next_stage", index=["stage", "of"], values="chance")
    columns: Columns = {"stage": (say("report.moves.was"), lambda stage: say(f"stage.{stage}"))}
    columns |= {stage: (say(f"stage.{stage}"), lambda x: percent(x, 0)) for stage in STAGES if stage in wide.columns}
    columns["of"] = (say("report.word.users"), number)
    return table(say("report.moves.caption"), wide, columns)


def changes(data: ReportData) -> Section | None:
    """Say which rates changed their level, and how many users changed interests and habits."""
    tested = {name: frame for name, frame in (("interests", data.drift), ("habits", data.habit_drift)) if given(frame)}
    if data.change_points is None and not tested:
        return None
    told = [said_of(name, frame) for name, frame in tested.items()]
    tables = []
    if given(data.change_points):
        told.insert(0, said_of_last(data.change_points))
        tables.append(change_table(data.change_points))
    elif data.change_points is not None:
        told.insert(0, say("report.changes.steady"))
    if "interests" in tested and tested["interests"]["changed"].any():
        tables.append(moved_table(tested["interests"]))
    remark = say("report.changes.remark") if tested else ""
    return Section("changes", say("report.changes.title"), sentences(told), tables=tuple(tables), remark=remark)


def said_of(what: str, frame: pl.DataFrame) -> str:
    """Return how many users changed."""
    n = int(frame["changed"].sum())
    return say(f"report.changes.{what}", n=strong(number(n)), of=number(frame.height))


def said_of_last(found: pl.DataFrame) -> str:
    """Return the newest change of a rate."""
    last = found.sort("ds", maintain_order=True).row(-1, named=True)
    return say(
        "report.changes.last",
        n=number(found.height),
        series=strong(rate_name(last["series"])),
        change=strong(told_change(last)),
        date=day(last["ds"]),
    )


def told_change(row: Mapping[str, Any]) -> str:
    """Return a change of level in words; from nothing by its levels."""
    if row["ratio"] is None:
        return say("report.changes.levels", before=number(row["before"], 3), after=number(row["after"], 3))
    return change(row["ratio"])


def rate_name(series: str) -> str:
    """Return the words for a rate; a category keeps its name."""
    if series in RATES:
        return say(f"report.changes.{series}")
    return say("report.changes.share", name=series.removeprefix(SHARE))


def change_table(found: pl.DataFrame) -> Table:
    """Return every change of level, newest first."""
    columns: Columns = {
        "ds": (say("report.word.day"), day),
        "series": (say("report.changes.rate"), rate_name),
        "before": (say("report.changes.before"), lambda x: number(x, 3 if abs(x) < 1 else 0)),
        "after": (say("report.changes.after"), lambda x: number(x, 3 if abs(x) < 1 else 0)),
        "ratio": (say("report.word.change"), lambda x: number(None) if x is None else change(x)),
    }
    rows = found.sort("ds", "series", descending=[True, False])
    return table(say("report.changes.caption"), rows, columns, n_names=2)


def moved_table(frame: pl.DataFrame) -> Table:
    """Return from which interest to which the users moved."""
    pairs = frame.filter("changed").group_by("falling", "rising").agg(users=pl.len())
    top = pairs.sort("users", "falling", "rising", descending=[True, False, False]).head(MAX_MOVED)
    columns: Columns = {
        "falling": (say("report.changes.from"), str),
        "rising": (say("report.changes.to"), str),
        "users": (say("report.word.users"), number),
    }
    return table(say("report.changes.moved"), top, columns, n_names=2)
