"""What items are called."""

from __future__ import annotations

import polars as pl


def titled(items: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return a table of items, by ``item_id``, with a column ``title``: that of the item table, null without one."""
    if "title" not in known.columns:
        return items.with_columns(title=pl.lit(None, pl.String))
    titles = known.select("item_id", "title").drop_nulls()
    return items.join(titles, on="item_id", how="left", maintain_order="left")
