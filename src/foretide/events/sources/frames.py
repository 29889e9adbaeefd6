"""Events that are in memory already: a pandas, Polars or Arrow table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from foretide.errors import DataError, MappingError
from foretide.events.mapping import guess
from foretide.events.quality import to_chunk
from foretide.events.records import Chunk
from foretide.events.sources.rows import REJECTED, Rows

CHUNK_ROWS = 500_000
SAMPLE_ROWS = 100_000


def frame_chunks(
    frame: Any,
    *,
    source: str = "frame",
    corrections: Mapping[str, str] | None = None,
    timezone: str | None = None,
    event_type: str | None = None,
    date_order: str | None = None,
    decimal: str | None = None,
) -> Iterator[Chunk]:
    """Read the events of a frame.

    Parameters
    ----------
    frame
        A pandas or Polars frame, an Arrow table, or whatever else offers the Arrow stream interface.
    source
        Its name in messages.
    corrections, timezone, event_type, date_order, decimal
        As in ``foretide.events.mapping.guess``; checked before this returns.

    Raises
    ------
    MappingError
        If it is no frame, a column that is needed is missing, or times or numbers can be read in two ways.
    DataError
        If it has no rows.
    """
    table = to_polars(frame, source)
    if table.is_empty():
        raise DataError(f"{source} has no rows; nothing can be imported from it")
    mapping = guess(
        table.head(SAMPLE_ROWS),
        source=source,
        corrections=corrections,
        timezone=timezone,
        event_type=event_type,
        kind="events",
        date_order=date_order,
        decimal=decimal,
    )
    return (to_chunk(rows, mapping) for rows in pieces(table))


def pieces(table: pl.DataFrame) -> Iterator[Rows]:
    """Cut a frame into pieces."""
    for start in range(0, table.height, CHUNK_ROWS):
        fields = table[start : start + CHUNK_ROWS]
        line = pl.int_range(start + 1, start + 1 + fields.height, eager=True)
        yield Rows(fields, line, None, REJECTED.to_frame())


def to_polars(frame: Any, source: str) -> pl.DataFrame:
    """Return a frame as a Polars frame; pandas' NaN is null there."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    is_pandas = type(frame).__module__.partition(".")[0] == "pandas"
    is_column = isinstance(frame, pl.Series) or (is_pandas and not hasattr(frame, "columns"))
    try:
        if is_pandas and not is_column:
            return pl.DataFrame(pl.from_pandas(frame))
        if hasattr(frame, "__arrow_c_stream__") and not is_column:
            return pl.DataFrame(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pl.exceptions.DuplicateError, ValueError) as error:
        raise MappingError(
            f"{source}: a column mixes types or two have one name ({error}); give each its own"
        ) from error
    raise MappingError(f"{source} is a {type(frame).__name__}; give a pandas or Polars frame or an Arrow table")
