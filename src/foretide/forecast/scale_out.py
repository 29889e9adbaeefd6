"""Forecasts of any number of series: a Parquet file in, a Parquet file out, in the memory of a few thousand series.

The file is cut into runs of whole series, and the same pure function forecasts each on this machine's threads or in
Spark's workers. Steps, their first and their last one are those of the whole file, wherever it is cut. Boosted trees
learn once, from series all over the file; another method that learns from a panel learns from the series of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pyarrow.parquet import ParquetWriter

from foretide.errors import DataError, MappingError, UnreadableFileError, UsageError
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets
from foretide.forecast.asked import Gaps, check_gaps, moment_asked, names, seasons, whole_number, whole_numbers
from foretide.forecast.catalogue import BY_DEFAULT, TREES
from foretide.forecast.engine import checked, run
from foretide.forecast.forest import Forest
from foretide.forecast.frame_rows import tidied
from foretide.forecast.frames import SEASONS, days_of, known_before, panel_on, steps_of
from foretide.forecast.grid import Grid, counted
from foretide.forecast.kinds import STEADY, kinds
from foretide.forecast.known_ahead import known_ahead
from foretide.forecast.method import dates_ahead, without_gaps
from foretide.forecast.trees import taught
from foretide.schema import Forecast, Panel

#: Values in a run of series, known or not.
RUN_VALUES = 1_000_000
#: Runs that trees learn from, evenly over the file, and series of each, evenly over it.
LEARNT_RUNS = 8
LEARNT_SERIES = 128
COLUMNS = ("unique_id", "ds", "y")


@dataclass(frozen=True)
class SeriesFile:
    """A Parquet file with ``unique_id, ds, y``, the rows of a series together; it is a ``Buckets``."""

    path: Path
    begins: tuple[int, ...]  # (n_runs + 1,) rows
    grid: Grid  # of all dates
    timezone: str = "UTC"

    @classmethod
    def open(cls, path: Path | str, until: date | None = None, run_values: int = RUN_VALUES) -> SeriesFile:
        """Find where runs of series begin, and the steps of the whole file up to ``until`` or its last date.

        Raises
        ------
        DataError
            If the rows of a series are apart: sort the file by ``unique_id`` first; or as ``frames.forecast``.
        MappingError
            If a column is missing or cannot be read.
        UnreadableFileError
            If it is no Parquet file.
        """
        path = Path(path).absolute()
        known = columns_of(path)
        if missing := [name for name in COLUMNS if name not in known]:
            raise MappingError(f"{path.name}: there is no column {missing[0]!r}; the columns are {', '.join(known)}")
        n_rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        firsts, dates = scanned(path, n_rows, until, run_values)
        if firsts["unique_id"].n_unique() < firsts.height:
            raise DataError(f"{path.name}: the rows of a series are apart; sort the file by unique_id first")
        grid = steps_of(dates, until)
        return cls(path, (*firsts["row"].gather_every(max(run_values // grid.n_steps, 1)), n_rows), grid)

    @property
    def ids(self) -> Sequence[int]:
        """Return the numbers of the runs."""
        return range(len(self.begins) - 1)

    def bucket(self, i: int, columns: Sequence[str] | None = None, until: datetime | None = None) -> pl.DataFrame:
        """Return the rows of a run."""
        rows = pl.scan_parquet(self.path).slice(self.begins[i], self.begins[i + 1] - self.begins[i])
        rows = rows if until is None else rows.filter(pl.col("ds") < until)
        return (rows if columns is None else rows.select(columns)).collect()


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns of a file."""
    try:
        return pl.scan_parquet(path).collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableFileError(f"{path} cannot be read ({reason}); give Parquet of unique_id, ds, y") from error


