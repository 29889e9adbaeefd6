"""Pieces that several charts share: the edge between past and forecast, interval bands, axes, the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from foretide.report.figures import levels
from foretide.report.theme import variable
from foretide.schema import STAGES
from foretide.text import say

#: Opacity of an interval's band, wide and narrow.
BAND_OPACITY = (0.14, 0.2)
SIGNIFICANT_DIGITS = 5


def rounded(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with as many digits as a chart can show."""
    return frame.with_columns(
        pl.col(pl.Float64).fill_nan(None).round_sig_figs(SIGNIFICANT_DIGITS), pl.selectors.date().cast(pl.Datetime)
    )


def source(frame: pl.DataFrame) -> alt.Chart:
    """Begin a chart on a table; its days have no offset, so that they are the same days in the reader's zone."""
    return alt.Chart(rounded(frame))


def time_axis(ticks: int | None = None) -> alt.X:
    """Return the axis of days."""
    format_ = {part: say(f"report.format.axis.{part}") for part in ("year", "quarter", "month", "week", "date")}
    axis = alt.Axis(title=None, format=format_, labelSeparation=12, tickCount=ticks or alt.Undefined)
    return alt.X("ds:T", axis=axis)


def count_axis(field: str, zero: bool = True, **channel: Any) -> alt.Y:
    """Return an axis of counts."""
    return alt.Y(f"{field}:Q", title=None, axis=alt.Axis(format=",~f"), scale=alt.Scale(zero=zero), **channel)


def tip_day() -> alt.Tooltip:
    """Return the line of a tooltip that gives the day."""
    return alt.Tooltip("ds:T", title=say("report.word.day"), format=say("report.format.day"))


def tip(field: str, title: str, format_: str) -> alt.Tooltip:
    """Return a line of a tooltip with a number."""
    return alt.Tooltip(f"{field}:Q", title=title, format=format_)


def edge(last: date, end: date) -> list[alt.Chart]:
    """Return the shade over the forecast, the line where the past ends, and the two words at it."""
    at = pl.DataFrame({"ds": [last], "end": [end]})
    shade = source(at).mark_rect(color=variable("tint"), opacity=1).encode(x="ds:T", x2="end:T")
    line = source(at).mark_rule(color=variable("muted"), strokeWidth=1).encode(x="ds:T")
    return [shade, line, *_edge_words(at)]


def _edge_words(at: pl.DataFrame) -> list[alt.Chart]:
    style: dict[str, Any] = {"y": -9, "color": variable("muted"), "baseline": "middle"}
    past = source(at).mark_text(align="right", dx=-6, text=say("report.word.past"), **style)
    ahead = source(at).mark_text(align="left", dx=6, text=say("report.word.forecast"), **style)
    return [past.encode(x="ds:T"), ahead.encode(x="ds:T")]


def bands(forecast: pl.DataFrame, colour: str, zero: bool = True) -> list[alt.Chart]:
    """Return the interval bands of a forecast, the widest at the bottom."""
    wide_first = sorted(levels(forecast), reverse=True)[:2]
    chart = source(forecast)
    return [
        chart.mark_area(color=variable(colour), opacity=opacity).encode(
            x=time_axis(), y=count_axis(f"lo-{level}", zero), y2=f"hi-{level}"
        )
        for level, opacity in zip(wide_first, BAND_OPACITY, strict=False)
    ]


def pointer(wide: pl.DataFrame, tips: Sequence[alt.Tooltip]) -> alt.Chart:
    """Return a line that follows the reader's pointer to the nearest day and tells the figures of that day."""
    near = alt.selection_point(nearest=True, on="pointerover", clear="pointerout", fields=["ds"], empty=False)
    return (
        source(wide)
        .mark_rule(color=variable("ink"), strokeWidth=1)
        .encode(x="ds:T", opacity=alt.when(near).then(alt.value(0.5)).otherwise(alt.value(0)), tooltip=list(tips))
        .add_params(near)
    )


def layered(*parts: alt.Chart, height: int) -> alt.LayerChart:
    """Put marks over each other in a chart as wide as its place on the page."""
    return alt.LayerChart(layer=list(parts), width="container", height=height)


def stage_colour() -> alt.Color:
    """Return the colours of the lifecycle stages; the legend is the page's."""
    colours = [variable(f"stage-{stage}") for stage in STAGES]
    return alt.Color("stage:N", scale=alt.Scale(domain=list(STAGES), range=colours), legend=None)
