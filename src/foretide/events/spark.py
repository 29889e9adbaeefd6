"""Spark as an engine: a task for each bucket, which runs the same function in a Python worker.

Only bucket numbers go in. The function and the buckets are pickled, the tasks read the store's files themselves,
so these must be where every worker sees them. A result comes back as bytes of Arrow's own stream, in pieces:
Spark's types have neither int8 nor unsigned numbers, and a binary value of Spark ends at 2 GB.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Self

import polars as pl
import pyarrow as pa

from foretide import errors
from foretide.errors import ForetideError
from foretide.events.engine import Work, checked, pinned
from foretide.events.records import Buckets
from foretide.events.spark_session import map_tasks, session, stop

#: Size at which a result is cut, in memory and before it is compressed.
PIECE_BYTES = 4 << 20
RETURNED = "position int, piece int, error string, data binary"


@dataclass(frozen=True)
class SparkEngine:
    """A Spark cluster, or Spark on this machine.

    The session starts with the first job, is used by all later ones of the process, and ends with the process or
    by ``stop``. A session that is there already (a notebook's, a cluster's) is used, not started or stopped.

    Parameters
    ----------
    master
        Spark's URL of the cluster: ``local[threads,attempts]``, ``spark://host:port``, ``yarn``, ``k8s://...``.
    conf
        Further settings of Spark, such as ``spark.executor.memory``.
    """

    master: str = "local[2,4]"
    conf: Mapping[str, str] = field(default_factory=dict)

    def map_buckets(self, fn: Work, buckets: Buckets, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        """Yield the function's result for each bucket, as ``Engine.map_buckets``; all are there before the first.

        Raises
        ------
        MissingExtraError, UsageError
            If Spark is not installed, or does not start.
        ForetideError
            If a task failed in each of its attempts.
        """
        version = pinned(buckets)
        ids = list(version.ids)
        if not ids:
            yield schema.to_frame()
            return
        spark = session(self.master, self.conf)
        returned = map_tasks(spark, lambda batches: run(fn, version, ids, batches), len(ids), RETURNED)
        for _, pieces in groupby(in_order(returned), key=itemgetter(0)):
            yield checked(pl.concat([pl.read_ipc_stream(data) for _, data in pieces]), schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the session that was started here; the next job starts another."""
        stop()


def run(fn: Work, buckets: Buckets, ids: list[int], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Run a task: map the buckets at the positions that are in ``batches``."""
    for batch in batches:
        for position in batch.column(0).to_pylist():
            try:
                for n, piece in enumerate(cut(fn(buckets, ids[position]))):
                    yield row(position, n, None, encoded(piece))
            except ForetideError as error:  # told, not tried again: it would be the same
                yield row(position, 0, kind_of(error), str(error).encode())


def row(position: int, piece: int, error: str | None, data: bytes) -> pa.RecordBatch:
    """Return one row of what a task returns; ``data`` is a piece of the result, or the error's message."""
    values = (position, pa.int32()), (piece, pa.int32()), (error, pa.string()), (data, pa.binary())
    arrays = [pa.array([value], dtype) for value, dtype in values]
    return pa.RecordBatch.from_arrays(arrays, names=["position", "piece", "error", "data"])


def in_order(returned: pa.Table) -> Iterator[tuple[int, bytes]]:
    """Yield positions and pieces in their order; raise the first error that was told."""
    keys = pl.DataFrame(returned.select(["position", "piece", "error"])).with_row_index("at")
    for at, position, _, error in keys.sort("position", "piece").iter_rows():
        data = returned.column("data")[at].as_py()
        if error is not None:
            raise getattr(errors, error)(data.decode())
        yield position, data


def cut(part: pl.DataFrame) -> Sequence[pl.DataFrame]:
    """Cut a result into pieces of about ``PIECE_BYTES``; an empty one is one piece."""
    n_pieces = max(1, math.ceil(part.estimated_size() / PIECE_BYTES))
    return list(part.iter_slices(max(1, math.ceil(part.height / n_pieces)))) or [part]


def encoded(piece: pl.DataFrame) -> bytes:
    """Return a frame as an Arrow stream, every type as it is."""
    stream = io.BytesIO()
    # Texts as Arrow's newer views would take the buffers of the whole result along with every piece.
    piece.write_ipc_stream(stream, compression="lz4", compat_level=pl.CompatLevel.oldest())
    return stream.getvalue()


def kind_of(error: ForetideError) -> str:
    """Return the name of the error's nearest ancestor in ``errors.py``."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
