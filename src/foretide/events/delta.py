"""The Delta table of events: files by bucket, and one commit for many of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction

from foretide.errors import StorageError

#: Rows of a row group: who looks for one user reads one or two of them.
ROW_GROUP = 100_000

DELTA_TYPES = {
    pl.String(): "string",
    pl.Datetime("us", "UTC"): "timestamp",
    pl.Int16(): "short",
    pl.Int32(): "integer",
    pl.Float64(): "double",
}


def delta_schema(schema: pl.Schema) -> list[Field]:
    """Return the columns in Delta's terms, all nullable."""
    return [Field(name, PrimitiveType(DELTA_TYPES[dtype])) for name, dtype in schema.items()]


@dataclass(frozen=True)
class Snapshot:
    """One version of the table: which files hold which bucket."""

    files: dict[int, list[Path]]
    n_events: int
    columns: tuple[str, ...]


def snapshot(path: Path) -> Snapshot:
    """Read the newest version."""
    table = DeltaTable(plain(path))
    files: dict[int, list[Path]] = {}
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    n_events = 0
    for row in actions.iter_rows(named=True):
        files.setdefault(int(row["partition.bucket"]), []).append(path / unquote(row["path"]))
        n_events += row["num_records"]
    columns = tuple(field.name for field in table.schema().fields if field.name != "bucket")
    return Snapshot(files, n_events, columns)


def span(version: Snapshot) -> tuple[datetime, datetime] | None:
    """Return the times of the first and the last event of a version, by the statistics of its files; None if empty.

    Raises
    ------
    StorageError
        If a file is damaged.
    """
    ends = [_ends(file) for files in version.files.values() for file in files]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def _ends(file: Path) -> tuple[datetime, datetime]:
    """Return the first and the last time that the footer of a file tells."""
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import read_metadata

    try:
        footer = read_metadata(file)
    except ArrowInvalid as error:
        raise StorageError(f"{file}: the table cannot be used ({error}); restore the folder") from error
    ts = footer.schema.names.index("ts")
    ends = [footer.row_group(group).column(ts).statistics for group in range(footer.num_row_groups)]
    return min(group.min for group in ends), max(group.max for group in ends)


def plain(path: Path) -> Path:
    """Return a path that the Delta library takes as it is.

    Raises
    ------
    StorageError
        If it has an escape such as ``%20`` in it: the library would look in another folder.
    """
    full = str(path.absolute())
    if unquote(full) != full:
        raise StorageError(f"{full} has a percent escape in its name; choose a folder without one")
    return path


def add_columns(path: Path, names: Sequence[str]) -> None:
    """Give the table further text columns."""
    table = DeltaTable(path)
    known = {field.name for field in table.schema().fields}
    new = [Field(name, PrimitiveType("string")) for name in names if name not in known]
    if new:
        table.alter.add_columns(new)


@dataclass(frozen=True)
class NewFile:
    """A written file that does not belong to the table yet."""

    place: Path
    name: str  # in the table
    action: AddAction


def write_bucket(folder: Path, bucket: int, rows: pl.DataFrame) -> NewFile:
    """Write sorted events to a file outside of the table, on the same file system."""
    place = folder / f"{uuid4().hex}.parquet"
    rows.write_parquet(place, compression="zstd", compression_level=1, row_group_size=ROW_GROUP)
    with place.open("rb+") as written:
        os.fsync(written)  # the log must not name a file that a power cut empties
    name = f"bucket={bucket}/{place.name}"
    partition, stats = {"bucket": str(bucket)}, json.dumps({"numRecords": rows.height})
    return NewFile(place, name, AddAction(name, place.stat().st_size, partition, int(time.time() * 1000), True, stats))


def commit(path: Path, files: Sequence[NewFile]) -> None:
    """Make files part of the table, all in one version; if that fails none of them stays."""
    try:
        for file in files:
            (path / file.name).parent.mkdir(exist_ok=True)
            file.place.replace(path / file.name)
        table = DeltaTable(path)
        table.create_write_transaction([file.action for file in files], "append", table.schema(), ["bucket"])
    except BaseException:
        _withdraw(path, files)
        raise


def replace(path: Path, file: NewFile, bucket: int) -> None:
    """Let a file take the place of all files of its bucket, in one version."""
    file.place.replace(path / file.name)
    table = DeltaTable(path)
    only = [("bucket", "=", str(bucket))]
    table.create_write_transaction([file.action], "overwrite", table.schema(), ["bucket"], only)


def vacuum(path: Path, hours: float) -> None:
    """Delete files that no version of the last hours names, and shorten the log."""
    table = DeltaTable(path)
    table.vacuum(int(hours), dry_run=False, enforce_retention_duration=False)
    table.create_checkpoint()


def _withdraw(path: Path, files: Sequence[NewFile]) -> None:
    """Delete moved files, but not those that the newest version names: a commit may fail after it was made."""
    named = {file for bucket in snapshot(path).files.values() for file in bucket}
    for file in files:
        if path / file.name not in named:
            (path / file.name).unlink(missing_ok=True)


def create(path: Path, schema: pl.Schema) -> None:
    """Make an empty table; one that is there stays as it is."""
    fields = [*delta_schema(schema), Field("bucket", PrimitiveType("integer"))]
    DeltaTable.create(plain(path), Schema(fields), mode="ignore", partition_by=["bucket"])
