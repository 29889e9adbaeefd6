"""Which column of a source means what: guessed from names and content, corrected by the user.

A guess that would change what is stored is never made: times without an offset need a zone, and dates such as
``3/4/2026`` need an order of day and month that the data show or the user gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from foretide.errors import MappingError
from foretide.events.column_content import content_score
from foretide.events.column_names import RATING_NAMES, name_score, tokens
from foretide.events.corrections import Corrections
from foretide.events.timestamps import read_clock
from foretide.events.wall_clock import ORDERS, WALL, orders_seen
from foretide.schema import EVENTS
from foretide.text import say

#: What the columns of each kind of source can mean, and which of them it cannot do without.
TARGETS = {
    "events": ("user_id", "ts", "item_id", "event_type", "value", "session_id", "category", "event_id"),
    "items": ("item_id", "category"),
    "users": ("user_id",),
    "series": ("unique_id", "ds", "y"),
}
NEEDED = {"events": ("user_id", "ts"), "items": ("item_id",), "users": ("user_id",), "series": ("ds", "y")}

SAMPLE_ROWS = 1000
#: Least share of readable times in a column of times; a column that is only called so has LEAST_NAME.
LEAST_SHARE, LEAST_NAME, NAME_ALONE = 0.5, 0.85, 0.3
#: Trust in a column of times that is only known by its content, and the share of times that it needs.
BY_CONTENT, CONTENT_SHARE = 0.5, 0.95
DEFAULT_EVENT_TYPE = "event"


@dataclass(frozen=True)
class ColumnMapping:
    """What the columns of a source mean.

    Parameters
    ----------
    kind
        ``events``, ``items``, ``users`` or ``series``.
    columns
        The source's column for each target, and for each property that has another name there.
    confidence
        From 0 to 1, for each target.
    how
        How each target was found: ``name``, ``content`` or ``given``.
    constants
        What every row without a value of its own gets, such as the event type.
    timezone
        Zone of the times without an offset.
    date_order
        ``dmy``, ``mdy`` or ``ymd``, where the dates need it.
    properties
        Names of the other columns, which are kept as text.
    dropped
        Columns that are not kept.
    """

    kind: str
    columns: Mapping[str, str]
    confidence: Mapping[str, float] = field(default_factory=dict)
    how: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    date_order: str | None = None
    properties: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def property_columns(self, present: Iterable[str]) -> dict[str, str]:
        """Return the column of each property, also of those that only later rows of a source have."""
        named = {name: column for name, column in self.columns.items() if name not in TARGETS[self.kind]}
        used = {*self.columns.values(), *self.dropped}
        here = [column for column in present if column not in used]
        return named | {property_name(column, self.kind): column for column in here}

    def to_frame(self) -> pl.DataFrame:
        """Return ``target, column, confidence, how`` to show to the user."""
        rows = [
            (target, column, self.confidence.get(target), say(f"mapping.how.{self.how[target]}"))
            for target, column in self.columns.items()
        ]
        rows += [(target, f"= {text}", None, say("mapping.how.constant")) for target, text in self.constants.items()]
        renamed = set(self.columns)
        rows += [
            (name, name.removeprefix("source_") if name.removeprefix("source_") in EVENTS else name, None, say("mapping.how.property"))
            for name in self.properties
            if name not in renamed
        ]
        rows += [("-", column, None, say("mapping.how.dropped")) for column in self.dropped]
        schema = {"target": pl.String, "column": pl.String, "confidence": pl.Float64, "how": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")
