"""How the commands show tables, on the terminal and in files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foretide.cli import FULL_OR_FORBIDDEN
from foretide.cli.options import Format
from foretide.cli.waiting import hush
from foretide.errors import StorageError, UsageError
from foretide.text import say

if TYPE_CHECKING:
    import polars as pl

#: A printed table is cut to this many rows; ``-o FILE``, ``--format json`` and ``csv`` give them all.
PRINTED_ROWS = 24
#: Width of a table that is not printed to a terminal.
PIPED_WIDTH = 160

WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".csv": lambda frame, path: frame.write_csv(path),
    ".json": lambda frame, path: frame.write_json(path),
    ".parquet": lambda frame, path: frame.write_parquet(path),
}


def emit(frame: pl.DataFrame, print_as: Format = Format.table, output: Path | None = None, title: str = "") -> None:
    """Write a table to a file if one is named, else print it."""
    hush()
    if output is not None:
        write(frame, output)
        inform(say("cli.wrote", rows=f"{frame.height:,}", path=output))
    elif print_as is Format.json:
        sys.stdout.write(frame.write_json() + "\n")
    elif print_as is Format.csv:
        sys.stdout.write(frame.write_csv())
    else:
        print_table(frame, title)


def write_parts(parts: Iterator[pl.DataFrame], print_as: Format = Format.table, output: Path | None = None) -> None:
    """Write or print a table that comes in parts; a Parquet file is written part by part, in the memory of one."""
    import polars as pl

    if output is None or output.suffix.lower() != ".parquet":
        emit(pl.concat(parts), print_as, output)
        return
    with unfinished(output) as scratch:
        rows = write_parquet(parts, scratch)
    inform(say("cli.wrote", rows=f"{rows:,}", path=output))


def write_parquet(parts: Iterator[pl.DataFrame], path: Path) -> int:
    """Write a table to a Parquet file as its parts come, the first of them empty; return the number of rows."""
    from pyarrow.parquet import ParquetWriter

    rows, schema = 0, next(parts).to_arrow().schema
    # Measures hardly ever repeat: dictionaries of them would take twice as long, for a larger file; and so would zstd a
    # quarter longer, for a fifth less.
    with ParquetWriter(path, schema, compression="snappy", use_dictionary=False) as writer:
        for part in parts:
            writer.write_table(part.to_arrow())
            rows += part.height
    return rows


def check_output(output: Path | None, suffixes: Collection[str] = WRITERS.keys()) -> None:
    """Refuse a file that cannot be written, before any work is done; ``suffixes`` are those that can."""
    if output is None:
        return
    if output.suffix.lower() not in suffixes:
        raise UsageError(f"{output}: the suffix must be {' or '.join(suffixes)}")
    if not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}; make it first")


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a table in the format of the suffix; the old file stays until the new one is whole."""
    check_output(path)
    with unfinished(path) as scratch:
        WRITERS[path.suffix.lower()](frame, scratch)


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give a place to write to, which takes the place of ``path`` at the end."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.touch()  # an error of the system in its own words
        yield scratch
        scratch.replace(path)
    except OSError as error:
        reason = FULL_OR_FORBIDDEN.get(error.errno or 0, f"{error.strerror or error}; choose another place")
        raise StorageError(f"{path} cannot be written: {reason}") from error
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def print_table(frame: pl.DataFrame, title: str = "") -> None:
    """Print the first rows of a table for a person."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    rows = list(zip(*map(readable_column, frame.head(PRINTED_ROWS).iter_columns()), strict=True))
    shown = n_that_fit([frame.columns, *rows], console.width)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name, dtype in list(frame.schema.items())[:shown]:
        table.add_column(escape(name), justify="right" if dtype.is_numeric() else "left")
    for row in rows:
        table.add_row(*map(escape, row[:shown]))
    if title:
        console.print(escape(title), style="italic")  # as wide as the console, however narrow the table
    console.print(table)
    if frame.width > shown:
        console.print(say("cli.more_columns", columns=", ".join(frame.columns[shown:])), style="dim")
    if frame.height > PRINTED_ROWS:
        console.print(say("cli.more_rows", rows=f"{frame.height - PRINTED_ROWS:,}"), style="dim")


#: Wider cells are wrapped.
WIDEST_CELL = 40


def n_that_fit(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many columns fit side by side, at least the first; a Chinese character takes two places."""
    from rich.cells import cell_len

    used = 0
    for n, column in enumerate(zip(*rows, strict=True)):
        used += min(max(map(cell_len, column)), WIDEST_CELL) + 2
        if used > width + 2 and n > 0:
            return n
    return len(rows[0])


def readable_column(column: pl.Series) -> list[str]:
    """Return the cells of a column as a person would write them: whole numbers without a fraction, of any type."""
    cells = column.to_list()
    if column.dtype.is_float() and (column.is_null() | column.is_nan() | (column == column.round())).all():
        return ["" if cell is None else f"{cell:,.0f}" for cell in cells]
    return [readable(cell) for cell in cells]


def readable(cell: object) -> str:
    """Return a cell as a person would write it."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.3f}" if abs(cell) < 100 else f"{cell:,.0f}"
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, Sequence) and not isinstance(cell, str):
        return ", ".join(readable(part) for part in cell)
    return str(cell)


def inform(message: str) -> None:
    """Tell the user something that is not part of the answer: on standard error."""
    hush()
    sys.stderr.write(message + "\n")


@contextmanager
def progress_of_rows(name: str) -> Iterator[Callable[[int], None]]:
    """Show on standard error how many rows of a file were read; silent where no person looks on."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda rows: progress.advance(task, rows)
