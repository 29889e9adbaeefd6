"""The section on holidays and a team's own events: what each did to activity, how sure that is, what cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from foretide.features.placebo import AROUND_DAYS, LEVEL
from foretide.features.series import ALL
from foretide.report import forest
from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.wording import change, day, listing, number, percent, sentences, signed, strong
from foretide.text import say

#: An effect is told as clear at this share of false alarms.
FALSE_ALARMS = 0.05
TINY = 0.001
#: Events that the chart shows, the newest, and that the sentence names, the surest.
MAX_DRAWN = 24
MAX_NAMED = 3
#: Interests whose own effects are told.
MAX_INTERESTS = 12


def effects(data: ReportData) -> Section | None:
    """Say which events clearly moved activity, draw every effect with its interval, and name what cannot be told."""
    if data.calendar is None or data.effects is None or data.calendar.is_empty():
        return None
    known = judged(data.effects)
    drawn = (effect_figure(data, known),) if given(known) else ()
    own = clear(data.interest_effects) if given(data.interest_effects) else pl.DataFrame()
    tables = (interest_table(own),) if given(own) else ()
    told = [said(known), say("report.effects.interests", n=strong(number(own.height))) if given(own) else ""]
    remark = "\n".join([*([how_sure(known)] if given(known) else []), *untold(data)])
    return Section("effects", say("report.effects.title"), sentences(told), drawn, tables, remark=remark)


def judged(effects: pl.DataFrame) -> pl.DataFrame:
    """Return the effects that are known, in the order of time, with ``verdict``: more, less or unclear."""
    sure = (pl.col("q_value") <= FALSE_ALARMS).fill_null(value=False)
    way = pl.when(pl.col("effect") > 1).then(pl.lit("more")).otherwise(pl.lit("less"))
    known = effects.drop_nulls("effect").with_columns(verdict=pl.when(sure).then(way).otherwise(pl.lit("unclear")))
    return known.sort("ds", "end", "event", "segment")


def clear(effects: pl.DataFrame) -> pl.DataFrame:
    """Return the effects that are told from chance, the surest first."""
    return judged(effects).filter(pl.col("verdict") != "unclear").sort("p_value", "ds", "segment")


def said(known: pl.DataFrame) -> str:
    """Return how many events clearly moved activity, and the surest of them."""
    if known.is_empty():
        return say("report.effects.none_told")
    sure = clear(known)
    if sure.is_empty():
        return say("report.effects.none_clear", of=number(known.height))
    named = [
        say("report.effects.named", event=strong(title(row)), change=strong(change(row["effect"])))
        for row in sure.head(MAX_NAMED).iter_rows(named=True)
    ]
    key = "clear" if sure.height <= MAX_NAMED else "clear_first"
    told = say(f"report.effects.{key}", n=strong(number(sure.height)), named=listing(named))
    rest = known.height - sure.height
    return sentences([told, say("report.effects.rest", n=number(rest)) if rest else ""])


def title(row: Mapping[str, Any]) -> str:
    """Return the name of an event, with what it is about if that is not everything."""
    if row["segment"] == ALL:
        return str(row["event"])
    return say("report.effects.about", event=row["event"], segment=row["segment"])


def days_of(first: date, last: date) -> str:
    """Return the days of an event."""
    return day(first) if first == last else say("report.format.low_high", lo=day(first), hi=day(last))


def gain(ratio: float) -> str:
    """Return a ratio as a signed change in percent: ``+59 %``."""
    return say("report.format.percent", n=signed(100 * (ratio - 1), 0))


def worded(known: pl.DataFrame) -> pl.DataFrame:
    """Replace names by titles, and add ``days``, ``when`` (its first day and the size of the effect) and ``place``."""
    rows = list(known.iter_rows(named=True))
    days = [days_of(row["ds"], row["end"]) for row in rows]
    sizes = [f"{day(row['ds'])} · {gain(row['effect'])}" for row in rows]
    return known.with_columns(
        pl.Series("event", [title(row) for row in rows]), pl.Series("days", days), pl.Series("when", sizes)
    ).with_row_index("place")


def effect_figure(data: ReportData, known: pl.DataFrame) -> Figure:
    """Return the effects with their intervals, the newest events if they are many."""
    rows = worded(known)
    legend = [Swatch(colour, say(f"report.effects.{name}")) for name, colour in forest.VERDICTS.items()]
    return figure(
        "effects",
        say("report.effects.chart", level=percent(LEVEL, 0), date=day(data.last_day)),
        forest.forest(rows.tail(MAX_DRAWN)),
        legend=tuple(legend),
        table=effect_table(rows.reverse()),
    )


def effect_table(rows: pl.DataFrame) -> Table:
    """Return every effect with its figures, the newest first."""
    columns: Columns = {
        "event": (say("report.effects.event"), str),
        "days": (say("report.effects.days"), str),
        **effect_columns(),
        "observed": (say("report.word.seen"), number),
        "expected": (say("report.effects.usual"), lambda x: number(x, 0)),
        "placebos": (say("report.effects.placebos"), number),
        "q_value": (say("report.effects.q"), false_alarms),
    }
    return table(say("report.effects.caption"), with_interval(rows), columns, n_names=2)


def effect_columns() -> Columns:
    """Return the columns of an effect and its interval."""
    return {"effect": (say("report.effects.effect"), gain), "interval": (percent(LEVEL, 0), str)}


def false_alarms(q: float | None) -> str:
    """Return a q-value; what would be written as nothing is told to be small."""
    return number(q, 3) if q is None or q >= TINY else say("report.effects.tiny", q=TINY)


def with_interval(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``interval`` in words; a dash where there is none."""
    bounds = rows.select("lo", "hi").iter_rows()
    words = [
        number(None) if lo is None else say("report.format.low_high", lo=gain(lo), hi=gain(hi)) for lo, hi in bounds
    ]
    return rows.with_columns(interval=pl.Series(words, dtype=pl.String))


def interest_table(own: pl.DataFrame) -> Table:
    """Return what events clearly did to single interests, compared with all other activity."""
    rows = own.head(MAX_INTERESTS)
    days = pl.Series([days_of(first, last) for first, last in rows.select("ds", "end").iter_rows()])
    columns: Columns = {
        "event": (say("report.effects.event"), str),
        "days": (say("report.effects.days"), str),
        "segment": (say("report.word.interest"), str),
        **effect_columns(),
        "q_value": (say("report.effects.q"), false_alarms),
    }
    shown, note = with_interval(rows.with_columns(days=days)), say("report.effects.interests_note")
    return table(say("report.effects.by_interest"), shown, columns, n_names=3, note=note)


def how_sure(known: pl.DataFrame) -> str:
    """Return what effects are compared with, and by how many windows without an event they are judged."""
    compared = say("report.effects.compared", weeks=AROUND_DAYS // 7)
    if known["lo"].null_count() == known.height:
        return sentences([compared, say("report.effects.no_intervals")])
    windows = known.drop_nulls("lo")["placebos"]
    lo, hi = min(windows), max(windows)
    n = number(lo) if lo == hi else say("report.format.low_high", lo=number(lo), hi=number(hi))
    return sentences([compared, say("report.effects.judged", n=n, rate=percent(FALSE_ALARMS, 0))])


def untold(data: ReportData) -> list[str]:
    """Return what cannot be told, and why."""
    if data.calendar is None or data.effects is None:
        return []
    days = ["event", "ds", "end"]
    outside = data.calendar.join(data.effects, on=days, how="anti")
    blank = data.effects.filter(pl.col("effect").is_null())
    alone = data.effects.filter(pl.col("effect").is_not_null() & pl.col("lo").is_null())
    every = (("outside", outside), ("blank", blank), ("alone", alone))
    told = [say(f"report.effects.{why}", events=listing(dated(rows))) for why, rows in every if given(rows)]
    return [*told, say("report.effects.coincidence")]


def dated(events: pl.DataFrame) -> list[str]:
    """Return the events with their days."""
    rows = events.unique(["event", "ds", "end"]).sort("ds", "event").iter_rows(named=True)
    return [say("report.effects.dated", event=row["event"], days=days_of(row["ds"], row["end"])) for row in rows]
