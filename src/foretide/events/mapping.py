"""Which column of a source means what: guessed from names and content, corrected by the user.

A guess that would change what is stored is never made: times without an offset need a zone, and dates such as
``3/4/2026`` need an order of day and month that the data show or the user gives.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from foretide.events.column_names import RATING_NAMES, name_score, tokens
from foretide.events.column_search import CLEAR_NAME, TARGETS, Found, kind_of, search
from foretide.events.corrections import check_choices, check_needed, read_corrections
from foretide.events.decimals import COMMA, check_commas, decimal_shown, with_points
from foretide.events.time_evidence import check_zone, order_shown, repeats_days
from foretide.schema import EVENTS
from foretide.text import say

DEFAULT_EVENT_TYPE = "event"
#: A property whose name is taken by a column of the events gets this before it.
PREFIX = "source_"
#: Names that the store keeps for itself.
RESERVED = {"bucket", "hash"}
#: What corrections for events mean for series, and where the times of a kind are.
IN_SERIES = {"ts": "ds", "value": "y"}
TIMES = {"events": "ts", "series": "ds"}
#: Where the numbers of a kind are.
NUMBERS = {"events": "value", "series": "y"}


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
        How each target was found: ``name``, ``content`` or ``given``; ``summed`` where several numbers of a
        series on one day are added up.
    constants
        What a row without a value of its own gets, such as the event type.
    timezone
        Zone of the times without an offset.
    date_order
        ``dmy``, ``mdy`` or ``ymd``, where the dates need it.
    decimal
        Decimal mark of the numbers in texts, ``,`` or ``.``, beside which the other one sets thousands apart;
        None for numbers as programs write them.
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
    decimal: str | None = None
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
                self.in_words(name),
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

    def in_words(self, name: str) -> str:
        """Return how a name was found and, of numbers, what their commas are."""
        how = say(f"mapping.how.{self.shown_how(name)}")
        if self.decimal is None or name != NUMBERS.get(self.kind) or name not in self.columns:
            return how
        return say("mapping.decimal.comma" if self.decimal == COMMA else "mapping.decimal.point", how=how)

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
    decimal: str | None = None,
    separator: str | None = None,
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
        Type of every event; where one is given, the source holds events.
    kind
        ``events``, ``items``, ``users`` or ``series``, if not to be guessed.
    date_order
        ``dmy``, ``mdy`` or ``ymd``.
    decimal
        ``,`` or ``.``; shown by the numbers if None.
    separator
        Of a delimited file.

    Raises
    ------
    MappingError
        If a column that is needed was not found, or if times, dates or numbers can be read in two ways.
    """
    check_choices(source, kind, date_order, timezone, decimal)
    given, unwanted = read_corrections(corrections or {}, sample.columns, source)
    dropped = tuple(column for column in sample.columns if column in unwanted)
    sample, skip = sample.drop(dropped), unwanted | ({"event_type"} if event_type else set())
    decimal = decimal or decimal_shown(sample, numbers_by_name(sample.columns, given), separator)
    plain = with_points(sample, decimal)
    kind = kind or ("events" if event_type else kind_of(plain, given, skip))
    if kind == "series":
        given = {IN_SERIES.get(target, target): column for target, column in given.items()}
    found = search(plain, TARGETS[kind], given, skip)
    check_numbers(source, kind, sample, found, skip, decimal)
    check_needed(source, kind, found, sample.columns)
    date_order = settle_times(source, kind, sample, found, timezone, date_order)
    properties = properties_of(sample.columns, kind, found, given)
    renamed = {name: column for name, column in properties.items() if name != column}
    is_series = kind == "series"
    return ColumnMapping(
        kind=kind,
        columns={target: it.column for target, it in found.items()} | ({} if is_series else renamed),
        confidence={target: it.confidence for target, it in found.items()},
        how={target: it.how for target, it in found.items()},
        constants={"event_type": event_type or usual_type(found)} if kind == "events" else {},
        timezone=timezone,
        date_order=date_order,
        decimal=decimal,
        properties=() if is_series else tuple(properties),
        dropped=(*dropped, *properties.values()) if is_series else dropped,
    )


def numbers_by_name(columns: Iterable[str], given: Mapping[str, str]) -> set[str]:
    """Return the columns that the user or their names call numbers."""
    said = {given[target] for target in NUMBERS.values() if target in given}
    return said | {column for column in columns if any(name_score(target, column) for target in NUMBERS.values())}


def check_numbers(
    source: str,
    kind: str,
    sample: pl.DataFrame,
    found: Mapping[str, Found],
    skip: Container[str],
    decimal: str | None,
) -> None:
    """Raise a MappingError if the column of numbers, or what is called so, can be read in two ways."""
    target = NUMBERS.get(kind)
    if target is None or target in skip:
        return
    used = {it.column for it in found.values()}
    called = [column for column in sample.columns if column not in used and name_score(target, column) >= CLEAR_NAME]
    for column in [found[target].column] if target in found else called:
        check_commas(source, sample[column], decimal)


def settle_times(
    source: str,
    kind: str,
    sample: pl.DataFrame,
    found: dict[str, Found],
    timezone: str | None,
    date_order: str | None,
) -> str | None:
    """Return the order of day and month, None where dates need none; note where days of a series repeat.

    Raises
    ------
    MappingError
        If there is no evidence of the order, or no time has an offset and no zone is given.
    """
    if kind not in TIMES:
        return None
    column = sample[found[TIMES[kind]].column]
    order = date_order or order_shown(source, column, zoned=timezone is not None or kind != "events")
    if kind == "events" and timezone is None:
        check_zone(source, column, order)
    if kind == "series":
        ids = sample[found["unique_id"].column] if "unique_id" in found else None
        if repeats_days(column, order, ids):
            found["y"] = found["y"]._replace(how="summed")
    return order


def properties_of(
    columns: Iterable[str], kind: str, found: Mapping[str, Found], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the column of each property: all those that mean nothing else."""
    own = {property_name(name, kind): column for name, column in given.items() if name not in TARGETS[kind]}
    used = {*(it.column for it in found.values()), *own.values()}
    return {property_name(column, kind): column for column in columns if column not in used} | own


def property_name(column: str, kind: str) -> str:
    """Return a column's name as a property: its own, unless a column of the table is called so."""
    reserved = RESERVED | set(EVENTS) if kind == "events" else set(TARGETS[kind])
    return f"{PREFIX}{column}" if column in reserved else column


def usual_type(found: Mapping[str, Found]) -> str:
    """Return the type of events that have none: a rating if their value is one."""
    is_rating = "value" in found and not RATING_NAMES.isdisjoint(tokens(found["value"].column))
    return "rating" if is_rating else DEFAULT_EVENT_TYPE
