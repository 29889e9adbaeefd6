"""The section on standing questions: what if more came back, fewer arrived, or users came more often."""

from __future__ import annotations

import altair as alt
import polars as pl

from foretide.report.blocks import Columns, Figure, Section, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import greatest, last_date
from foretide.report.marks import layered, source, tip
from foretide.report.theme import variable
from foretide.report.wording import day, listing, number, percent, sentences, signed, strong
from foretide.text import say

ROW = 44
#: A difference below this many users is none.
NOBODY = 0.5
#: How the axis writes a difference.
SIGNED = "datum.value === 0 ? '0' : format(datum.value, '+,~f')"
#: Which way the active users move, and its colour.
COLOURS = {"more": "gain", "fewer": "loss", "same": "muted"}


def whatif(data: ReportData) -> Section | None:
    """Say how many more or fewer users would be active at the horizon."""
    if not given(data.stage_history):
        return None
    title = say("ahead.whatif.title")
    if not (given(data.what_ifs) and given(data.stage_forecast)):
        return Section("whatif", title, say("ahead.whatif.none"))
    told = list(data.what_ifs.iter_rows(named=True))
    rows = data.what_ifs.with_columns(
        name=pl.Series([named(row) for row in told], dtype=pl.String),
        way=pl.Series([way(row["difference"]) for row in told], dtype=pl.String),
    )
    sentence = say(
        "ahead.whatif.sentence",
        active=number(rows["active"][0], 0),
        date=day(last_date(data.stage_forecast)),
        clauses=listing([clause(row) for row in rows.iter_rows(named=True)]),
    )
    remark = sentences([say("users.caveat"), say("ahead.whatif.luck"), say("ahead.whatif.ask")])
    return Section("whatif", title, sentence, (difference_figure(rows),), remark=remark)


def way(difference: float) -> str:
    """Return whether the active users become more, fewer or neither."""
    if abs(difference) < NOBODY:
        return "same"
    return "more" if difference > 0 else "fewer"


def change_words(change: int) -> str:
    """Return ``+10 %`` for 10."""
    return ("+" if change > 0 else "") + percent(change / 100, 0)


def named(row: dict[str, str | int]) -> str:
    """Return the short name of a scenario."""
    return say(f"ahead.whatif.{row['scenario']}", change=change_words(int(row["change"])))


def clause(row: dict[str, str | int | float]) -> str:
    """Return what a scenario would do, with its interval."""
    return say(
        f"ahead.whatif.{row['way']}",
        scenario=say(f"ahead.whatif.if_{row['scenario']}", change=percent(abs(float(row["change"])) / 100, 0)),
        n=strong(number(abs(float(row["difference"])), 0)),
        interval=say(
            "report.format.low_high", lo=signed(round(float(row["lo"])), 0), hi=signed(round(float(row["hi"])), 0)
        ),
    )


def difference_figure(rows: pl.DataFrame) -> Figure:
    """Return each difference as a point on its interval."""
    columns: Columns = {
        "name": (say("ahead.whatif.scenario"), str),
        "active": (say("report.word.expected"), lambda x: number(x, 0)),
        "active_if": (say("ahead.whatif.then"), lambda x: number(x, 0)),
        "difference": (say("ahead.whatif.difference"), lambda x: signed(x, 1)),
        "lo": (say("report.word.low", level=80), lambda x: signed(x, 1)),
        "hi": (say("report.word.high", level=80), lambda x: signed(x, 1)),
    }
    chart = say("ahead.whatif.chart")
    return figure("whatif", chart, differences(rows), table=table(chart, rows, columns))


def differences(rows: pl.DataFrame) -> alt.LayerChart:
    """Draw each difference in active users with its interval: ``name, way, difference, lo, hi``."""
    reach = 1.25 * max(1.0, greatest(rows["lo"].abs()), greatest(rows["hi"].abs()))
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    across = alt.X("difference:Q", title=None, scale=scale, axis=alt.Axis(labelExpr=SIGNED, tickCount=7))
    colours = alt.Scale(domain=list(COLOURS), range=[variable(colour) for colour in COLOURS.values()])
    place = {
        "y": alt.Y("name:N", title=None, sort=rows["name"].to_list(), axis=alt.Axis(labelLimit=190, labelFontSize=12)),
        "color": alt.Color("way:N", scale=colours, legend=None),
        "tooltip": [
            alt.Tooltip("name:N", title=say("ahead.whatif.scenario")),
            tip("active_if", say("ahead.whatif.then"), ",.0f"),
            tip("difference", say("ahead.whatif.difference"), "+,.1f"),
            tip("lo", say("report.word.low", level=80), "+,.1f"),
            tip("hi", say("report.word.high", level=80), "+,.1f"),
        ],
    }
    zero = source(pl.DataFrame({"zero": [0.0]})).mark_rule(color=variable("muted")).encode(x="zero:Q")
    intervals = source(rows).mark_rule(strokeWidth=3, opacity=0.55).encode(x="lo:Q", x2="hi:Q", **place)
    points = source(rows).mark_point(filled=True, size=110, opacity=1).encode(x=across, **place)
    words = source(rows).mark_text(dy=-13, fontWeight=600, fontSize=12)
    told = words.encode(x="difference:Q", y=place["y"], text=alt.Text("difference:Q", format="+,.0f"))
    return layered(zero, intervals, points, told, height=ROW * rows.height + 20)
