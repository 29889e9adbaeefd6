"""The section on activity: how much will happen, series by series."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from foretide.report import charts
from foretide.report.blocks import Columns, Figure, Section, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import forecast_blocks, levels, weekly_means
from foretide.report.headline import OWN_SERIES, paces, series_name
from foretide.report.wording import change, day, listing, number, sentences, strong, titled
from foretide.text import say

#: Series drawn, at most; and up to how many are drawn twice, close up and whole.
MAX_SERIES, MAX_WHOLE = 6, 3
#: Series that the sentence names.
MAX_NAMED = 3


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
        for name, expected in shown[:MAX_NAMED]
    ]
    sentence = say("report.activity.sentence", days=data.horizon_days, figures=listing(clauses))
    figures = [drawn for name, _ in shown for drawn in series_figures(data, name, whole=len(shown) <= MAX_WHOLE)]
    remarks = [say("report.activity.remark")]
    if len(every) > MAX_SERIES:
        remarks.append(say("report.activity.cut", shown=MAX_SERIES, n=number(len(every))))
    return Section(
        "activity", say("report.activity.title"), sentence, tuple(figures), columns=2, remark=sentences(remarks)
    )


def series_figures(data: ReportData, name: str, whole: bool) -> Iterator[Figure]:
    """Yield the close-up of one series, and its whole history where that is longer and there is room."""
    own = pl.col("unique_id") == name
    past = data.activity_history.filter(own).sort("ds")  # type: ignore[union-attr]
    ahead = data.activity_forecast.filter(own).sort("ds")  # type: ignore[union-attr]
    title = titled(series_name(name)) if name in OWN_SERIES else name
    yield figure(
        f"series-{name}",
        say("report.activity.close_up", name=title),
        charts.course(past, ahead),
        table=ahead_table(ahead),
    )
    if whole and past.height > charts.CLOSE_UP_DAYS:
        blocks = forecast_blocks(ahead, weekly=True).sort("ds").rename({"share": "mean"})
        run = weekly_means(past)
        yield figure(
            f"run-{name}",
            say("report.activity.long_run", name=title),
            charts.long_run(run, blocks),
            table=run_table(run),
        )


def ahead_table(ahead: pl.DataFrame, digits: int | None = None) -> Table:
    """Return a forecast day by day."""

    def written(x: float) -> str:
        return number(x, digits)

    columns: Columns = {"ds": (say("report.word.day"), day), "mean": (say("report.word.expected"), written)}
    for level in levels(ahead):
        columns[f"lo-{level}"] = (say("report.word.low", level=level), written)
        columns[f"hi-{level}"] = (say("report.word.high", level=level), written)
    return table(say("report.word.forecast"), ahead, columns)


def run_table(run: pl.DataFrame) -> Table:
    """Return the weeks of a series, newest first."""
    columns: Columns = {"ds": (say("report.word.week"), day), "y": (say("report.word.a_day"), number)}
    return table(say("report.word.a_day"), run.sort("ds", descending=True), columns)
