"""What a page is made of, before it becomes HTML: sections with words, figures and tables, and tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from foretide.report.wording import sentences
from foretide.text import say

#: Rows of a table on the page; what is cut off is stated.
MAX_ROWS = 60


@dataclass(frozen=True)
class Swatch:
    """An entry of a legend: a colour of the palette, its name and what stands beside it."""

    colour: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Figures in words: the first columns are names, the others numbers."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_names: int = 1
    note: str = ""
    best: frozenset[tuple[int, int]] = frozenset()  # (row, column) of the figures to stress

    @property
    def wordy(self) -> bool:
        """Whether it is words as much as figures: on a phone each row is then written as a paragraph."""
        return self.n_names > 1 and 2 * self.n_names >= len(self.header) - 1


@dataclass(frozen=True)
class Figure:
    """A chart with its title, its legend and its data as a table."""

    key: str
    title: str
    spec: Mapping[str, Any]
    legend: tuple[Swatch, ...] = ()
    table: Table | None = None
    scale: tuple[str, str] | None = None  # words at both ends of the heat colours


@dataclass(frozen=True)
class Section:
    """A heading, a sentence with figures that says what it means, and what shows it."""

    key: str
    title: str
    sentence: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()  # to be opened by the reader
    columns: int = 1
    remark: str = ""


@dataclass(frozen=True)
class Tile:
    """A key figure: its name, its value, where it goes, and the line of how it came there."""

    label: str
    figure: str
    ahead: str = ""
    past_line: str = ""  # points of an SVG polyline in a box of 100 x 30
    ahead_line: str = ""


Cell = Callable[[Any], str]
#: Column of a frame -> heading and how to write a cell.
Columns = dict[str, tuple[str, Cell]]


def figure(key: str, title: str, chart: alt.LayerChart, **parts: Any) -> Figure:
    """Return a figure; its title is the chart's description for those who cannot see it."""
    described = chart.properties(description=say("report.chart", title=title))
    with alt.data_transformers.enable("default", max_rows=None):
        spec = described.to_dict(validate=False)  # the tests validate; here it would double the time
    del spec["config"], spec["$schema"]  # the page has one configuration for all
    return Figure(key, title, spec, **parts)


def table(
    caption: str, frame: pl.DataFrame, columns: Mapping[str, tuple[str, Cell]], n_names: int = 1, note: str = ""
) -> Table:
    """Return the rows of a frame in words.

    Parameters
    ----------
    columns
        Column of the frame -> heading and how to write a cell.
    n_names
        How many columns hold names rather than numbers.
    """
    rows = frame.head(MAX_ROWS).select(list(columns)).iter_rows()
    cells = [cell for _, cell in columns.values()]
    written = tuple(tuple(write(x) for write, x in zip(cells, row, strict=True)) for row in rows)
    cut = [say("report.cut", shown=MAX_ROWS, rows=f"{frame.height:,}")] if frame.height > MAX_ROWS else []
    header = tuple(heading for heading, _ in columns.values())
    return Table(caption, header, written, n_names, sentences([note, *cut]))


def polylines(past: Sequence[float], ahead: Sequence[float]) -> tuple[str, str]:
    """Return the points of a tile's line, past and expected, in a box of 100 x 30 (y points down)."""
    every = [*past, *ahead]
    if len(past) < 2:
        return "", ""
    low, high = min(every), max(every)
    span = (high - low) or 1.0
    points = [f"{100 * i / (len(every) - 1):.1f},{28 - 26 * (y - low) / span:.1f}" for i, y in enumerate(every)]
    return " ".join(points[: len(past)]), " ".join(points[len(past) - 1 :]) if len(ahead) else ""
