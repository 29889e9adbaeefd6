"""Forecasts of any number of series: a Parquet file in, a Parquet file out, in the memory of a few thousand series.

The file is cut into runs of whole series, and the same pure function forecasts each on this machine's threads or in
Spark's workers. A method that learns from a panel learns from the series of a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl
from pyarrow.parquet import ParquetWriter

from foretide.errors import DataError
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets
from foretide.forecast.frames import Gaps, forecast

#: Values in a run of series.
RUN_VALUES = 1_000_000


@dataclass(frozen=True)
class SeriesFile:
    """A Parquet file with ``unique_id, ds, y``, the rows of a series together; it is a ``Buckets``."""

    path: Path
    begins: tuple[int, ...]  # (n_runs + 1,) rows
    timezone: str = "UTC"

    @classmethod
    def open(cls, path: Path | str, run_values: int = RUN_VALUES) -> SeriesFile:
        """Find where runs of series begin.

        Raises
        ------
        DataError
            If the rows of a series are apart: sort the file by ``unique_id`` first.
        """
        path = Path(path).absolute()
        n_rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        firsts = pl.concat(first_rows(path, n_rows, run_values))
        if firsts["unique_id"].n_unique() < firsts.height:
            raise DataError(f"{path.name}: the rows of a series are apart; sort the file by unique_id first")
        begins = firsts.group_by(run=pl.col("row") // run_values, maintain_order=True).agg(pl.col("row").first())["row"]
        return cls(path, (*begins, n_rows))

    @property
    def ids(self) -> Sequence[int]:
        """Return the numbers of the runs."""
        return range(len(self.begins) - 1)

    def bucket(self, i: int, columns: Sequence[str] | None = None, until: datetime | None = None) -> pl.DataFrame:
        """Return the rows of a run."""
        rows = pl.scan_parquet(self.path).slice(self.begins[i], self.begins[i + 1] - self.begins[i])
        rows = rows if until is None else rows.filter(pl.col("ds") < until)
        return (rows if columns is None else rows.select(columns)).collect()


def first_rows(path: Path, n_rows: int, step: int) -> Iterator[pl.DataFrame]:
    """Yield ``row, unique_id`` of the first row of each series, ``step`` rows of the file at a time.

    One query over the whole file would hold all of its ids in memory, streaming or not.
    """
    last = None
    for begin in range(0, max(n_rows, 1), step):
        ids = pl.scan_parquet(path).select("unique_id").slice(begin, step).collect()["unique_id"]
        rows = ids.ne_missing(ids.shift(1, fill_value=last)).arg_true()
        yield pl.DataFrame({"row": rows.cast(pl.Int64) + begin, "unique_id": ids.gather(rows)})
        last = ids.last()


def forecast_run(
    series: Buckets, i: int, h: int, levels: tuple[int, ...], season_length: int | tuple[int, ...] | None, gaps: Gaps
) -> pl.DataFrame:
    """Return the forecast of a run of series."""
    return forecast(series.bucket(i, ["unique_id", "ds", "y"]), h, levels, season_length, gaps).frame


def forecast_file(
    path: Path | str,
    out: Path | str,
    h: int = 28,
    levels: Sequence[int] = (80, 95),
    season_length: int | Sequence[int] | None = None,
    gaps: Gaps = "last",
    engine: Engine | None = None,
) -> int:
    """Forecast every series of a Parquet file and return how many rows were written.

    Parameters
    ----------
    path
        ``unique_id, ds, y``, sorted by series.
    out
        The Parquet file to write: ``unique_id, ds, mean, median, lo-80, hi-80, ...``.
    h, levels, season_length, gaps
        As in ``foretide.forecast.frames.forecast``.
    engine
        Where runs are forecast; two threads if None.
    """
    series = SeriesFile.open(path, RUN_VALUES)
    season = season_length if season_length is None or isinstance(season_length, int) else tuple(season_length)
    job = partial(forecast_run, h=h, levels=tuple(levels), season_length=season, gaps=gaps)
    schema = job(_head(series), 0).schema
    rows = 0
    with ParquetWriter(Path(out), schema.to_frame().to_arrow().schema, compression="zstd") as writer:
        for part in (engine or LocalEngine()).map_buckets(job, series, schema):
            writer.write_table(part.to_arrow())
            rows += part.height
    return rows


def _head(series: SeriesFile) -> SeriesFile:
    """Return a few rows of the file, for the columns of what is written."""
    return SeriesFile(series.path, (0, min(series.begins[-1], 100)))
