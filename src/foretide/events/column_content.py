"""What the content of a column says about its meaning."""

from __future__ import annotations

import polars as pl

from foretide.events.timestamps import read_clock

MAX_EVENT_TYPES = 200
#: Share of different ids from which a column can be an identity and not a kind of event.
UNIQUE_SHARE = 0.9


def content_score(target: str, column: pl.Series) -> float:
    """Tell how well a sample of a column fits a target, from 0 (it cannot be) to 1."""
    given = column.drop_nulls()
    if given.dtype == pl.String:
        given = given.filter(given.str.strip_chars() != "")
    if given.is_empty():
        return 0.0
    if target in {"ts", "ds"}:
        return time_share(given)
    if target in {"value", "y"}:
        return number_share(given)
    if target == "event_type":
        return float(given.n_unique() <= MAX_EVENT_TYPES)
    if target == "event_id":
        return float(given.n_unique() >= UNIQUE_SHARE * given.len())
    return float(not has_fractions(given)) if target in {"user_id", "item_id"} else 1.0


def time_share(given: pl.Series) -> float:
    """Return the share of a column that can be read as times, in whatever order of day and month."""
    clock = read_clock(given)
    return clock.select((pl.col("wall").is_not_null() | pl.col("ordered")).mean()).item()


def number_share(given: pl.Series) -> float:
    """Return the share of a column that is numbers."""
    if given.dtype.is_temporal() or given.dtype == pl.Boolean:
        return 0.0
    return given.cast(pl.Float64, strict=False).count() / given.len()


def has_fractions(given: pl.Series) -> bool:
    """Tell whether a column holds numbers such as 1.5, which no id is."""
    numbers = (
        given.cast(pl.Float64, strict=False).drop_nulls() if not given.dtype.is_temporal() else given.clear()
    )
    numbers = numbers.cast(pl.Float64)
    return bool((numbers.is_finite() & (numbers != numbers.floor())).any())
