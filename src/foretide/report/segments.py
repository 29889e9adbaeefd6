"""The section on groups of users: what each is heading for, and which users are worth acting on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

import altair as alt
import polars as pl

from foretide.report.blocks import Columns, Figure, Section, Swatch, Table, figure, table
from foretide.report.data import ReportData, given
from foretide.report.figures import greatest
from foretide.report.marks import layered, source, tip
from foretide.report.theme import variable
from foretide.report.trends import moving, trend_table
from foretide.report.wording import listing, number, percent, sentences, strong, titled
from foretide.text import say

#: Users worth acting on that are shown.
SHOWN = 10
#: A name above a bar is broken into lines of so many letters, or half as many signs that are twice as wide.
LINE = 44
#: Height of a line of a name and of a bar, between the two, and around both.
LINE_HEIGHT, BAR_HEIGHT, GAP, ROOM = 15, 16, 2, 18


def segments(data: ReportData) -> Section | None:
    """Say which groups there are, who of them may fall silent, and on whom acting is worth most."""
    if not given(data.stage_history):
        return None
    title = say("ahead.segments.title")
    if not given(data.segments):
        return Section("segments", title, say("ahead.segments.none"))
    tables = [segment_table(data.segments), *trend_tables(data)]
    tables += [worth_table(data.worth)] if given(data.worth) else []
    remark = sentences([say("ahead.segments.export"), say("segments.experiment")])
    sentence = sentences([*segment_words(data.segments), trend_words(data), worth_words(data)])
    drawn = (segment_figure(data.segments),)
    return Section("segments", title, sentence, drawn, tuple(tables), remark=remark)


def segment_words(found: pl.DataFrame) -> Iterator[str]:
    """Yield which group is the largest, and which has the greatest chance to fall silent."""
    if found.height == 1:
        yield say("ahead.segments.one", users=strong(number(found["users"][0])), share=percent(found["p_inactive"][0]))
        return
    large = found.sort("users", descending=True).row(0, named=True)
    risky = found.sort("p_inactive", descending=True).row(0, named=True)
    yield say(
        "ahead.segments.sentence",
        n=found.height,
        large=strong(large["segment"]),
        users=number(large["users"]),
        share=percent(large["share"], 0),
    )
    yield say(
        "ahead.segments.risky",
        risky=strong(risky["segment"]),
        silent=number(risky["expected_inactive"], 0),
        users=number(risky["users"]),
    )


def trend_tables(data: ReportData) -> tuple[Table, ...]:
    """Return which interests rise and fall in each group, where any does."""
    if not (given(data.segments) and given(data.interest_trends) and moving(data.interest_trends).height):
        return ()
    return (trend_table(data.interest_trends, data.segments["segment"].to_list()),)


def trend_words(data: ReportData) -> str:
    """Say that no interest can be told to rise or fall; nothing where one can, or where there are none."""
    told = given(data.interest_trends) and moving(data.interest_trends).is_empty()
    return say("ahead.trends.none") if told else ""


def worth_words(data: ReportData) -> str:
    """Say how many users have something at stake; that nobody has is said too."""
    if not given(data.worth):
        return say("ahead.segments.nobody")
    return say("ahead.segments.worth", users=strong(number(data.worth.height)))


def segment_figure(found: pl.DataFrame) -> Figure:
    """Return the size of each group, and how much of it is expected to fall silent."""
    return figure(
        "segments",
        say("ahead.segments.chart"),
        sizes(found),
        legend=(
            Swatch("accent", say("ahead.segments.stay")),
            Swatch("loss", say("ahead.segments.silent")),
        ),
        table=segment_table(found, brief=True),
    )


def sizes(found: pl.DataFrame) -> alt.LayerChart:
    """Draw a bar for each group: users who are expected to stay, then those who fall silent; its name above it."""
    labels = [label(*row) for row in found.select("segment", "users").iter_rows()]
    n_lines = max(len(lines) for lines in labels)
    rows = found.with_row_index("place").with_columns(
        *(line(labels, back).alias(f"line_{back}") for back in range(n_lines)),
        zero=0.0,
        stay=pl.col("users") - pl.col("expected_inactive"),
    )
    end = max(1.0, greatest(rows["users"].cast(pl.Float64)))
    across = alt.X("zero:Q", title=None, scale=alt.Scale(domain=[0, end], nice=False), axis=None)
    on = alt.X("stay:Q", title=None, axis=None)  # every layer says so: an axis is drawn if one of them leaves it open
    place = alt.Y("place:O", axis=None)
    told = [
        alt.Tooltip("segment:N", title=say("segments.column.segment")),
        tip("users", say("report.word.users"), ","),
        tip("expected_inactive", say("segments.column.expected_inactive"), ",.0f"),
        tip("p_inactive", say("segments.column.p_inactive"), ".1%"),
    ]
    middle = n_lines * LINE_HEIGHT / 2  # of a bar, below that of its row
    bar = source(rows).mark_bar(height=BAR_HEIGHT, yOffset=middle)
    stay = bar.encode(x=across, x2="stay:Q", y=place, color=alt.value(variable("accent")), tooltip=told)
    silent = bar.encode(x=on, x2="users:Q", y=place, color=alt.value(variable("loss")), tooltip=told)
    top = middle - BAR_HEIGHT / 2 - GAP
    names = [written(rows, back, top).encode(x=across, y=place) for back in range(n_lines)]
    return layered(stay, silent, *names, height=(BAR_HEIGHT + ROOM + n_lines * LINE_HEIGHT) * rows.height)


def written(rows: pl.DataFrame, back: int, top: float) -> alt.Chart:
    """Return the line of the names that is so many before the last one, which ends at ``top``."""
    dy = top - back * LINE_HEIGHT
    return source(rows).mark_text(align="left", baseline="bottom", dy=dy, fontSize=12).encode(text=f"line_{back}:N")


def label(segment: str, users: int) -> list[str]:
    """Return the name of a group and its size, in lines that a phone has room for."""
    width = LINE if segment.isascii() else LINE // 2
    return wrap(say("ahead.segments.label", segment=segment, users=number(users)), width)


def line(labels: Sequence[Sequence[str]], back: int) -> pl.Series:
    """Return the line of each label that is so many before its last, empty where there is none."""
    return pl.Series([lines[-1 - back] if back < len(lines) else "" for lines in labels], dtype=pl.String)


def segment_table(found: pl.DataFrame, brief: bool = False) -> Table:
    """Return the groups with their outlook; the brief form has the figures of the chart only."""
    columns: Columns = {"segment": (titled(say("segments.column.segment")), str)}
    liked = not brief and bool(found["interests_ahead"].list.len().sum())
    if liked:
        columns["interests_ahead"] = (titled(say("segments.column.interests_ahead")), named)
    columns |= {
        "users": (say("report.word.users"), number),
        "share": (say("report.word.share"), percent),
        "p_inactive": (titled(say("segments.column.p_inactive")), percent),
    }
    if brief:
        columns["expected_inactive"] = (titled(say("segments.column.expected_inactive")), lambda x: number(x, 0))
        return table(say("ahead.segments.chart"), found, columns)
    columns["expected_active_days"] = (say("ahead.segments.active_days"), lambda x: number(x, 1))
    if found["expected_value"].count():
        columns["expected_value"] = (titled(say("segments.column.expected_value")), lambda x: number(x, 0))
    return table(say("ahead.segments.caption"), found, columns, n_names=1 + liked)


def named(interests: list[str] | None) -> str:
    """Return interests as a list in words."""
    return listing(interests) if interests else number(None)


def worth_table(worth: pl.DataFrame) -> Table:
    """Return the first users worth acting on."""
    columns: Columns = {
        "user_id": (say("report.word.user"), str),
        "stage": (say("report.word.stage"), lambda stage: say(f"stage.{stage}")),
    }
    liked = bool(worth["interest"].count())
    if liked:
        columns["interest"] = (titled(say("segments.column.interest")), lambda name: name or number(None))
    columns |= {
        "p_inactive": (titled(say("segments.column.p_inactive")), percent),
        "if_active": (titled(say("segments.column.if_active")), lambda x: number(x, 1)),
        "at_stake": (titled(say("segments.column.at_stake")), lambda x: number(x, 1)),
    }
    first = worth.head(SHOWN)
    return table(
        say(
            "ahead.segments.worth_caption",
            shown=first.height,
            users=number(worth.height),
            unit=say(f"segments.unit.{worth['unit'][0]}"),
        ),
        first,
        columns,
        n_names=2 + liked,
    )
