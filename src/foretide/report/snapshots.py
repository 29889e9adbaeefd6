"""The charts of one moment, each written once: movers, chances, the retention curve.

``heat`` has the heat maps and ``forest`` the effects of events. The curve is of the past only, and so says its title.
"""

from __future__ import annotations

import altair as alt
import polars as pl

from foretide.report.figures import greatest
from foretide.report.marks import count_axis, layered, source, stage_colour, tip
from foretide.report.theme import variable
from foretide.text import say

#: The ways of counting who came back, and their colours.
KIND_COLOURS = {"n-day": "interest-0", "bracket": "interest-4", "unbounded": "interest-2"}
CURVE_DAYS = (1, 2, 4, 7, 14, 28, 56, 84, 168, 364)


def movers(table: pl.DataFrame) -> alt.LayerChart:
    """Draw gains to the right and losses to the left, in percentage points of all activity."""
    points = (100 * pl.col("change")).round(2)
    ranked = table.with_row_index("rank").with_columns(
        points=pl.when(points == 0).then(0.0).otherwise(points),  # no minus before a zero
        gain=points >= 0,
    )
    rows = alt.Y(
        "category:N",
        sort=alt.EncodingSortField("rank", op="min", order="ascending"),
        title=None,
        axis=alt.Axis(labelLimit=150),
    )
    colour = alt.Color(
        "gain:N", scale=alt.Scale(domain=[True, False], range=[variable("gain"), variable("loss")]), legend=None
    )
    reach = 1.05 * max(0.01, greatest(ranked["points"].abs()))
    across = alt.X("points:Q", title=None, scale=alt.Scale(domain=[-reach, reach], nice=False), axis=None)
    told = [
        alt.Tooltip("category:N", title=say("report.word.interest")),
        tip("now", say("report.word.now"), ".2%"),
        tip("ahead", say("report.word.expected"), ".2%"),
    ]
    bars = (
        source(ranked)
        .mark_bar(height={"band": 0.62}, cornerRadius=2)
        .encode(x=across, y=rows, color=colour, tooltip=told)
    )
    texts = [
        source(ranked.filter(pl.col("gain") == gains))
        .mark_text(align="right" if gains else "left", dx=-5 if gains else 5)  # beyond zero there is always room
        .encode(x=alt.datum(0), y=rows, text=alt.Text("points:Q", format="+.2f"))
        for gains in (True, False)
    ]
    return layered(bars, *texts, height=26 * len(table) + 10)


def chances(bins: pl.DataFrame) -> alt.LayerChart:
    """Draw how many users have which chance of falling silent, by their present stage."""
    told = [
        alt.Tooltip("label:N", title=say("report.outlook.chance")),
        alt.Tooltip("name:N", title=say("report.word.stage")),
        tip("users", say("report.word.users"), ","),
    ]
    bars = source(bins).mark_rect(stroke=variable("card"), strokeWidth=1)
    across = alt.X(
        "lo:Q",
        title=say("report.outlook.chance"),
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", grid=False),
    )
    return layered(
        bars.encode(
            x=across,
            x2="hi:Q",
            y=count_axis("base"),
            y2="top",
            color=stage_colour(),
            tooltip=told,
        ),
        height=240,
    )


def curve(shares: pl.DataFrame) -> alt.LayerChart:
    """Draw who came back by days since the first: on exactly a day, on it or later; within some days as a bar."""
    scale = alt.Scale(domain=list(KIND_COLOURS), range=[variable(colour) for colour in KIND_COLOURS.values()])
    place = {
        "x": since_first(greatest(shares["until"])),
        "y": alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1])),
        "color": alt.Color("kind:N", scale=scale, legend=None),
        "tooltip": curve_tips(),
    }
    names = [say(f"report.retention.{kind}") for kind in KIND_COLOURS]
    named = shares.with_columns(name=pl.col("kind").replace_strict(list(KIND_COLOURS), names, return_dtype=pl.String))
    within = pl.col("until") > pl.col("age")
    bars = source(named.filter(within)).mark_rule(strokeWidth=5).encode(**place, x2="until:Q")
    lines = source(named.filter(~within)).mark_line(strokeWidth=2, point={"size": 36}).encode(**place)
    return layered(bars, lines, height=260)


def since_first(last: float) -> alt.X:
    """Return the axis of days since the first, on which the early ones have more room."""
    days = [age for age in CURVE_DAYS if age <= last]
    scale = alt.Scale(type="log", domain=[1, max(2, *days)], nice=False)
    axis = alt.Axis(values=days, format="d", grid=False)
    return alt.X("age:Q", title=say("report.retention.days"), scale=scale, axis=axis)


def curve_tips() -> list[alt.Tooltip]:
    """Return what the pointer tells of an age."""
    return [
        alt.Tooltip("name:N", title=say("report.retention.counted")),
        tip("age", say("report.word.from_day"), "d"),
        tip("until", say("report.word.to_day"), "d"),
        tip("users", say("report.word.users"), ","),
        tip("share", say("report.word.retained"), ".1%"),
    ]
