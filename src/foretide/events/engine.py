"""Where buckets are mapped: threads of this machine, or the tasks of a Spark cluster.

Users are disjoint between buckets, so whatever is computed from events is one function of one bucket, and its
results are put together or added up. The function does not know where it runs.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import polars as pl

from foretide.errors import UsageError
from foretide.events.records import Buckets, FewBuckets
from foretide.events.store import EventStore

#: What is computed from a bucket, given all of them and the bucket's number.
Work = Callable[[Buckets, int], pl.DataFrame]
B = TypeVar("B", bound=Buckets)

ENGINES = ("local", "spark")


class Engine(Protocol):
    """Maps a function over buckets."""

    def map_buckets(self, fn: Work, buckets: Buckets, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        """Yield ``fn(buckets, i)`` for each bucket ``i``, in the order of ``buckets.ids``.

        Every call sees the same version of the events and of the reference tables, whatever is imported meanwhile.

        Parameters
        ----------
        fn
            Pure: it may run more than once for a bucket, on another machine.
        buckets
            The events. Without any bucket there is one empty frame, so that the results always add up.
        schema
            Columns of every result.

        Raises
        ------
        foretide.errors.ForetideError
            The one that ``fn`` raised, of the first bucket that failed.
        TypeError
            If a result has other columns.
        """
        ...


def cores() -> int:
    """Return the number of cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@dataclass(frozen=True)
class LocalEngine:
    """Threads of this process: the kernels and Polars release the interpreter's lock.

    Parameters
    ----------
    workers
        Number of threads, and of buckets that are in memory at once; by default one for each core.
    """

    workers: int = field(default_factory=cores)

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"{self.workers} workers cannot do anything; give at least 1")

    def map_buckets(self, fn: Work, buckets: Buckets, schema: pl.Schema) -> Iterator[pl.DataFrame]:
        """Yield the function's result for each bucket, as ``Engine.map_buckets``."""
        version = pinned(buckets)
        waiting = list(reversed(version.ids))
        if not waiting:
            yield schema.to_frame()
        running: deque[Future[pl.DataFrame]] = deque()
        pool = ThreadPoolExecutor(self.workers)
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running.append(pool.submit(fn, version, waiting.pop()))
                # Not yet replaced when it is given out: a slow reader must not have results pile up.
                yield checked(running.popleft().result(), schema)
        finally:
            pool.shutdown(cancel_futures=True)


def concat_buckets(fn: Work, buckets: Buckets, schema: pl.Schema, engine: Engine | None = None) -> pl.DataFrame:
    """Return the results of all buckets, one below the other, as ``Engine.map_buckets``; by threads if None."""
    return pl.concat((engine or LocalEngine()).map_buckets(fn, buckets, schema))


def pinned(buckets: B) -> B:
    """Return the version of a store that is open now, with paths that hold in any folder; others as they are."""
    if isinstance(buckets, FewBuckets):
        return replace(buckets, whole=pinned(buckets.whole))
    if not isinstance(buckets, EventStore):
        return buckets
    for name in ("items", "users"):
        buckets.table(name)  # kept by the store from here on
    version = deepcopy(buckets)
    snapshot = version._snapshot  # noqa: SLF001 - a store must not read the newest version here
    files = {i: [file.absolute() for file in of_bucket] for i, of_bucket in snapshot.files.items()}
    version.path, version._snapshot = version.path.absolute(), replace(snapshot, files=files)  # noqa: SLF001
    return version


def checked(part: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return a result if it has the columns that were announced."""
    if part.schema != schema:
        raise TypeError(f"the result of a bucket has {part.schema}; announced was {schema}")
    return part


def engine_named(name: str, master: str | None = None, workers: int | None = None) -> Engine:
    """Return the engine of the options ``--engine``, ``--master`` and ``--workers``.

    Raises
    ------
    UsageError
        If there is no such engine, a master is given to threads, or a number of threads to Spark.
    """
    if name == "spark":
        if workers is not None:
            raise UsageError(f"--workers {workers} is for threads; Spark's master says how many tasks run at once")
        from foretide.events.spark import SparkEngine

        return SparkEngine() if master is None else SparkEngine(master)
    if name != "local":
        raise UsageError(f"there is no engine {name!r}; the engines are {', '.join(ENGINES)}")
    if master is not None:
        raise UsageError(f"--master {master} needs --engine spark")
    return LocalEngine() if workers is None else LocalEngine(workers)
