"""The options that commands share, each written once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from foretide.text import LANGUAGES


class Format(StrEnum):
    """How a table is printed."""

    table = "table"
    json = "json"
    csv = "csv"


WorkspaceDir = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="FORETIDE_WORKSPACE", help="Folder of the workspace.")
]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="As if nothing at or after this time were known: 2026-03-31 or 2026-03-31T18:00+01:00. "
        "Default: the end of the last whole day.",
    ),
]


def language(name: str) -> str:
    """Return the name of a language that foretide speaks."""
    if name not in LANGUAGES:
        raise typer.BadParameter(f"there is no language {name!r}; give one of {', '.join(LANGUAGES)}")
    return name


Lang = Annotated[
    str, typer.Option(envvar="FORETIDE_LANG", callback=language, help="Language of what is said: en or zh.")
]
#: What a file of a team's events is.
OWN_EVENTS = "a CSV with name,start[,end][,category], days as 2026-12-24."
PrintAs = Annotated[Format, typer.Option("--format", help="How the table is printed.")]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the whole table to this file: .csv, .json or .parquet."),
]
EngineName = Annotated[str, typer.Option("--engine", help="Where buckets are worked on: local (threads) or spark.")]
Master = Annotated[str | None, typer.Option(help="Spark's master, such as spark://host:7077.")]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Threads of the local engine, and buckets in memory at once. Default: one for each core.",
        show_default=False,
    ),
]
Horizon = Annotated[int, typer.Option("--horizon", "-h", help="Days ahead.")]


def parse_levels(text: str) -> tuple[int, ...]:
    """Read ``80,95`` as interval levels in percent."""
    try:
        return tuple(int(level) for level in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"levels are whole percents such as 80,95, not {text!r}") from None


def parse_time(text: str | None) -> datetime | None:
    """Read a date or a time in ISO 8601; without an offset it stays naive (the workspace's clock)."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a date or time; write 2026-03-31 or 2026-03-31T18:00+01:00"
        ) from None


#: Before a name that a kept column shall have: ``--map property.country=Land``.
PROPERTY = "property."
#: The property that foretide itself shows, of items.
TITLE = "title"


def parse_pairs(pairs: list[str]) -> dict[str, str]:
    """Read ``NAME=COLUMN`` options; an empty column drops the name."""
    from foretide.events.column_search import TARGETS

    names = list(dict.fromkeys([*(target for targets in TARGETS.values() for target in targets), TITLE]))
    read = {}
    for pair in pairs:
        name, is_pair, column = pair.partition("=")
        if not is_pair:
            raise typer.BadParameter(f"write NAME=COLUMN, such as ts=InvoiceDate, not {pair!r}")
        if column and name not in names and not name.startswith(PROPERTY):
            raise typer.BadParameter(
                f"--map {pair}: {name!r} is not one of {', '.join(names)}; to keep a column under a name of your own "
                f"write --map {PROPERTY}{name}={column}"
            )
        read[name.removeprefix(PROPERTY)] = column
    return read
