"""The sections on single users: who may fall silent, and what to show them."""

from __future__ import annotations

from functools import partial

import polars as pl

from foretide.report import snapshots
from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import last_date, outlook_end, staying_users
from foretide.report.headline import active_users
from foretide.report.wording import day, number, percent, strong
from foretide.schema import STAGES
from foretide.text import say
from foretide.users.next_stage import CHANCES

#: A user above this chance of no activity is called likely to fall silent.
SURE = 0.8
CHANCE_BINS = 10
#: A stage that is less likely than this for everybody has no column of its own.
LEAST_CHANCE = 0.005
#: Users in the sample of recommendations, and items of each.
MAX_USERS, MAX_ITEMS = 8, 5
#: Columns of the outlook's scores, with their digits; those that name rows come first.
NAMES = ("segment", "stage", "model")
SCORES = {"n": 0, "base_rate": 3, "auc": 3, "log_loss": 3, "brier": 3, "calibration_error": 3}


def outlook(data: ReportData) -> Section | None:
    """Say how many users are expected to show no activity in the horizon."""
    if not given(data.outlook):
        return None
    users = staying_users(data.outlook)
    sentence = say(
        "report.outlook.sentence",
        users=number(users.height),
        silent=strong(number(float(users["p_inactive"].sum()), 0)),
        days=data.horizon_days,
        date=day(outlook_end(data)),
        sure=strong(number(int((users["p_inactive"] > SURE).sum()))),
        limit=percent(SURE, 0),
    )
    figures = (chance_figure(data, data.outlook.filter(pl.col("p_inactive").is_not_nan())),)
    alone = given(data.outlook_quality) and not given(data.models)  # else they stand beside other models
    tables, folded = quality_tables(data.outlook_quality) if alone else ((), ())  # type: ignore[arg-type]
    if set(CHANCES) <= set(data.outlook.columns) and data.outlook[CHANCES[0]].count():
        tables = (*tables, next_stage_table(data.outlook))
    return Section(
        "outlook", say("report.outlook.title"), sentence, figures, tables, folded, remark=beside(data, users)
    )


def beside(data: ReportData, users: pl.DataFrame) -> str:
    """Say how the number of those who fall silent goes with the number of active users ahead; nothing without it."""
    if not (given(data.stage_history) and given(data.stage_forecast)):
        return ""
    return say(
        "report.outlook.beside",
        stay=number(float((1 - users["p_inactive"]).sum()), 0),
        ahead=number(active_users(data).ahead, 0),
        date=day(last_date(data.stage_forecast)),
    )


def chance_figure(data: ReportData, users: pl.DataFrame) -> Figure:
    """Return the histogram of chances, by stage."""
    present = [stage for stage in STAGES if stage in users["stage"].unique()]
    return figure(
        "outlook",
        say("report.outlook.chart", days=data.horizon_days),
        snapshots.chances(chance_bins(users)),
        legend=tuple(Swatch(f"stage-{stage}", say(f"stage.{stage}")) for stage in present),
        table=stage_outlook_table(users),
    )


def chance_bins(users: pl.DataFrame) -> pl.DataFrame:
    """Return ``lo, hi, label, stage, name, users, base, top``: users by tenths of the chance and by stage."""
    bin_ = (pl.col("p_inactive") * CHANCE_BINS).floor().clip(0, CHANCE_BINS - 1).cast(pl.Int64)
    counts = users.group_by(bin_.alias("bin"), "stage").agg(users=pl.len()).sort("bin", "stage")
    edges = [percent(i / CHANCE_BINS, 0) for i in range(CHANCE_BINS + 1)]
    labels = [say("report.outlook.from_to", lo=edges[i], hi=edges[i + 1]) for i in range(CHANCE_BINS)]
    by_stage = counts.with_columns(order=stage_order()).sort("bin", "order")
    top = pl.col("users").cum_sum().over("bin")
    return by_stage.select(
        "stage",
        "users",
        lo=pl.col("bin") / CHANCE_BINS,
        hi=(pl.col("bin") + 1) / CHANCE_BINS,
        label=pl.col("bin").replace_strict(range(CHANCE_BINS), labels, return_dtype=pl.String),
        name=pl.col("stage").replace_strict(
            STAGES, [say(f"stage.{stage}") for stage in STAGES], return_dtype=pl.String
        ),
        base=top - pl.col("users"),
        top=top,
    )


