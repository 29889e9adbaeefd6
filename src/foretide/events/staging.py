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

from foretide.events.identity import buckets_of, content_hash


@dataclass
class Staging:
    """Pieces of an import on disk."""

    folder: Path
    n_buckets: int
    pieces: dict[int, list[Path]] = field(default_factory=dict)  # bucket -> files
    rejected: list[Path] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)  # of all events staged

    def add(self, rows: pl.DataFrame) -> None:
        """Put good rows away, each with the hash of its content."""
        if rows.is_empty():
            return
        self.columns += [name for name in rows.columns if name not in self.columns]
        marked = rows.with_columns(hash=content_hash(rows), bucket=buckets_of(rows["user_id"], self.n_buckets))
        for (bucket,), part in marked.partition_by("bucket", as_dict=True, include_key=False).items():
            files = self.pieces.setdefault(int(bucket), [])
            files.append(self._write(part, f"{bucket}-{len(files)}"))

    def reject(self, rows: pl.DataFrame) -> None:
        """Put rejected rows away."""
        if rows.height:
            self.rejected.append(self._write(rows, f"rejected-{len(self.rejected)}"))

    def _write(self, frame: pl.DataFrame, name: str) -> Path:
        path = self.folder / f"{name}.arrow"
        frame.write_ipc(path, compression="lz4")
        return path

    def rows(self, bucket: int) -> pl.DataFrame:
        """Return the rows of a bucket in the order in which they came."""
        return pl.concat([pl.read_ipc(file) for file in self.pieces[bucket]], how="diagonal")

    def rejections(self) -> Iterator[pl.DataFrame]:
        """Return the rejected rows, a piece at a time."""
        for file in self.rejected:
            yield pl.read_ipc(file)


@contextmanager
def staging(parent: Path, n_buckets: int) -> Iterator[Staging]:
    """Make room for an import, and clear it away afterwards; sweep what a killed import left."""
    parent.mkdir(exist_ok=True)
    for stale in parent.iterdir():
        if not _alive(int(stale.name.split("-")[0])):
            shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    try:
        yield Staging(folder, n_buckets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
