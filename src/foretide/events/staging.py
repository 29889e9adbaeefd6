"""Where an import waits, bucket by bucket on disk, until all of it can be committed at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from foretide.events.disk import storage_errors
from foretide.events.identity import buckets_of, content_hash

#: The place of a row in the import, from 0.
PLACE = "_place"
#: What a row carries while it waits, beside its columns.
MARKS = ("hash", PLACE)


@dataclass
class Staging:
    """Pieces of an import on disk."""

    folder: Path
    n_buckets: int
    pieces: dict[int, list[Path]] = field(default_factory=dict)  # bucket -> files
    rejected: list[Path] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)  # of all events staged
    n_rows: int = 0
    own: bool = False  # whether some events have an id of the source's

    def add(self, rows: pl.DataFrame) -> None:
        """Put good rows away, each with the hash of its content and its place."""
        if rows.is_empty():
            return
        self.columns += [name for name in rows.columns if name not in self.columns]
        self.own |= rows["event_id"].null_count() < rows.height
        marked = rows.with_columns(
            hash=content_hash(rows),
            bucket=buckets_of(rows["user_id"], self.n_buckets),
            **{PLACE: pl.int_range(self.n_rows, self.n_rows + rows.height, eager=True)},
        )
        self.n_rows += rows.height
        for (bucket,), part in marked.partition_by("bucket", as_dict=True, include_key=False).items():
            files = self.pieces.setdefault(int(bucket), [])
            files.append(self._write(part, f"{bucket}-{len(files)}"))

    def regroup(self, n_buckets: int) -> None:
        """Spread what waits over another number of buckets, as the store has by now."""
        pieces, self.pieces, self.n_buckets = self.pieces, {}, n_buckets
        for old, files in pieces.items():
            for file in files:
                rows = pl.read_ipc(file)
                file.unlink()
                target = buckets_of(rows["user_id"], n_buckets).alias("bucket")
                for (bucket,), part in rows.with_columns(target).partition_by("bucket", as_dict=True).items():
                    regrouped = self.pieces.setdefault(int(bucket), [])
                    regrouped.append(self._write(part.drop("bucket"), f"{n_buckets}-{bucket}-{old}-{len(regrouped)}"))

    def reject(self, rows: pl.DataFrame) -> None:
        """Put rejected rows away."""
        if rows.height:
            self.rejected.append(self._write(rows, f"rejected-{len(self.rejected)}"))

    def _write(self, frame: pl.DataFrame, name: str) -> Path:
        path = self.folder / f"{name}.arrow"
        with storage_errors(self.folder.parent):
            frame.write_ipc(path, compression="lz4")
        return path

    def rows(self, bucket: int) -> pl.DataFrame:
        """Return the rows of a bucket in the order in which they came."""
        return pl.concat([pl.read_ipc(file) for file in self.pieces[bucket]], how="diagonal")

    def own_ids(self, bucket: int) -> pl.DataFrame:
        """Return ``event_id`` and the place of a bucket's rows that have an id of their own."""
        parts = [pl.read_ipc(file, columns=["event_id", PLACE]) for file in self.pieces[bucket]]
        return pl.concat(parts).drop_nulls("event_id")

    def rejections(self) -> Iterator[pl.DataFrame]:
        """Return the rejected rows, a piece at a time."""
        for file in self.rejected:
            yield pl.read_ipc(file)


@contextmanager
def staging(parent: Path, n_buckets: int) -> Iterator[Staging]:
    """Make room for an import, and clear it away afterwards; sweep what a killed import left."""
    with storage_errors(parent):
        parent.mkdir(exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    try:
        yield Staging(folder, n_buckets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for stale in parent.iterdir():
        pid = stale.name.partition("-")[0]
        if pid.isdecimal() and not _alive(int(pid)):
            shutil.rmtree(stale, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
