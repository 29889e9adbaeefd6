"""Tables as text, CSV, TSV and their kin after RFC 4180, read so that one bad row costs one row.

A field that begins with a quote ends with one and may hold separators, doubled quotes and line ends; a
quote inside of an unquoted field (``5" screen``) is a character like any other. Blank lines are not rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from foretide.errors import DataError
from foretide.events.sources.dialect import Dialect
from foretide.events.sources.lines import MAX_LINE_BYTES, Lines
from foretide.events.sources.rows import REJECTED, Rows, rejected

#: A quoted field that does not end within so many lines is a stray quote.
MAX_RECORD_LINES = 1_000


def read_delimited(pieces: Iterable[Lines], dialect: Dialect) -> Iterator[Rows]:
    """Take the lines of a file apart into the columns of its first line."""
    open_lines, header_seen = None, False
    for good, bad in pieces:
        lines = good if open_lines is None else pl.concat([open_lines, good])
        if not header_seen:
            header_seen, lines = True, without_header(lines)
        lines, broken, open_lines = join_records(lines, dialect, final=False)
        yield rows_of(lines, pl.concat([bad, broken]), dialect)
    if open_lines is not None and open_lines.height:
        lines, broken, _ = join_records(open_lines, dialect, final=True)
        yield rows_of(lines, broken, dialect)


def without_header(lines: pl.DataFrame) -> pl.DataFrame:
    """Drop everything up to the first line that is not blank."""
    return lines.slice(next((i for i, text in enumerate(lines["raw"]) if text.strip()), lines.height) + 1)


def join_records(
    lines: pl.DataFrame, dialect: Dialect, *, final: bool
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
    """Put the lines of a row together, and reject what is no row.

    Returns
    -------
    tuple
        Rows (``line, raw``), those rejected, and lines of a row that goes on in the next piece.
    """
    whole = lines["raw"].str.contains(dialect.record)
    if whole.all():
        return (
            lines.filter(pl.col("raw") != "") if len(dialect.columns) == 1 else lines,
            REJECTED.to_frame(),
            None,
        )
    odd = lines.filter(~whole)
    openings = odd.filter(odd["raw"].str.contains(dialect.opening))["line"]
    rest = None
    if openings.len():
        lines, rest = join_open(lines, openings, dialect, final=final)
        whole = lines["raw"].str.contains(dialect.record)
    odd = lines.filter(~whole & (lines["raw"].str.strip_chars() != ""))
    return lines.filter(whole), say_why(odd, dialect), rest


def join_open(
    lines: pl.DataFrame, openings: pl.Series, dialect: Dialect, *, final: bool
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Join lines that a quoted field runs over; the lines of one that is still open come apart."""
    raws = lines["raw"].to_list()
    keep = np.ones(len(raws), dtype=bool)
    rest, after = None, 0  # after: the first line behind the last joined row
    for start in lines["line"].search_sorted(openings).to_list():
        end = last_line(raws, start, dialect) if start >= after else None
        if end == len(raws) and not final and lines[start:]["raw"].str.len_bytes().sum() <= MAX_LINE_BYTES:
            rest = lines[start:]
            keep[start:] = False
            break
        if end is not None and end < len(raws):
            raws[start] = "\n".join(raws[start : end + 1])
            keep[start + 1 : end + 1] = False
            after = end + 1
    return lines.with_columns(raw=pl.Series(raws)).filter(keep), rest


def last_line(raws: list[str], start: int, dialect: Dialect) -> int | None:
    """Return the line on which the row that is open at ``start`` ends.

    It is ``len(raws)`` if the lines run out before, and None if no row can be made of them: a stray quote.
    """
    for end in range(start + 1, min(start + MAX_RECORD_LINES, len(raws))):
        if dialect.closing.match(raws[end]):
            return end
        if not dialect.inside.match(raws[end]):
            return None
    return len(raws) if start + MAX_RECORD_LINES > len(raws) else None


def say_why(odd: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """Reject lines: those of too few or too many fields, and those that are malformed."""
    many = odd["raw"].str.contains(dialect.of_width(f"{{{len(dialect.columns)},}}"))
    few = odd["raw"].str.contains(dialect.of_width("*")) & ~many
    kinds = {"too_many_columns": many, "too_few_columns": few, "malformed_line": ~many & ~few}
    parts = [(reason, odd.filter(rows)) for reason, rows in kinds.items()]
    return pl.concat([rejected(lines["line"], reason, lines["raw"]) for reason, lines in parts])


def rows_of(lines: pl.DataFrame, bad: pl.DataFrame, dialect: Dialect) -> Rows:
    """Take well-formed rows apart."""
    fields = parse(lines["raw"], dialect)
    if fields.height != lines.height:
        raise DataError(
            f"{lines.height - fields.height} rows after line {lines['line'][0]} were lost; report this file"
        )
    return Rows(fields, lines["line"], lines["raw"], bad)


def parse(rows: pl.Series, dialect: Dialect) -> pl.DataFrame:
    """Parse well-formed rows into columns of text."""
    if rows.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(dialect.columns, pl.String))
    text = rows.str.join("\n").item().encode()
    table = pa_csv.read_csv(
        pa.BufferReader(text),
        read_options=pa_csv.ReadOptions(column_names=dialect.columns, use_threads=False, block_size=len(text) + 1),
        parse_options=pa_csv.ParseOptions(
            delimiter=dialect.separator, newlines_in_values=True, ignore_empty_lines=False
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(dialect.columns, pa.large_string()), strings_can_be_null=False
        ),
    )
    return pl.DataFrame(pl.from_arrow(table))
