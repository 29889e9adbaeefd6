"""Files of events, items, users or ready-made series: CSV and its kin, JSON Lines, Parquet, also packed with gzip.

What a file is shows in its content; its name only helps to say what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from foretide.errors import DataError, UnreadableFileError, UsageError
from foretide.events.mapping import ColumnMapping, guess
from foretide.events.quality import to_chunk, to_series, to_table
from foretide.events.records import Chunk
from foretide.events.sources.delimited import Dialect, find_dialect, read_delimited
from foretide.events.sources.json_lines import read_json_lines
from foretide.events.sources.lines import BLOCK_BYTES, MAX_LINE_BYTES, Lines, read_lines
from foretide.events.sources.parquet import BATCH_ROWS, MAGIC, read_parquet
from foretide.events.sources.rows import Rows
from foretide.schema import SERIES

#: How much of a file is looked at before its columns are given a meaning: days of a busy log.
SAMPLE_BYTES, SAMPLE_ROWS = 8 * 2**20, 100_000
PEEK_CHARS = 2**16
#: Share of control characters from which something is not text.
BINARY_SHARE = 0.02


@dataclass(frozen=True)
class Layout:
    """How a file holds its rows.

    Parameters
    ----------
    form
        ``parquet``, ``json_lines`` or ``delimited``.
    encoding
        Of a text file; None for UTF-8 or what its first bytes say.
    dialect
        Separator and columns of a delimited file.
    max_line_bytes
        Longer lines are rejected.
    """

    form: str
    encoding: str | None = None
    dialect: Dialect | None = None
    max_line_bytes: int = MAX_LINE_BYTES


@dataclass(frozen=True)
class FileSource:
    """A file and the meaning of its columns."""

    path: Path
    mapping: ColumnMapping
    layout: Layout

    def chunks(self) -> Iterator[Chunk]:
        """Read the events of the file in pieces of bounded size.

        Raises
        ------
        UsageError
            If the file does not hold events.
        UnreadableFileError
            If the file is damaged.
        """
        if self.mapping.kind != "events":
            raise UsageError(
                f"{self.path.name} holds {self.mapping.kind}, not events; say otherwise with --as events"
            )
        return (to_chunk(rows, self.mapping) for rows in read_rows(self.path, self.layout))

    def table(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Read a whole table of items, users or series.

        Returns
        -------
        tuple
            The rows, and those rejected. Numbers of one series on one day are added up.
        """
        read = to_series if self.mapping.kind == "series" else to_table
        parts = [read(rows, self.mapping) for rows in read_rows(self.path, self.layout)]
        table = pl.concat([good for good, _ in parts], how="diagonal")
        if self.mapping.kind == "series":
            table = (
                table.group_by("unique_id", "ds")
                .agg(pl.col("y").sum())
                .sort("unique_id", "ds")
                .select(*SERIES)
            )
        return table, pl.concat([bad for _, bad in parts])


