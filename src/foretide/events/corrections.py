"""What the user says about a source, and what a source must have: checked before anything is read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import polars as pl

from foretide.errors import MappingError
from foretide.events.column_search import NEEDED, TARGETS
from foretide.events.decimals import DECIMALS
from foretide.events.wall_clock import ORDERS, WALL


def read_corrections(
    corrections: Mapping[str, str], columns: Iterable[str], source: str
) -> tuple[dict[str, str], set[str]]:
    """Return the columns that the user gives, and the names that the user does not want."""
    columns = list(columns)
    wrong = [f"--map {name}={column}" for name, column in corrections.items() if column and column not in columns]
    if wrong:
        what = "names a column that is not there" if len(wrong) == 1 else "name columns that are not there"
        raise MappingError(f"{source}: {' '.join(wrong)} {what}; the columns are {listed(columns)}")
    given = {name: column for name, column in corrections.items() if column}
    return given, corrections.keys() - given.keys()


def check_choices(
    source: str, kind: str | None, date_order: str | None, timezone: str | None, decimal: str | None
) -> None:
    """Raise a MappingError if a choice is not one."""
    if kind is not None and kind not in TARGETS:
        raise MappingError(f"{source}: kind {kind!r} is not one of {', '.join(TARGETS)}; give one with --as")
    if date_order is not None and date_order not in ORDERS:
        raise MappingError(f"{source}: date order {date_order!r} is not one of {', '.join(ORDERS)}; see --date-order")
    if decimal is not None and decimal not in DECIMALS:
        raise MappingError(f"{source}: decimal mark {decimal!r} is not one of , and . ; give one with --decimal")
    try:
        pl.Series([], dtype=WALL).dt.replace_time_zone(timezone)
    except pl.exceptions.ComputeError as error:
        raise MappingError(
            f"{source}: time zone {timezone!r} is unknown; give an IANA name, as --timezone Europe/Berlin"
        ) from error


def check_needed(source: str, kind: str, found: Container[str], columns: Iterable[str]) -> None:
    """Raise a MappingError that names what is missing and how to give it."""
    missing = [target for target in NEEDED[kind] if target not in found]
    if missing:
        it = "them" if missing[1:] else "it"
        options = " ".join(f"--map {target}=COLUMN" for target in missing)
        raise MappingError(
            f"{source}: no column was recognised as {' or as '.join(missing)} of {kind}; its columns are "
            f"{listed(columns)}: name {it} with {options}, or say what the file is with --as"
        )


def listed(columns: Iterable[str]) -> str:
    """Return column names for a message, cut where there are many."""
    names = [str(column)[:40] for column in columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
