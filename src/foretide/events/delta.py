"""The Delta table of events: files by bucket, and one commit for many of them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction

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
    table = DeltaTable(path)
    files: dict[int, list[Path]] = {}
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    n_events = 0
    for row in actions.iter_rows(named=True):
        files.setdefault(int(row["partition.bucket"]), []).append(path / unquote(row["path"]))
        n_events += row["num_records"]
    columns = tuple(field.name for field in table.schema().fields if field.name != "bucket")
    return Snapshot(files, n_events, columns)


def add_columns(path: Path, names: Sequence[str]) -> None:
    """Give the table further text columns."""
    table = DeltaTable(path)
    known = {field.name for field in table.schema().fields}
    new = [Field(name, PrimitiveType("string")) for name in names if name not in known]
    if new:
        table.alter.add_columns(new)


def write_bucket(path: Path, bucket: int, rows: pl.DataFrame) -> AddAction:
    """Write a file of sorted events; it belongs to the table once its action is committed."""
    name = f"bucket={bucket}/{uuid4().hex}.parquet"
    file = path / name
    file.parent.mkdir(exist_ok=True)
    rows.write_parquet(file, compression="zstd", compression_level=1)
    stats = {"numRecords": rows.height}
    return AddAction(
        name, file.stat().st_size, {"bucket": str(bucket)}, int(time.time() * 1000), True, json.dumps(stats)
    )


def commit(path: Path, actions: Sequence[AddAction]) -> None:
    """Make written files part of the table, all in one version."""
    table = DeltaTable(path)
    table.create_write_transaction(list(actions), "append", table.schema(), ["bucket"])


def create(path: Path, schema: pl.Schema) -> None:
    """Make an empty table."""
    fields = [*delta_schema(schema), Field("bucket", PrimitiveType("integer"))]
    DeltaTable.create(path, Schema(fields), partition_by=["bucket"])