def sniff(
    path: Path,
    *,
    corrections: Mapping[str, str] | None = None,
    timezone: str | None = None,
    event_type: str | None = None,
    kind: str | None = None,
    date_order: str | None = None,
    encoding: str | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> FileSource:
    """Find out what a file is and what its columns mean.

    Parameters
    ----------
    path
        The file.
    corrections, timezone, event_type, kind, date_order
        As in ``foretide.events.mapping.guess``.
    encoding
        Of a text file that is not UTF-8.
    max_line_bytes
        Longer lines of a text file are rejected.

    Raises
    ------
    UnreadableFileError
        If it is not there, empty, damaged, or not what foretide reads.
    DataError
        If it has no rows.
    MappingError
        If a column that is needed is missing, or times can be read in two ways.
    """
    path = Path(path)
    check_file(path)
    layout = layout_of(path, encoding, max_line_bytes)
    mapping = guess(
        sample_of(path, layout),
        source=path.name,
        corrections=corrections,
        timezone=timezone,
        event_type=event_type,
        kind=kind,
        date_order=date_order,
    )
    return FileSource(path, mapping, layout)


def check_file(path: Path) -> None:
    """Raise an UnreadableFileError if there is no file with something in it."""
    if path.is_dir():
        raise UnreadableFileError(f"{path} is a folder; name the files in it")
    if not path.exists():
        raise UnreadableFileError(f"{path}: there is no such file; check its name")
    if path.is_file() and path.stat().st_size == 0:
        raise UnreadableFileError(f"{path.name} is empty; nothing can be imported from it")


def read_rows(
    path: Path, layout: Layout, block_bytes: int = BLOCK_BYTES, batch_rows: int = BATCH_ROWS
) -> Iterator[Rows]:
    """Read the rows of a file."""
    if layout.form == "parquet":
        return read_parquet(path, batch_rows)
    lines = read_lines(path, layout.encoding, block_bytes=block_bytes, max_line_bytes=layout.max_line_bytes)
    if layout.dialect is None:
        return read_json_lines(lines)
    return read_delimited(lines, layout.dialect)


def layout_of(path: Path, encoding: str | None, max_line_bytes: int) -> Layout:
    """Find out how a file holds its rows."""
    if starts_with(path, MAGIC):
        return Layout("parquet")
    if path.suffix == ".parquet":
        raise UnreadableFileError(
            f"{path.name} is not a Parquet file, or its beginning is lost; get it again whole"
        )
    head = next(read_lines(path, encoding, block_bytes=SAMPLE_BYTES, max_line_bytes=max_line_bytes), None)
    lines = text_lines(path, head, encoding)
    if lines[0].lstrip().startswith("{"):
        return Layout("json_lines", encoding, None, max_line_bytes)
    if lines[0].lstrip().startswith("["):
        raise UnreadableFileError(
            f"{path.name} is one JSON array; write one object a line instead, as jq -c '.[]' does"
        )
    return Layout("delimited", encoding, find_dialect(lines), max_line_bytes)


def starts_with(path: Path, magic: bytes) -> bool:
    """Tell whether a file begins with these bytes."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(magic)) == magic
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read ({error.strerror}); check its rights") from error


def text_lines(path: Path, head: Lines | None, encoding: str | None) -> pl.Series:
    """Return the first lines of a file that are not blank.

    Raises
    ------
    UnreadableFileError
        If they are not text, or not of the encoding.
    """
    shown = (
        ""
        if head is None
        else "\n".join([*head.good["raw"].head(100), *head.rejected["raw"].head(100)])[:PEEK_CHARS]
    )
    if not shown.strip():
        raise UnreadableFileError(f"{path.name} is empty; nothing can be imported from it")
    strange = sum(char < " " and char not in "\t\n\r\f" for char in shown)
    if "\0" in shown or strange > BINARY_SHARE * len(shown):
        raise UnreadableFileError(
            f"{path.name} is not text but binary; give CSV, TSV, JSON Lines or Parquet (and --encoding if it is UTF-16)"
        )
    assert head is not None
    lines = head.good["raw"].filter(head.good["raw"].str.strip_chars() != "")
    check_first_line(path, head, lines, encoding)
    return lines


def check_first_line(path: Path, head: Lines, lines: pl.Series, encoding: str | None) -> None:
    """Raise an UnreadableFileError if the line with the column names cannot be read."""
    bad = head.rejected.filter(pl.lit(lines.is_empty()) | (pl.col("line") == 1))
    if bad.is_empty():
        return
    if bad["reason"][0] == "line_too_long":
        raise UnreadableFileError(
            f"{path.name}: line 1 is longer than a line may be; is it a table with line ends?"
        )
    raise UnreadableFileError(
        f"{path.name} is not {encoding or 'UTF-8'} text; say what it is with --encoding, such as gb18030 or latin-1"
    )


def sample_of(path: Path, layout: Layout) -> pl.DataFrame:
    """Return the first rows of a file.

    Raises
    ------
    DataError
        If there are none.
    """
    rejected = 0
    for rows in read_rows(path, layout, SAMPLE_BYTES, SAMPLE_ROWS):
        if rows.fields.height:
            return rows.fields
        rejected += rows.rejected.height
    if rejected:
        raise DataError(
            f"{path.name}: none of its {rejected:,} rows could be taken apart; check separators and quotes"
        )
    raise DataError(f"{path.name} has column names but no rows; nothing can be imported from it")
