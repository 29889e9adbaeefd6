"""The chart of what a forecast is made of: what trend, season, events, covariates and the rest add to the level."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import altair as alt
import polars as pl

from foretide.report.html import check_extras
from foretide.report.marks import rounded
from foretide.report.theme import PALETTE
from foretide.text import say

#: The largest series are drawn, one below the other.
DRAWN_SERIES = 12
#: Parts beside the level, and their colours.
COLOURS = {
    "trend": PALETTE["interest-3"][0],
    "season": PALETTE["interest-0"][0],
    "event": PALETTE["interest-4"][0],
    "covariate": PALETTE["interest-2"][0],
    "rest": PALETTE["interest-other"][0],
}
WIDTH, HEIGHT = 640, 160
#: Share of a step that its bar is wide.
BAR_SHARE = 0.7


def write_parts(parts: pl.DataFrame, path: Path, format_: Literal["html", "png", "svg"]) -> None:
    """Draw what a forecast is made of, in the current language.

    Parameters
    ----------
    parts
        As ``foretide.forecast.parts.parts``.
    path
        Where to.
    format_
        Of the file.

    Raises
    ------
    MissingExtraError
        If a library of the extra ``report`` is not installed.
    """
    check_extras()
    chart = made_of(parts)
    if format_ == "html":
        path.write_text(chart.to_html(inline=True), encoding="utf-8")  # opens offline
    else:
        chart.save(str(path), format=format_)


def made_of(parts: pl.DataFrame) -> alt.VConcatChart:
    """Return a chart of each of the largest series, the largest first."""
    size = parts.group_by("unique_id", maintain_order=True).agg(pl.col("median").mean())
    largest = size.sort("median", descending=True, maintain_order=True)["unique_id"].head(DRAWN_SERIES)
    charts = [series_chart(parts.filter(unique_id=name)) for name in largest]
    return alt.vconcat(*charts, title=say("forecast.part.title")).configure_view(stroke=None)


def series_chart(parts: pl.DataFrame) -> alt.LayerChart:
    """Draw the parts of one series as bars upon each other, above and below its level, and their sum as a line."""
    words = {name: say(f"forecast.part.{name}") for name in COLOURS}
    level = parts["level"][0]
    long = parts.unpivot(list(COLOURS), index="ds", variable_name="part", value_name="y")
    long = long.with_columns(pl.col("part").replace_strict(words))
    title = say("forecast.part.beyond", level=f"{level:,.1f}")
    colours = alt.Scale(domain=list(words.values()), range=list(COLOURS.values()))
    bars = (
        alt.Chart(rounded(long))
        .mark_bar(size=BAR_SHARE * WIDTH / parts.height)
        .encode(
            x=alt.X("ds:T", title=None),
            y=alt.Y("y:Q", title=title, stack="zero"),
            color=alt.Color("part:N", title=None, scale=colours),
            tooltip=["ds:T", "part:N", "y:Q"],
        )
    )
    total = rounded(parts.select("ds", y=pl.col("median") - pl.col("level")))
    line = alt.Chart(total).mark_line(color=PALETTE["ink"][0], point=True).encode(x="ds:T", y="y:Q")
    return alt.LayerChart(layer=[bars, line], width=WIDTH, height=HEIGHT, title=parts["unique_id"][0])