def scanned(path: Path, n_rows: int, until: date | None, at_once: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``row, unique_id`` of the first row of each series, and the dates of figures before ``until``.

    One query over the whole file would hold all of its ids in memory, streaming or not.
    """
    last, dates, firsts = None, counted(pl.Series("ds", [], pl.Datetime("us"))), []
    for begin in range(0, max(n_rows, 1), at_once):
        rows = pl.scan_parquet(path).select(COLUMNS).slice(begin, at_once).collect()
        ids = rows["unique_id"]
        begun = ids.ne_missing(ids.shift(1, fill_value=last)).arg_true()
        firsts.append(pl.DataFrame({"row": begun.cast(pl.Int64) + begin, "unique_id": ids.gather(begun)}))
        more = counted(known_before(tidied(rows), until)["ds"])
        dates = pl.concat([dates, more]).group_by("ds").agg(pl.col("n").sum())
        last = ids.last()
    return pl.concat(firsts), dates


def forecast_run(
    series: Buckets,
    i: int,
    grid: Grid,
    until: date | None,
    gaps: Gaps,
    h: int,
    levels: tuple[int, ...],
    season_length: tuple[int, ...],
    models: Sequence[str],
    events: pl.DataFrame | None,
    forests: Mapping[int, Forest] | None,
) -> pl.DataFrame:
    """Return the forecast of a run of series; of those without a figure there is none."""
    panel = panel_of_run(series, i, grid, until, gaps)
    if not panel.ids:
        return nothing(grid, h, levels)
    return run(panel, h, levels, season_length, models=models, events=events, forests=forests).frame


def panel_of_run(series: Buckets, i: int, grid: Grid, until: date | None, gaps: Gaps) -> Panel:
    """Return the series of a run that have a figure, on the steps of the whole file."""
    return panel_on(grid, known_before(tidied(series.bucket(i, COLUMNS)), until), gaps)


def learnt(
    series: SeriesFile, until: date | None, gaps: Gaps, h: int, season_lengths: Sequence[int]
) -> dict[int, Forest] | None:
    """Return what trees learn from series all over a file; None of a single run, which they learn from as it is."""
    if len(series.ids) < 2:
        return None
    runs = np.unique(np.linspace(0, len(series.ids) - 1, LEARNT_RUNS).astype(int)).tolist()
    panels = [panel_of_run(series, i, series.grid, until, gaps) for i in runs]
    some = [panel.y[:: -(-len(panel.ids) // LEARNT_SERIES)] for panel in panels if panel.ids]
    if not some:
        return {}
    y = without_gaps(np.concatenate(some))
    steady = [kind.rows for kind in kinds(y) if kind.name == STEADY]
    return taught(y[steady[0]], h, season_lengths) if steady else {}


def nothing(grid: Grid, h: int, levels: Sequence[int]) -> pl.DataFrame:
    """Return the forecast of no series."""
    none = np.empty((0, h))
    ahead = dates_ahead(Panel([], grid.dates, np.empty((0, grid.n_steps))), h)
    return Forecast([], ahead, none, none, dict.fromkeys(levels, (none, none))).to_frame()


def forecast_file(
    path: Path | str,
    out: Path | str,
    h: int = 28,
    levels: Sequence[int] = (80, 95),
    season_length: int | Sequence[int] | None = None,
    gaps: Gaps = "last",
    until: date | str | None = None,
    engine: Engine | None = None,
    models: Sequence[str] = BY_DEFAULT,
    events: Any = None,
    holidays: str | None = None,
) -> int:
    """Forecast every series of a Parquet file and return how many rows were written.

    Parameters
    ----------
    path
        ``unique_id, ds, y``, sorted by series.
    out
        The Parquet file to write: ``unique_id, ds, mean, median, lo-80, hi-80, ...``.
    h, levels, season_length, gaps, until
        As in ``foretide.forecast.frames.forecast``: all series are forecast from the same step on.
    engine
        Where runs are forecast; a thread for each core if None.
    models
        What to try beside the candidates, as in ``foretide.forecast.engine.run``; ``()`` is fast.
    events, holidays
        Known events of daily series, as in ``foretide.forecast.frames.forecast``.
    """
    h, levels = whole_number(h, "h"), checked(whole_number(h, "h"), whole_numbers(levels, "levels"))
    check_gaps(gaps)
    until, out = moment_asked(until), Path(out)
    if not out.parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.parent}; make it first")
    series = SeriesFile.open(path, until, RUN_VALUES)
    grid, schema = series.grid, nothing(series.grid, h, levels).schema
    season = SEASONS[grid.name] if season_length is None else seasons(season_length)
    forests = learnt(series, until, gaps, h, season) if TREES in models else None
    job = partial(
        forecast_run,
        grid=grid,
        until=until,
        gaps=gaps,
        h=h,
        levels=levels,
        season_length=season,
        models=names(models),
        events=known_ahead(events, holidays, None, *days_of(grid.dates, h)).events,
        forests=forests,
    )
    return written((engine or LocalEngine()).map_buckets(job, series, schema), schema, out)


def written(parts: Iterable[pl.DataFrame], schema: pl.Schema, out: Path) -> int:
    """Write parts to a Parquet file, whole or not at all, and return the number of rows."""
    rows, unfinished = 0, out.with_name(f".{out.name}.part")
    try:
        with ParquetWriter(unfinished, schema.to_frame().to_arrow().schema, compression="zstd") as writer:
            for part in parts:
                writer.write_table(part.to_arrow())
                rows += part.height
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows
