"""The sections on what the forecasts are worth: errors on earlier dates, health of the data, remarks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import floor, isfinite, log10

import polars as pl

from foretide.evaluate.backtest import NAIVE, beside_naive
from foretide.report.blocks import Columns, Section, Table, table
from foretide.report.data import ReportData, given
from foretide.report.wording import change, listing, number, percent, sentences, strong, titled
from foretide.text import say

#: The forecast that is shown.
OURS = "Ensemble"
#: What is forecast under names of our own; others keep theirs.
NAMED = ("activity", "stages", "interests", "series", "events", "users", "value")
#: Columns of a backtest where the smallest figure is best, where the largest is, and where neither is.
ERRORS, FITS, COVERAGES = ("mase", "vs_naive", "rmsse", "mse", "rmse", "mae"), ("r2",), ("coverage_80", "coverage_95")
#: An error with more zeros than this behind the point is none.
MAX_LEADING = 9


def backtests(data: ReportData) -> Section | None:
    """Say what the errors were on earlier dates, and where a simple method did better."""
    tested = {what: of_all(frame) for what, frame in data.backtests.items() if given(frame)}
    if not data.backtests:
        return None
    if not tested:
        return Section("backtest", say("report.backtest.title"), say("report.backtest.none"))
    clauses = [clause for what, frame in tested.items() for clause in compared(what, frame)]
    told = [say("report.backtest.sentence", figures=listing(clauses))] if clauses else []
    lost = [words for what, frame in tested.items() for words in lost_to(what, frame)]
    tables = tuple(backtest_table(what, frame) for what, frame in tested.items())
    sentence = sentences([*told, *lost]) or say("report.backtest.remark")
    remark = say("report.backtest.remark")
    return Section("backtest", say("report.backtest.title"), sentence, tables=tables, remark=remark)


def of_all(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows about all series, not those about a kind of them."""
    return frame.filter(pl.col("series") == "all").drop("series") if "series" in frame.columns else frame


def series_words(what: str) -> str:
    """Return the words for what was forecast."""
    if what not in NAMED:
        return what
    return say(f"report.{'activity' if what in {'events', 'users', 'value'} else 'backtest'}.{what}")


def caption_words(what: str) -> str:
    """Return them as they begin a caption; the reader's own names stay as they are."""
    return titled(series_words(what)) if what in NAMED else what


def mase_of(frame: pl.DataFrame) -> dict[str, float]:
    """Return the MASE of each model that has one."""
    rows = frame.select("model", "mase").drop_nulls().filter(pl.col("mase").is_not_nan())
    return dict(rows.iter_rows())


def compared(what: str, frame: pl.DataFrame) -> Iterator[str]:
    """Yield the error of the forecast against a repeat of last week."""
    errors = mase_of(frame)
    if OURS in errors and errors.get(NAIVE):
        words = change(errors[OURS] / errors[NAIVE], "error")
        yield say("report.backtest.clause", what=series_words(what), change=strong(words))


def lost_to(what: str, frame: pl.DataFrame) -> Iterator[str]:
    """Yield the simple method that beat the forecast, if one did."""
    errors = mase_of(frame)
    if OURS not in errors:
        return
    best = min(errors, key=lambda model: errors[model])
    if errors[best] < errors[OURS] - 0.0005:
        yield say("report.backtest.loses", what=series_words(what), model=best, mase=number(errors[best], 3))


def backtest_table(what: str, frame: pl.DataFrame) -> Table:
    """Return the models' errors, the best figure of each column stressed."""
    frame = beside_naive(frame)
    columns: Columns = {"model": (say("report.metric.model"), str)} | {
        name: (say(f"report.metric.{name}"), metric) for name in (*ERRORS, *FITS) if name in frame.columns
    }
    columns |= {name: (say(f"report.metric.{name}"), percent) for name in COVERAGES if name in frame.columns}
    written = table(say("report.backtest.caption", what=caption_words(what)), frame, columns)
    scored = [column for column, name in enumerate(columns) if name in (*ERRORS, *FITS)]
    best = frozenset(
        (row, column) for column in scored for row in best_rows(frame, list(columns)[column], written, column)
    )
    return replace(written, best=best)


def best_rows(frame: pl.DataFrame, name: str, written: Table, column: int) -> list[int]:
    """Return the rows whose written figure is the best: what looks the same is the same."""
    known = frame[name].cast(pl.Float64).fill_nan(None)
    best = known.arg_max() if name in FITS else known.arg_min()
    if best is None or known[best] is None:
        return []
    return [row for row, cells in enumerate(written.rows) if cells[column] == written.rows[best][column]]


def metric(x: float | None) -> str:
    """Return an error with three digits that count, as far as they are behind the point."""
    if x is None or not isfinite(x):
        return number(None)
    if abs(x) >= 10:
        return number(x)
    leading = floor(log10(abs(x))) if x else 0
    return number(x, max(3, 2 - leading) if leading > -MAX_LEADING else 0)


def health(data: ReportData) -> Section | None:
    """Say what is odd about the data."""
    if data.findings is None:
        return None
    title = say("report.health.title")
    if data.findings.is_empty():
        return Section("health", title, say("report.health.clean"))
    n, warnings = data.findings.height, int((data.findings["severity"] == "warning").sum())
    sentence = (
        say("report.health.sentence_one")
        if n == 1
        else say("report.health.sentence", n=strong(number(n)), warnings=strong(number(warnings)))
    )
    return Section("health", title, sentence, tables=(finding_table(data.findings),))


def finding_table(findings: pl.DataFrame) -> Table:
    """Return the findings in words: what, how often, an example, what is done about it."""
    columns: Columns = {
        "check": (say("report.word.finding"), lambda code: say(f"check.{code}.title")),
        "example": (say("report.word.example"), lambda x: x or "–"),
        "code": (say("report.word.what_we_do"), lambda code: say(f"check.{code}.action")),
        "severity": (say("report.health.severity"), severity),
        "count": (say("report.word.count"), number),
    }
    return table(say("report.health.caption"), findings.with_columns(code="check"), columns, n_names=4)


def severity(kind: str) -> str:
    """Return the word for the weight of a finding."""
    return say(f"report.health.{kind}") if kind in {"warning", "notice"} else kind


def notes(data: ReportData) -> Section | None:
    """List the remarks on the forecasts."""
    if not data.notes:
        return None
    return Section("notes", say("report.notes.title"), say("report.notes.sentence"), remark="\n".join(data.notes))
