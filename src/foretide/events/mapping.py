"""Which column of a source means what: guessed from names and content, corrected by the user.

A guess that would change what is stored is never made: times without an offset need a zone, and dates such as
``3/4/2026`` need an order of day and month that the data show or the user gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from foretide.errors import MappingError
from foretide.events.column_names import RATING_NAMES, tokens
from foretide.events.column_search import NEEDED, TARGETS, Found, kind_of, search
from foretide.events.timestamps import read_clock
from foretide.events.wall_clock import ORDERS, WALL, orders_seen
from foretide.text import say

DEFAULT_EVENT_TYPE = "event"
#: A property whose name is taken by a column of the events gets this before it.
PREFIX = "source_"


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
        What a row without a value of its own gets, such as the event type.
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
        if self.kind == "series":
            return {}
        known = {name: self.columns.get(name, name) for name in self.properties}
        used = {*self.columns.values(), *known.values(), *self.dropped}
        return known | {property_name(column, self.kind): column for column in present if column not in used}

    def to_frame(self) -> pl.DataFrame:
        """Return ``target, column, confidence, how`` to show to the user."""
        names = [*self.how, *self.constants, *self.properties]
        rows = [
            (
                name,
                self.shown_column(name),
                self.confidence.get(name),
                say(f"mapping.how.{self.shown_how(name)}"),
            )
            for name in dict.fromkeys(names)
        ]
        rows += [("-", column, None, say("mapping.how.dropped")) for column in self.dropped]
        schema = {"target": pl.String, "column": pl.String, "confidence": pl.Float64, "how": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def shown_column(self, name: str) -> str:
        """Return where a name's content comes from; a constant is shown as ``= rating``."""
        constant = name in self.constants and name not in self.columns
        return f"= {self.constants[name]}" if constant else self.columns.get(name, name)

    def shown_how(self, name: str) -> str:
        """Return how a name was found."""
        return self.how.get(name, "constant" if name in self.constants else "property")


def guess(
    sample: pl.DataFrame,
    *,
    source: str,
    corrections: Mapping[str, str] | None = None,
    timezone: str | None = None,
    event_type: str | None = None,
    kind: str | None = None,
    date_order: str | None = None,
) -> ColumnMapping:
    """Work out what the columns of a source mean.

    Parameters
    ----------
    sample
        Its first rows, as text or typed.
    source
        Its name, for messages.
    corrections
        Column by target (``{"ts": "InvoiceDate"}``) or by the name that a property shall have; an empty
        column drops the name.
    timezone
        IANA zone of the times without an offset.
    event_type
        Type of every event.
    kind
        ``events``, ``items``, ``users`` or ``series``, if not to be guessed.
    date_order
        ``dmy``, ``mdy`` or ``ymd``.

    Raises
    ------
    MappingError
        If a column that is needed was not found, or if times or dates can be read in two ways.
    """
    check_choices(source, kind, date_order, timezone)
    given, emptied = read_corrections(corrections or {}, sample.columns, source)
    dropped = tuple(column for column in sample.columns if column in emptied)
    sample, skip = sample.drop(dropped), {*emptied, *(["event_type"] if event_type else [])}
    kind = kind or kind_of(sample, given, skip)
    if kind == "series":
        given = {{"ts": "ds", "value": "y"}.get(target, target): column for target, column in given.items()}
    found = search(sample, TARGETS[kind], given, skip)
    check_needed(source, kind, found, sample.columns)
    order = settle_times(source, kind, sample, found, timezone, date_order)
    own = {name: column for name, column in given.items() if name not in TARGETS[kind]}
    properties = {property_name(c, kind): c for c in sample.columns if c not in taken(found, own)} | own
    return ColumnMapping(
        kind=kind,
        columns={target: it.column for target, it in found.items()} | renamed(properties),
        confidence={target: it.confidence for target, it in found.items()},
        how={target: it.how for target, it in found.items()},
        constants={"event_type": event_type or usual_type(found)} if kind == "events" else {},
        timezone=timezone,
        date_order=order,
        properties=() if kind == "series" else tuple(properties),
        dropped=dropped if kind != "series" else (*dropped, *properties.values()),
    )


def taken(found: Mapping[str, Found], own: Mapping[str, str]) -> set[str]:
    """Return the columns that have a meaning."""
    return {*(it.column for it in found.values()), *own.values()}


