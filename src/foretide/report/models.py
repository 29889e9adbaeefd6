"""The section on the models of users: all of them beside the simple rates, on the last whole horizon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from foretide.report.blocks import Columns, Section, Table, table
from foretide.report.data import ReportData, given
from foretide.report.trust import best_rows
from foretide.report.wording import listing, number, percent, sentences, signed, strong, titled
from foretide.schema import STAGES
from foretide.text import say
from foretide.users.backtest import BASELINES
from foretide.users.models import USER_MODELS

EVERYONE, STAYING = "all", "eligible"
#: Scores beside the log-loss of which the smallest is best as well: their headings and digits.
FURTHER = {
    "brier": ("report.metric.brier", 3),
    "calibration_error": ("report.metric.calibration_error", 3),
    "days_rmse": ("ahead.metric.days_rmse", 2),
}


def models(data: ReportData) -> Section | None:
    """Say which model told best what users did, and where none beat the simple rates."""
    if not given(data.stage_history):
        return None
    title = say("ahead.models.title")
    if not (given(data.models) and given(data.model_margins)):
        return Section("models", title, say("ahead.models.none"))
    whole = judged(data, EVERYONE)
    sentence = sentences([best_words(whole), kept_words(data), *stage_words(data)])
    seen = (model_table(whole, say("ahead.models.caption", users=number(whole["n"][0]))),)
    staying = judged(data, STAYING)
    folded = (model_table(staying, say("ahead.models.staying", users=number(staying["n"][0]))),) if len(staying) else ()
    remark = sentences([say("ahead.models.remark"), untried(data)])
    return Section("models", title, sentence, tables=seen, folded=(*folded, stage_table(data)), remark=remark)


def judged(data: ReportData, group: str) -> pl.DataFrame:
    """Return the models of one group of users with a verdict each, the best first and the simple rates last."""
    assert data.models is not None
    rows = data.models.filter(stage=group).with_columns(simple=pl.col("model").is_in(list(BASELINES)))
    said = [verdict(row, data.model_kept) for row in rows.iter_rows(named=True)]
    return rows.with_columns(verdict=pl.Series(said, dtype=pl.String)).sort("simple", "log_loss")


def verdict(row: dict[str, Any], kept: str = "") -> str:
    """Return in words how a model did beside the best simple rate."""
    if row["model"] in BASELINES:
        return say("ahead.models.simple")
    words = say(f"ahead.models.{standing(row)}", baseline=model_words(row["baseline"]))
    return say("ahead.models.kept", verdict=words) if row["model"] == kept else words


def standing(row: dict[str, Any]) -> str:
    """Return ``better`` or ``worse`` where the interval of the margin leaves out zero, else ``level``."""
    if row["margin_hi"] < 0:
        return "better"
    return "worse" if row["margin_lo"] > 0 else "level"


def model_words(name: str) -> str:
    """Return the words for a model, with the name that commands know it by."""
    if name in BASELINES:
        return say(f"ahead.model.{name.replace(' ', '_')}")
    return say("ahead.models.named", words=say(f"ahead.model.{name}"), name=name) if name in USER_MODELS else name


def best_words(whole: pl.DataFrame) -> str:
    """Say which model told best, and by how much."""
    best = whole.row(0, named=True)
    key = "best" if standing(best) == "better" else "none_better"
    return say(
        f"ahead.models.{key}",
        model=strong(model_words(best["model"])),
        baseline=model_words(best["baseline"]),
        loss=number(best["log_loss"], 3),
        rate=number(best["log_loss"] - best["margin"], 3),
        margin=margin_words(best["margin"], best["margin_lo"], best["margin_hi"]),
    )


def margin_words(margin: float, lo: float, hi: float) -> str:
    """Return ``−0.048 (−0.061 to −0.035)``."""
    interval = say("report.format.low_high", lo=signed(lo, 3), hi=signed(hi, 3))
    return say("ahead.models.margin_interval", margin=signed(margin, 3), interval=interval)


def kept_words(data: ReportData) -> str:
    """Say which model tells the outlook of this report, and whether another one was clearly better."""
    assert data.model_margins is not None
    others = data.model_margins.filter(~pl.col("model").is_in([data.model_kept, *BASELINES])).sort("margin")
    kept = model_words(data.model_kept)
    for row in others.head(1).iter_rows(named=True):
        if standing(row) == "better":
            names = f"{data.model_kept},{row['model']}"
            return say("ahead.models.kept_behind", model=kept, better=model_words(row["model"]), names=names)
    return say("ahead.models.kept_level", model=kept)


def stage_words(data: ReportData) -> Iterator[str]:
    """Yield in which stages the model of the outlook clearly beat the simple rates, and in which it did not."""
    by_stage = {row["stage"]: standing(row) for row in kept_by_stage(data).iter_rows(named=True)}
    won = [say(f"stage.{stage}") for stage, how in by_stage.items() if how == "better"]
    rest = [say(f"stage.{stage}") for stage, how in by_stage.items() if how != "better"]
    if won:
        yield say("ahead.models.stages_won", stages=listing(won))
    if rest:
        yield say("ahead.models.stages_not", stages=listing(rest))


def kept_by_stage(data: ReportData) -> pl.DataFrame:
    """Return the scores of the model of the outlook, a row a stage in their order."""
    assert data.models is not None
    rows = data.models.filter(pl.col("stage").is_in(STAGES), model=data.model_kept)
    return rows.sort(pl.col("stage").replace_strict(STAGES, range(len(STAGES)), return_dtype=pl.Int64))


def model_table(rows: pl.DataFrame, caption: str) -> Table:
    """Return models with their scores, the best figure of a column stressed."""
    rows = rows.with_columns(margins=pl.Series([in_interval(row) for row in rows.iter_rows(named=True)]))
    columns: Columns = {
        "model": (say("report.metric.model"), lambda name: titled(model_words(name))),
        "verdict": (say("ahead.models.verdict"), titled),
        "log_loss": (say("report.metric.log_loss"), partial(number, digits=3)),
        "margins": (say("ahead.models.margin"), str),
        "auc": (say("report.metric.auc"), partial(number, digits=3)),
    }
    columns |= {name: (say(key), partial(number, digits=digits)) for name, (key, digits) in FURTHER.items()}
    columns["days_bias"] = (say("ahead.metric.days_bias"), lambda x: number(None) if x is None else signed_percent(x))
    written = table(caption, rows, columns, n_names=2)
    scored = [(column, name) for column, name in enumerate(columns) if name in ("log_loss", *FURTHER)]
    best = frozenset((row, column) for column, name in scored for row in best_rows(rows, name, written, column))
    return replace(written, best=best)


def signed_percent(x: float) -> str:
    """Return ``+2.9 %`` for 0.029."""
    return ("+" if x > 0 else "") + percent(x)


def in_interval(row: dict[str, Any]) -> str:
    """Return the margin of a model with its interval; nothing for the rate it is taken against."""
    if row["model"] == row["baseline"]:
        return number(None)
    return margin_words(row["margin"], row["margin_lo"], row["margin_hi"])


def stage_table(data: ReportData) -> Table:
    """Return the model of the outlook beside the best simple rate, stage by stage."""
    rows = kept_by_stage(data).with_columns(rate=pl.col("log_loss") - pl.col("margin"))
    written = list(rows.iter_rows(named=True))
    rows = rows.with_columns(
        verdict=pl.Series([titled(verdict(row)) for row in written], dtype=pl.String),
        margins=pl.Series([in_interval(row) for row in written], dtype=pl.String),
    )
    columns: Columns = {
        "stage": (say("report.word.stage"), lambda stage: titled(say(f"stage.{stage}"))),
        "verdict": (say("ahead.models.verdict"), str),
        "n": (say("report.word.users"), number),
        "base_rate": (say("report.metric.base_rate"), percent),
        "log_loss": (say("report.metric.log_loss"), partial(number, digits=3)),
        "rate": (say("ahead.models.best_rate"), partial(number, digits=3)),
        "margins": (say("ahead.models.margin"), str),
        "auc": (say("report.metric.auc"), partial(number, digits=3)),
    }
    return table(say("ahead.models.by_stage", model=model_words(data.model_kept)), rows, columns, n_names=2)


def untried(data: ReportData) -> str:
    """Say which models were not tried, and how to try them."""
    if not data.models_untried:
        return ""
    return say("ahead.models.untried", models=listing(data.models_untried))
