"""The section on interests: what share of activity each has, and which gain and lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from foretide.report import charts, snapshots
from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import NOTHING, interest_bands, last_date, movers, recent, top_interests
from foretide.report.interest_quality import quality_table, quality_words
from foretide.report.wording import day, percent, points, sentences, strong
from foretide.text import say

#: Bars in the chart of movers, from both ends.
MAX_MOVERS = 12
#: A rest of all activity above this is stated, but would flatten the stream.
MAX_REST = 0.4


def interests(data: ReportData) -> Section | None:
    """Say which interest is largest and which gains most."""
    if not given(data.interest_history):
        return None
    history, forecast = data.interest_history, data.interest_forecast
    names = top_interests(history)
    now = dict(recent(history).group_by("unique_id").agg(pl.col("y").mean()).iter_rows())
    first = max(names, key=lambda name: now.get(name, 0.0))
    bands = interest_bands(history, forecast if given(forecast) else None)
    figures, mover = [stream(bands, last_date(history), names, now)], ""
    if given(forecast):
        moves = movers(history, forecast)
        figures.append(mover_figure(moves))
        mover = mover_sentence(moves)
    share = strong(percent(now.get(first, 0.0)))
    largest = say("report.interests.sentence", first=strong(first), share=share, mover=mover).strip()
    scored = [data.interest_quality] if given(data.interest_quality) else []
    sentence = sentences([largest, *map(quality_words, scored)])
    folded = tuple(map(quality_table, scored))
    title, remark = say("report.interests.title"), say("report.interests.remark")
    return Section("interests", title, sentence, tuple(figures), folded=folded, remark=remark)


def stream(bands: pl.DataFrame, last: date, names: Sequence[str], now: Mapping[str, float]) -> Figure:
    """Return the stream of interests; where the others would fill the chart, only the top ones are drawn."""
    rest = max(0.0, 1 - sum(now.get(name, 0.0) for name in names))
    titles = [*names, say("report.interests.other")]
    whole = rest <= MAX_REST
    drawn = bands if whole else bands.filter(pl.col("rank") < len(names))
    other = "report.interests.legend" if whole else "report.interests.not_drawn"
    legend = [
        Swatch(f"interest-{rank}", name, say("report.interests.legend", now=percent(now.get(name, 0.0))))
        for rank, name in enumerate(names)
    ]
    if rest > NOTHING:
        legend.append(Swatch("interest-other", titles[-1], say(other, now=percent(rest))))
    chart = charts.interests(drawn, last, titles)
    return figure(
        "interests", say("report.interests.stream"), chart, legend=tuple(legend), table=stream_table(bands, titles)
    )


def stream_table(bands: pl.DataFrame, titles: Sequence[str]) -> Table:
    """Return the shares of the top interests, newest first."""
    wide = bands.pivot("rank", index="ds", values="share").sort("ds", descending=True)
    columns: Columns = {"ds": (say("report.word.day"), day)}
    columns |= {str(rank): (title, percent) for rank, title in enumerate(titles) if str(rank) in wide.columns}
    return table(say("report.interests.stream"), wide, columns)


def mover_figure(moves: pl.DataFrame) -> Figure:
    """Return the bars of those who gain and lose most, and the table of all."""
    ends = (
        moves if moves.height <= MAX_MOVERS else pl.concat([moves.head(MAX_MOVERS // 2), moves.tail(MAX_MOVERS // 2)])
    )
    return figure("movers", say("report.interests.movers"), snapshots.movers(ends), table=mover_table(moves))


def mover_table(moves: pl.DataFrame) -> Table:
    """Return every interest with its share now and expected."""
    columns: Columns = {
        "category": (say("report.word.interest"), str),
        "now": (say("report.word.now"), lambda x: percent(x, 2)),
        "ahead": (say("report.word.expected"), lambda x: percent(x, 2)),
        "change": (say("report.word.change"), points),
    }
    return table(say("report.interests.caption"), moves, columns)


def mover_sentence(moves: pl.DataFrame) -> str:
    """Return who gains and who loses most."""
    if moves.is_empty():
        return ""
    top, bottom = moves.row(0, named=True), moves.row(-1, named=True)
    words: dict[str, Any] = {
        "name": strong(top["category"]),
        "now": percent(top["now"]),
        "ahead": strong(percent(top["ahead"])),
        "loser": strong(bottom["category"]),
        "was": percent(bottom["now"]),
        "later": strong(percent(bottom["ahead"])),
    }
    if top["change"] <= 0:
        return say("report.interests.down", **words)
    return say("report.interests.up_down" if bottom["change"] < 0 else "report.interests.up", **words)
