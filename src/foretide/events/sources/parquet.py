"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from foretide.errors import UnreadableFileError
from foretide.events.sources.rows import REJECTED, Rows

MAGIC = b"PAR1"
BATCH_ROWS = 250_000


def read_parquet(path: Path, batch_rows: int = BATCH_ROWS) -> Iterator[Rows]:
    """Read a Parquet file.

    Raises
    ------
    UnreadableFileError
        If it is damaged or cut off.
    """
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_rows):
                fields = pl.DataFrame(pl.from_arrow(batch))
                line = pl.int_range(first, first + batch.num_rows, eager=True)
                yield Rows(fields, line, None, REJECTED.to_frame())
                first += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableFileError(f"{path.name}: the Parquet file is damaged or cut off; get it again whole") from error
