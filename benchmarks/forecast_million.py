"""Forecast a million series with intervals, from Parquet to Parquet: time and memory.

    python benchmarks/forecast_million.py [--series 1000000] [--workers 2] [--fast] [--folder FOLDER]

Made-up daily counts (``synthetic_series``) of 730 days are written in chunks; ``forecast_file`` then forecasts 28 days
with intervals at 80 and 95 in a process of its own, compiling included. Memory is that of the process and all of its
descendants together, looked at four times a second. With ``--folder`` the files are kept, and used
again; with ``--fast`` trees are left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from pyarrow.parquet import ParquetFile, ParquetWriter

from foretide.forecast.catalogue import BY_DEFAULT
from measuring import cpu_seconds
from synthetic_series import N_STEPS, synthetic_series

H = 28
LEVELS = (80, 95)
CHUNK_SERIES = 2_000
LOOK_S = 0.25
MB = 1024**2


def chunk(first: int, n_series: int) -> pl.DataFrame:
    """Return ``unique_id, ds, y`` of the series from number ``first`` on."""
    panel, _ = synthetic_series(n_series, seed=first)
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"s{first + i:07}" for i in range(n_series)], N_STEPS),
            "ds": np.tile(panel.dates, n_series),
            "y": panel.y.ravel().astype(np.int32),
        }
    )


def write(path: Path, n_series: int) -> None:
    writer = None
    for first in range(0, n_series, CHUNK_SERIES):
        table = chunk(first, min(CHUNK_SERIES, n_series - first)).to_arrow()
        writer = writer or ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def job(path: Path, out: Path, workers: int, models: tuple[str, ...]) -> None:
    """Forecast in this process and print its wall time, CPU seconds and rows."""
    from foretide.events.engine import LocalEngine
    from foretide.forecast.scale_out import forecast_file

    wall = time.perf_counter()
    rows = forecast_file(path, out, H, LEVELS, engine=LocalEngine(workers), models=models)
    print(time.perf_counter() - wall, cpu_seconds(), rows)


def descendants(pid: int) -> Iterator[int]:
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in thread.read_text().split():
            yield from descendants(int(child))


def resident_mb(pid: int) -> float:
    """Return the memory of a process and all of its descendants now."""
    try:
        pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in descendants(pid)]
    except FileNotFoundError:  # one has just ended
        return 0.0
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / MB


def watched(command: list[str]) -> tuple[str, float]:
    """Run a command and return what it printed, and the peak of its memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident_mb(process.pid))
        time.sleep(LOOK_S)
    said, _ = process.communicate()
    if process.returncode:
        sys.exit(process.returncode)
    return said, peak


def measure(folder: Path, n_series: int, workers: int, *, fast: bool) -> None:
    path, out = folder / f"series-{n_series}.parquet", folder / f"forecast-{n_series}.parquet"
    if not path.exists():
        write(path, n_series)
    arguments = ["--job", str(path), str(out), "--workers", str(workers), *(["--fast"] if fast else [])]
    said, peak_mb = watched([sys.executable, __file__, *arguments])
    wall_s, cpu_s, rows = map(float, said.split())
    assert rows == n_series * H == ParquetFile(out).metadata.num_rows
    print(f"{n_series:,} series of {N_STEPS} days, {workers} workers: {wall_s:,.1f} s wall, {cpu_s:,.1f} CPU-s")
    print(f"{n_series / wall_s:,.0f} series a second, {1e3 * cpu_s / n_series:.3f} CPU ms a series")
    print(f"peak {peak_mb:,.0f} MiB; {path.stat().st_size / MB:,.0f} MiB read, {out.stat().st_size / MB:,.0f} written")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--series", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--job", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        job(*asked.job, asked.workers, () if asked.fast else BY_DEFAULT)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(asked.folder or Path(folder), asked.series, asked.workers, fast=asked.fast)


if __name__ == "__main__":
    main()
