"""Tables on a screen: codes in the words of the language that is spoken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foretide.cli.evolution import in_words
from foretide.cli.options import Format

if TYPE_CHECKING:
    import polars as pl

#: Columns of codes, and where their words are.
CODES = {"stage": "stage", "direction": "segments.direction", "unit": "segments.unit"}


def on_screen(table: pl.DataFrame, print_as: Format, output: Path | None) -> pl.DataFrame:
    """Return a table with words in place of codes; files and programs get it as it is."""
    if output is not None or print_as is not Format.table:
        return table
    for column, key in CODES.items():
        if column in table.columns:
            table = in_words(table, column, key)
    return table