def renamed(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties that have another name in the source."""
    return {name: column for name, column in properties.items() if name != column}


def property_name(column: str, kind: str) -> str:
    """Return a column's name as a property: its own, unless a column of the table is called so."""
    reserved = {*TARGETS[kind], "tz_offset_min"}
    return f"{PREFIX}{column}" if column in reserved else column


def usual_type(found: Mapping[str, Found]) -> str:
    """Return the type of events that have none: a rating if their value is one."""
    is_rating = "value" in found and not RATING_NAMES.isdisjoint(tokens(found["value"].column))
    return "rating" if is_rating else DEFAULT_EVENT_TYPE


def read_corrections(
    corrections: Mapping[str, str], columns: Iterable[str], source: str
) -> tuple[dict[str, str], set[str]]:
    """Return the columns that the user gives, and the names that the user does not want."""
    columns = list(columns)
    for name, column in corrections.items():
        if column and column not in columns:
            raise MappingError(
                f"{source}: --map {name}={column} names a column that is not there; its columns are {listed(columns)}"
            )
    given = {name: column for name, column in corrections.items() if column}
    return given, corrections.keys() - given.keys()


def check_choices(source: str, kind: str | None, date_order: str | None, timezone: str | None) -> None:
    """Raise a MappingError if a choice is not one."""
    if kind is not None and kind not in TARGETS:
        raise MappingError(f"{source}: kind {kind!r} is not one of {', '.join(TARGETS)}; give one with --as")
    if date_order is not None and date_order not in ORDERS:
        raise MappingError(
            f"{source}: date order {date_order!r} is not one of {', '.join(ORDERS)}; give one with --date-order"
        )
    try:
        pl.Series([], dtype=WALL).dt.replace_time_zone(timezone)
    except pl.exceptions.ComputeError as error:
        raise MappingError(
            f"{source}: time zone {timezone!r} is unknown; give an IANA name such as --timezone Europe/Berlin"
        ) from error


def check_needed(source: str, kind: str, found: Mapping[str, Found], columns: Iterable[str]) -> None:
    """Raise a MappingError that names what is missing and how to give it."""
    missing = [target for target in NEEDED[kind] if target not in found]
    if missing:
        options = " ".join(f"--map {target}=COLUMN" for target in missing)
        raise MappingError(
            f"{source}: no column was recognised as {' or '.join(missing)} of {kind}; its columns are "
            f"{listed(columns)}: name it with {options}, or say what the file is with --as"
        )


def listed(columns: Iterable[str]) -> str:
    """Return column names for a message, cut where there are many."""
    names = [str(column)[:40] for column in columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def settle_times(
    source: str,
    kind: str,
    sample: pl.DataFrame,
    found: Mapping[str, Found],
    timezone: str | None,
    date_order: str | None,
) -> str | None:
    """Return the order of day and month in the dates, None where they do not need one.

    Raises
    ------
    MappingError
        If there is no evidence of the order, or no time has an offset and no zone is given.
    """
    target = "ds" if kind == "series" else "ts"
    if target not in found:
        return None
    column = sample[found[target].column]
    order = date_order or order_shown(source, column)
    if kind == "events" and timezone is None:
        check_zone(source, column, order)
    return order


def order_shown(source: str, column: pl.Series) -> str | None:
    """Return the order of day and month that dates show; None if there are no such dates."""
    orders = (
        orders_seen(column.cast(pl.String).str.strip_chars()) if not column.dtype.is_temporal() else set()
    )
    if len(orders) > 1 or "?" in orders:
        what = "do not show" if "?" in orders else "contradict each other on"
        raise MappingError(
            f"{source}: dates such as {example(column)!r} in column {column.name!r} {what} which part is the day; "
            "say it with --date-order dmy (or mdy, ymd)"
        )
    return orders.pop() if orders else None


def check_zone(source: str, column: pl.Series, order: str | None) -> None:
    """Raise a MappingError if no time of a column tells its zone."""
    clock = read_clock(column, order).filter(pl.col("wall").is_not_null())
    if clock.height and clock["offset_min"].null_count() == clock.height:
        raise MappingError(
            f"{source}: times such as {example(column)!r} in column {column.name!r} have no offset from UTC; give "
            "their zone, such as --timezone Europe/Berlin (or UTC)"
        )


def example(column: pl.Series) -> str:
    """Return the first value of a column as text."""
    return str(column.drop_nulls().first())
