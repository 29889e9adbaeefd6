"""Files of events, items, users or ready-made series: CSV and its kin, JSON Lines (also gzip), Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from foretide.errors import DataError, UsageError
from foretide.events.mapping import ColumnMapping, guess
from foretide.events.quality import to_chunk, to_series, to_table
from foretide.events.records import Chunk
from foretide.events.sources.delimited import read_delimited
from foretide.events.sources.json_lines import read_json_lines
from foretide.events.sources.layout import Layout, check_file, layout_of
from foretide.events.sources.lines import BLOCK_BYTES, MAX_LINE_BYTES, read_lines
from foretide.events.sources.parquet import BATCH_ROWS, read_parquet
from foretide.events.sources.rows import Rows

#: How much of a file is looked at before its columns are given a meaning: days of a busy log.
SAMPLE_BYTES, SAMPLE_ROWS = 8 * 2**20, 100_000


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
            raise UsageError(f"{self.path.name} holds {self.mapping.kind}, not events; say otherwise with --as events")
        return (to_chunk(rows, self.mapping) for rows in read_rows(self.path, self.layout))

    def table(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Read a whole table of items, users or series.

        Returns
        -------
        tuple
            The rows, and those rejected.
        """
        read = to_series if self.mapping.kind == "series" else to_table
        parts = [read(rows, self.mapping) for rows in read_rows(self.path, self.layout)]
        return pl.concat([good for good, _ in parts], how="diagonal"), pl.concat([bad for _, bad in parts])


def sniff(
    path: Path,
    *,
    corrections: Mapping[str, str] | None = None,
    timezone: str | None = None,
    event_type: str | None = None,
    kind: str | None = None,
    date_order: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> FileSource:
    """Find out what a file is and what its columns mean.

    Parameters
    ----------
    path
        The file.
    corrections, timezone, event_type, kind, date_order, decimal
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
        If a column that is needed is missing, or times or numbers can be read in two ways.
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
        decimal=decimal,
        separator=layout.dialect.separator if layout.dialect else None,
    )
    return FileSource(path, mapping, layout)


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
        raise DataError(f"{path.name}: none of its {rejected:,} rows could be taken apart; check separators and quotes")
    raise DataError(f"{path.name} has column names but no rows; nothing can be imported from it")
