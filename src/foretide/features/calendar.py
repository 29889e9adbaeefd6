"""Known events: the holidays of a country, and what a team knows of itself (a campaign, a launch, a strike)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.text import language, say, say_or

#: ``ds`` to ``end``, both inclusive, are local days; ``category`` is the one it is about, null for all.
CALENDAR = pl.Schema({"event": pl.String(), "ds": pl.Date(), "end": pl.Date(), "category": pl.String()})

NEEDED = ("name", "start")
HEADER = (*NEEDED, "end", "category")
#: Other names of columns; a table of ``CALENDAR`` that was written out is read back.
ALSO = {"event": "name", "date": "start", "ds": "start"}
SEPARATORS = ",;\t"
FORM = "name,start[,end][,category]"
#: The language of the package ``holidays`` that stands for one of ours, where a country has it.
OWN_WORDS = {"zh": "zh_CN"}
#: Ends the name of a holiday that is kept on another day.
OBSERVED = " (observed)"
LIST_COUNTRIES = 'python -c "import holidays; print(*holidays.list_supported_countries())"'


def known_days(*calendars: pl.DataFrame | None) -> pl.DataFrame:
    """Return calendars as one, ``CALENDAR`` by the first day; None is one without events."""
    return pl.concat([CALENDAR.to_frame(), *(table for table in calendars if table is not None)]).sort("ds")


def days_of_events(calendar: pl.DataFrame, dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Tell on which of the days an event of the calendar goes on, ``(n_days,)``; events may reach beyond them."""
    first, last = (calendar[end].to_numpy().astype("datetime64[D]")[:, None] for end in ("ds", "end"))
    return np.asarray(((dates >= first) & (dates <= last)).any(axis=0))


def country_holidays(country: str, first: date, last: date) -> pl.DataFrame:
    """Return the public holidays from one day to another, ``CALENDAR`` in the order of time.

    Their names are those of the current language where it has any, else English.

    Parameters
    ----------
    country
        ISO code, with a region where holidays differ: ``DE``, ``DE-BY``.
    first, last
        Both inclusive.

    Raises
    ------
    UsageError
        If the package ``holidays`` does not know the country or region.
    """
    import holidays

    code, _, region = country.strip().upper().partition("-")
    years = range(first.year, last.year + 1)
    in_language = partial(holidays.country_holidays, code, subdiv=region or None, years=years)
    try:
        known = in_language(language="en_US")
        if (own := OWN_WORDS.get(language())) in known.supported_languages:
            known = in_language(language=own)
    except NotImplementedError as error:
        raise UsageError(
            f"no holidays are known of {country!r}; give a code such as DE or DE-BY, and list the countries with "
            f"{LIST_COUNTRIES}"
        ) from error
    days = [(in_words(name), day, day, None) for day, name in sorted(known.items()) if first <= day <= last]
    table = pl.DataFrame(days, schema=CALENDAR, orient="row")
    # Days in a row with one name (a week of New Year) are one event.
    follows = (pl.col("ds").diff() == timedelta(days=1)) & (pl.col("event") == pl.col("event").shift())
    spells = table.group_by((~follows.fill_null(False)).cum_sum().alias("spell"), maintain_order=True)
    return spells.agg(pl.col("event", "ds").first(), pl.col("end").last(), pl.col("category").first()).drop("spell")


def in_words(names: str) -> str:
    """Return the names of the holidays of a day in the current language; those the catalogue lacks stay as they are."""
    return "; ".join(_in_words(name) for name in names.split("; "))


def _in_words(name: str) -> str:
    if name.endswith(OBSERVED):
        return say(f"holidays.%s{OBSERVED}", name=_in_words(name.removesuffix(OBSERVED)))
    return say_or(f"holidays.{name}", name)


def own_events(path: Path) -> pl.DataFrame:
    """Return the events of a CSV file, ``CALENDAR`` in the order of time.

    Parameters
    ----------
    path
        UTF-8 with a header ``name,start[,end][,category]`` in any order, separated by commas, semicolons or tabs;
        ``date`` may stand for ``start``. Days are written 2025-12-24; an event without an ``end`` has one day, and one
        without a ``category`` is about all.

    Raises
    ------
    UsageError
        If the file cannot be read or a row is not of this form; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            separator = max(SEPARATORS, key=header.count)
            rows = list(_rows(csv.reader(file, delimiter=separator, strict=True), path, separator))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8; save it again as UTF-8") from error
    return pl.DataFrame(rows, schema=CALENDAR, orient="row").sort("ds", "end", "event")


def _rows(reader: Iterator[list[str]], path: Path, separator: str) -> Iterator[tuple[str, date, date, str | None]]:
    line = 1
    try:
        header = _header(next(reader, []), path)
        for row in reader:
            line = reader.line_num  # type: ignore[attr-defined]
            if any(cell.strip() for cell in row):
                cells = _cells(row, len(header), separator, f"{path}:{line}")
                yield _event(dict(zip(header, cells, strict=True)), f"{path}:{line}")
    except csv.Error as error:
        raise UsageError(f"{path}:{line + 1}: {error}; write {FORM}") from error


def _header(cells: Sequence[str], path: Path) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    header = [ALSO.get(name, name) for name in names]
    if not set(NEEDED) <= set(header) <= set(HEADER) or len(header) != len(set(header)):
        raise UsageError(f"{path}:1: the header must be {FORM}, not {','.join(names) or 'empty'}")
    return header


def _cells(row: Sequence[str], n: int, separator: str, place: str) -> list[str]:
    """Return the cells of a row; those left out at its end are empty."""
    if len(row) > n:
        raise UsageError(f"{place}: {len(row)} cells where the header has {n}; quote a name with a {separator!r}")
    return [cell.strip() for cell in row] + [""] * (n - len(row))


def _event(row: dict[str, str], place: str) -> tuple[str, date, date, str | None]:
    if not row["name"]:
        raise UsageError(f"{place}: the event has no name; give it one")
    start = _day(row["start"], place)
    end = _day(row["end"], place) if row.get("end") else start
    if end < start:
        raise UsageError(f"{place}: {row['name']!r} ends on {end}, before it starts on {start}")
    return row["name"], start, end, row.get("category") or None


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{place}: {text!r} is no day; write it as 2025-12-24") from error
