"""What the content of a column says about its meaning."""

from __future__ import annotations

import polars as pl

from foretide.events.plain_values import as_text
from foretide.events.timestamps import read_clock

MAX_EVENT_TYPES = 200
#: Share of different ids from which a column can be an identity and not a kind of event.
UNIQUE_SHARE = 0.9


def content_score(target: str, column: pl.Series) -> float:
    """Tell how well a sample of a column fits a target, from 0 (it cannot be) to 1."""
    text = as_text(column).drop_nulls()
    if text.str.strip_chars().str.len_bytes().sum() == 0:
        return 0.0
    if target in {"ts", "ds"}:
        return time_share(column.drop_nulls())
    if target in {"value", "y"}:
        return text.cast(pl.Float64, strict=False).count() / text.len()
    if target == "event_type":
        return float(text.n_unique() <= MAX_EVENT_TYPES)
    if target == "event_id":
        return float(text.n_unique() >= UNIQUE_SHARE * text.len())
    return float(not has_fractions(text)) if target in {"user_id", "item_id"} else 1.0


def time_share(given: pl.Series) -> float:
    """Return the share of a column that can be read as times, in whatever order of day and month."""
    clock = read_clock(given).filter(~pl.col("missing"))
    return float(clock.select((pl.col("wall").is_not_null() | pl.col("ordered")).mean()).item())


def has_fractions(text: pl.Series) -> bool:
    """Tell whether a column holds numbers such as 1.5, which no id is."""
    numbers = text.cast(pl.Float64, strict=False).drop_nulls()
    return bool((numbers.is_finite() & (numbers != numbers.floor())).any())
