"""Finding the column of each target by name and content, and what kind of source that makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from typing import NamedTuple

import polars as pl

from foretide.events.column_content import content_score
from foretide.events.column_names import name_score

#: What the columns of each kind of source can mean, and which of them it cannot do without.
TARGETS = {
    "events": ("user_id", "ts", "item_id", "event_type", "value", "session_id", "category", "event_id"),
    "items": ("item_id", "category"),
    "users": ("user_id",),
    "series": ("unique_id", "ds", "y"),
}
NEEDED = {"events": ("user_id", "ts"), "items": ("item_id",), "users": ("user_id",), "series": ("ds", "y")}
#: The words under which targets of series are looked for.
SPELLED = {"ds": "ts"}

SAMPLE_ROWS = 1000
#: What tells that something happened in a row, and not only that there is someone.
ACTIONS = frozenset({"event_type", "value", "session_id"})
#: Least share of a column that can be read as times or numbers for it to be one.
LEAST_SHARE = 0.5
#: A column that is called a time so clearly is one even if nothing in it can be read: its rows are rejected.
CLEAR_NAME, NAME_ALONE = 0.85, 0.3
#: Trust in a column of times that only its content shows, and the share of times that this takes.
BY_CONTENT, CONTENT_SHARE = 0.5, 0.95


class Found(NamedTuple):
    """The column of a target."""

    column: str
    confidence: float  # 0 to 1
    how: str  # name, content or given


def search(
    sample: pl.DataFrame, targets: Collection[str], given: Mapping[str, str], skip: Collection[str] = ()
) -> dict[str, Found]:
    """Give each target the column that fits it best; what the user says comes first.

    Parameters
    ----------
    sample
        Rows of the source.
    targets
        What to look for.
    given
        Columns by target or property, from the user.
    skip
        Targets that the user does not want.
    """
    found = {target: Found(column, 1.0, "given") for target, column in given.items() if target in targets}
    free = [column for column in sample.columns if column not in given.values()]
    wanted = [target for target in targets if target not in given and target not in skip]
    offers = [(score, target, column) for target in wanted for column in free if (score := fit(target, sample[column]))]
    for score, target, column in sorted(offers, key=lambda offer: -offer[0]):
        if target not in found and all(column != other.column for other in found.values()):
            found[target] = Found(column, round(score, 2), "name")
    times = [target for target in wanted if target in {"ts", "ds"} and target not in found]
    found |= by_content(sample, {it.column for it in found.values()}, times)
    return {target: found[target] for target in targets if target in found}


def fit(target: str, column: pl.Series) -> float:
    """Tell how well a column fits a target by name and content, from 0 (not at all) to 1."""
    name = name_score(SPELLED.get(target, target), column.name)
    if name == 0:
        return 0.0
    share = content_score(target, column.head(SAMPLE_ROWS))
    if share >= LEAST_SHARE:
        return name * share
    return name * NAME_ALONE if target == "ts" and name >= CLEAR_NAME else 0.0


def by_content(sample: pl.DataFrame, used: Collection[str], targets: Collection[str]) -> dict[str, Found]:
    """Take a column of written-out times for the time where no name says so."""
    for target, column in product(targets, sample.columns):
        values = sample[column].head(SAMPLE_ROWS)
        counted = values.dtype.is_numeric() or content_score("value", values) > 0
        if column not in used and not counted and content_score("ts", values) >= CONTENT_SHARE:
            return {target: Found(column, BY_CONTENT, "content")}
    return {}


def kind_of(sample: pl.DataFrame, given: Mapping[str, str], skip: Collection[str]) -> str:
    """Tell what a source is: events, items, users or series that were aggregated elsewhere.

    A date such as ``signup_date`` or ``release_date`` does not make events of users or items.
    """
    found = search(sample, TARGETS["events"], given, skip)
    timed = "ts" in found and (is_clear(found["ts"]) or happens(sample, found))
    if {"user_id", "ts"} <= found.keys() and (timed or "item_id" in found):
        return "events"
    if is_series(sample, search(sample, TARGETS["series"], given, skip)):
        return "series"
    if not timed and ("item_id" in found) != ("user_id" in found):
        return "items" if "item_id" in found else "users"
    return "events"


def is_clear(ts: Found) -> bool:
    """Tell whether a column is surely the time of what the row tells."""
    return ts.how == "given" or name_score("ts", ts.column) >= CLEAR_NAME


def happens(sample: pl.DataFrame, found: Mapping[str, Found]) -> bool:
    """Tell whether rows say what someone did, not only who there is: then users come up again."""
    repeated = "user_id" in found and bool(sample[found["user_id"].column].is_duplicated().any())
    return repeated or not ACTIONS.isdisjoint(found)


def is_series(sample: pl.DataFrame, found: Mapping[str, Found]) -> bool:
    """Tell whether rows are steps of named series, or dates and numbers without repeats."""
    if not {"ds", "y"} <= found.keys():
        return False
    if "unique_id" in found or sample.width == 2:
        return True
    keys = [column for column in sample.columns if column != found["y"].column]
    return sample.width == 3 and not sample.select(keys).is_duplicated().any()
