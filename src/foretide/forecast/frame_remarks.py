"""What a reader must know of a frame that was forecast: what was left out, filled in or added up."""

from __future__ import annotations

import numpy as np
import polars as pl

from foretide.forecast.frame_rows import MOST
from foretide.forecast.grid import Grid
from foretide.schema import Panel

#: A series that lacks more than this share of its steps is mentioned.
MANY_GAPS = 0.5


def remarks(rows: pl.DataFrame, used: pl.DataFrame, panel: Panel, grid: Grid) -> tuple[str, ...]:
    """Return codes of notes, ``forecast.note`` of the catalogue.

    Parameters
    ----------
    rows
        All that were given, ``unique_id, ds, y``.
    used
        Those with a name, a date and a figure, before the forecast begins.
    panel, grid
        What became of them.
    """
    facts = {
        "rows_left_out": left_out(rows),
        "series_left_out": rows["unique_id"].drop_nulls().n_unique() > len(panel.ids),
        "off_steps": bool((grid.moments(used["ds"]) != used["ds"].to_numpy()).any()),
        "many_gaps": bool((share_unknown(panel) > MANY_GAPS).any()),
        "ends_differ": bool(np.isnan(panel.y[:, -1]).any()),
    }
    return tuple(code for code, holds in facts.items() if holds)


def left_out(rows: pl.DataFrame) -> bool:
    """Tell whether a row lacks a date or a name, or has a figure beyond all bounds; a missing figure is a gap."""
    nameless = pl.any_horizontal(pl.col("unique_id", "ds").is_null())
    beyond = pl.col("y").is_not_nan() & (pl.col("y").abs() > MOST)
    return bool(rows.select((nameless | beyond.fill_null(False)).any()).item())


def share_unknown(panel: Panel) -> np.ndarray:
    """Return the share of unknown steps between the first and the last figure of each series, ``(n_series,)``."""
    there = ~np.isnan(panel.y)
    span = there.shape[1] - there.argmax(axis=1) - there[:, ::-1].argmax(axis=1)
    return 1.0 - there.sum(axis=1) / span