def stage_order() -> pl.Expr:
    """Return the place of a stage in the order of drawing."""
    return pl.col("stage").replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64)


def stage_outlook_table(users: pl.DataFrame) -> Table:
    """Return the outlook by present stage."""
    columns: Columns = {
        "stage": (say("report.word.stage"), lambda stage: say(f"stage.{stage}")),
        "users": (say("report.word.users"), number),
        "p_inactive": (say("report.outlook.chance_mean"), percent),
        "expected_active_days": (say("report.outlook.active_days"), lambda x: number(x, 1)),
        "expected_hill_1": (say("ahead.breadth.expected"), lambda x: number(x, 1)),
        "p_new_category": (say("ahead.breadth.new"), percent),
    }
    told = [name for name in columns if name in users.columns and users[name].count()]
    columns = {name: column for name, column in columns.items() if name in ("stage", "users", *told)}
    means = users.group_by("stage").agg(pl.len().alias("users"), pl.col(told).exclude("stage").mean())
    return table(say("report.outlook.caption"), means.sort(stage_order()), columns)


def quality_tables(quality: pl.DataFrame) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """Return the scores over many users, to be seen, and those by stage, to be opened."""
    segment_column = next(name for name in NAMES if name in quality.columns)
    by_stage = pl.col(segment_column).is_in(STAGES)
    seen, folded = quality.filter(~by_stage), quality.filter(by_stage)
    return (
        (quality_table(seen, say("report.outlook.quality")),) if seen.height else (),
        (quality_table(folded, say("report.outlook.by_stage")),) if folded.height else (),
    )


def next_stage_table(users: pl.DataFrame) -> Table:
    """Return how many of each present stage are expected in which stage at the end of the horizon."""
    means = users.filter("known").group_by("stage").agg(pl.col(CHANCES).mean())
    columns: Columns = {"stage": (say("report.word.stage"), lambda stage: say(f"stage.{stage}"))}
    columns |= {
        name: (say(f"stage.{stage}"), lambda x: percent(x, 0))
        for name, stage in zip(CHANCES, STAGES, strict=True)
        if (means[name] >= LEAST_CHANCE).any()
    }
    return table(say("ahead.next_stage.caption"), means.sort(stage_order()), columns)


def quality_table(quality: pl.DataFrame, caption: str) -> Table:
    """Return how good the chances were on an earlier horizon, beside the simple rates."""
    names = [name for name in NAMES if name in quality.columns]
    columns: Columns = {name: (say(f"report.metric.{name}"), segment) for name in names}
    scores = [name for name in SCORES if name in quality.columns]
    columns |= {name: (say(f"report.metric.{name}"), partial(number, digits=SCORES[name])) for name in scores}
    return table(caption, quality, columns, n_names=len(names))


def segment(name: str) -> str:
    """Return the words for a group of users; the name of a model stays as it is."""
    if name in STAGES:
        return say(f"stage.{name}")
    return say(f"report.outlook.{name}") if name in {"all", "eligible"} else name


def recommendations(data: ReportData) -> Section | None:
    """Show what some users would be recommended."""
    if not given(data.recommendations):
        return None
    best = data.recommendations.filter(pl.col("rank") <= MAX_ITEMS).sort("user_id", "rank")
    lists = best.group_by("user_id", maintain_order=True).agg(pl.col("item_id").str.join(" · ")).head(MAX_USERS)
    columns: Columns = {"user_id": (say("report.word.user"), str), "item_id": (say("report.word.item"), str)}
    sample = table(say("report.recommend.caption"), lists, columns, n_names=2)
    sentence = say("report.recommend.sentence", users=strong(number(lists.height)))
    return Section("recommend", say("report.recommend.title"), sentence, tables=(sample,))
