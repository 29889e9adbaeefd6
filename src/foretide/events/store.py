"""The event store: everything that happened, once, in buckets by user, sorted by user and time.

An import waits on disk until all of it was read, and then becomes visible in a single commit: whoever reads
sees all of it or nothing, and so does whoever comes after a crash. Under a lock its rows are compared with
those that are there: the same event is a duplicate, the same id with another content a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from foretide.errors import StorageError, UnknownIdError
from foretide.events import compaction, delta, quarantine, tables
from foretide.events.compaction import ORDER, Compacted, Layout, buckets_for
from foretide.events.disk import storage_errors
from foretide.events.identity import bucket_of
from foretide.events.intake import rejection, while_staging
from foretide.events.locking import locked
from foretide.events.own_ids import refused_ids
from foretide.events.records import Chunk, Counts
from foretide.events.settle import Settled, settle
from foretide.events.staging import Staging, staging
from foretide.schema import EVENTS, TS

#: Buckets that are settled at the same time.
THREADS = 2


@dataclass
class EventStore:
    """Events on disk; ``create`` makes a store, ``open`` finds one. It is a ``Buckets``.

    A store object reads one version of the events until ``refresh`` or ``ingest``.
    """

    path: Path
    timezone: str
    _layout: Layout = field(init=False)
    _snapshot: delta.Snapshot = field(init=False)
    _reference: dict[str, pl.DataFrame] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.refresh()

    @classmethod
    def create(cls, path: Path, timezone: str = "UTC", n_buckets: int = 16) -> EventStore:
        """Make an empty store in a folder that has none.

        Raises
        ------
        StorageError
            If the folder cannot be written or has a store already.
        """
        layout = path / "store.json"
        with storage_errors(path):
            if layout.exists():
                raise StorageError(f"{path} holds events already; use it as it is or remove it first")
            (path / "events").mkdir(parents=True, exist_ok=True)
            delta.create(path / "events", EVENTS)
            Layout(n_buckets).write(path)
        return cls(path, timezone)

    @classmethod
    def open(cls, path: Path, timezone: str = "UTC") -> EventStore:
        """Open a store.

        Raises
        ------
        StorageError
            If there is none or it is damaged.
        """
        return cls(path, timezone)

    def refresh(self) -> None:
        """See what was committed since."""
        with storage_errors(self.path):
            self._layout = Layout.read(self.path)
            self._snapshot = delta.snapshot(self._table)
        self._reference.clear()

    # Writing

    def ingest(self, chunks: Iterable[Chunk], source: str, now: datetime | None = None) -> Counts:
        """Store the events of a source that are new; all of them or, if anything fails, none.

        Parameters
        ----------
        chunks
            The rows read, and those that the source rejected.
        source
            Name under which rejected rows are kept in the quarantine.
        now
            The moment of import; events more than a day later go to the quarantine.

        Raises
        ------
        StorageError
            If the disk is full or read-only, or another writer does not finish.
        """
        now = now or datetime.now(UTC)
        counts = Counts()
        with staging(self.path / "staging", self.n_buckets) as staged:
            for chunk, added in while_staging(chunks, staged, now):
                counts.read += chunk.n_read
                for rejected in (chunk.rejected, added):
                    self._reject(staged, rejected, source, now, counts)
            with storage_errors(self.path), locked(self.path / ".lock"):
                self._commit(staged, source, now, counts)
        assert counts.read == counts.stored + counts.duplicate + counts.quarantined
        return counts

    def _reject(self, staged: Staging, rejected: pl.DataFrame, source: str, now: datetime, counts: Counts) -> None:
        if rejected.is_empty():
            return
        staged.reject(
            rejected.select("line", "reason", "raw").with_columns(
                source=pl.lit(source), imported_at=pl.lit(now).cast(TS)
            )
        )
        counts.quarantined += rejected.height
        counts.reasons.update(dict(rejected["reason"].value_counts().iter_rows()))

    def _commit(self, staged: Staging, source: str, now: datetime, counts: Counts) -> None:
        self.refresh()
        if not self.n_events:
            replace(self._layout, n_buckets=buckets_for(staged.n_rows, self.n_buckets)).write(self.path)
            self.refresh()
        if staged.n_buckets != self.n_buckets:
            staged.regroup(self.n_buckets)
        refused = refused_ids(staged, {i: self._scan(i) for i in self.ids})
        files = []
        with ThreadPoolExecutor(THREADS) as pool:
            for settled, file in pool.map(lambda i: self._write_new(i, staged, refused), sorted(staged.pieces)):
                self._reject(staged, settled.conflicts, source, now, counts)
                counts.stored += settled.new.height
                counts.duplicate += settled.n_duplicate
                files += file
        quarantine.keep(self.path, staged.rejections())
        if files:
            delta.add_columns(self._table, staged.columns)
            delta.commit(self._table, files)
            self.refresh()

    def _write_new(self, i: int, staged: Staging, refused: pl.DataFrame) -> tuple[Settled, list[delta.NewFile]]:
        """Write what is new in a bucket, to be committed later."""
        elsewhere = refused.filter(pl.col("bucket") == i)["event_id"]
        settled = settle(staged.rows(i), self._scan(i), elsewhere)
        if settled.new.is_empty():
            return settled, []
        return settled, [delta.write_bucket(staged.folder, i, settled.new.sort(ORDER))]

    def put(
        self,
        table: str,
        rows: pl.DataFrame,
        rejected: pl.DataFrame | None = None,
        source: str = "frame",
    ) -> Counts:
        """Insert or replace rows of the table ``items``, ``users`` or ``series`` by their key."""
        now = datetime.now(UTC)
        rejected = rejection(rows.clear()) if rejected is None else rejected
        counts = Counts(read=rows.height + rejected.height)
        with staging(self.path / "staging", 1) as staged:
            self._reject(staged, rejected, source, now, counts)
            with storage_errors(self.path), locked(self.path / ".lock"):
                quarantine.keep(self.path, staged.rejections())
                counts.stored, counts.duplicate = tables.put_rows(self.path, table, rows)
        self._reference.clear()
        return counts

    def compact(self) -> Compacted:
        """Make one sorted file of each bucket's files, and more buckets if the events have become too many.

        Readers and writers go on: a writer waits, a reader keeps the version it has.

        Raises
        ------
        StorageError
            If the disk is full or read-only; the store is as it was then.
        """
        with storage_errors(self.path), locked(self.path / ".lock"), staging(self.path / "staging", 1) as workplace:
            self.refresh()
            before = self.n_files
            compaction.sweep(self.path, self._layout)
            wanted = buckets_for(self.n_events, self.n_buckets)
            if wanted > self.n_buckets:
                compaction.split(self.path, self._layout, wanted, self._scan, workplace.folder).write(self.path)
            for i, files in self._snapshot.files.items() if wanted == self.n_buckets else ():
                if len(files) > 1:
                    compaction.merge(self._table, i, self._scan(i), workplace.folder)
            self.refresh()
        return Compacted(self.n_events, self.n_buckets, before, self.n_files)

    # Reading

    @property
    def _table(self) -> Path:
        return self.path / self._layout.table

    @property
    def n_buckets(self) -> int:
        """Number of buckets by which users are spread; some may be empty."""
        return self._layout.n_buckets

    @property
    def n_files(self) -> int:
        """Number of files of events."""
        return sum(map(len, self._snapshot.files.values()))

    @property
    def ids(self) -> Sequence[int]:
        """Numbers of the buckets that hold events."""
        return sorted(self._snapshot.files)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return self._snapshot.n_events

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the events, properties included."""
        return self._snapshot.columns

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the times of the first and the last event, without reading any; None if there is none."""
        with storage_errors(self.path):
            return delta.span(self._snapshot)

    def table(self, name: str) -> pl.DataFrame:
        """Return a reference table: ``items``, ``users``, ``series`` or ``quarantine``."""
        if name not in self._reference:
            with storage_errors(self.path):
                self._reference[name] = tables.read_table(self.path, name)
        return self._reference[name]

    def quarantined(self) -> pl.DataFrame:
        """Return ``reason, count`` and a row of the quarantine for each reason, most frequent first."""
        with storage_errors(self.path):
            return quarantine.by_reason(self.path)

    def bucket(self, i: int, columns: Sequence[str] | None = None, until: datetime | None = None) -> pl.DataFrame:
        """Return a bucket's events, as ``Buckets.bucket``."""
        columns = list(self.columns if columns is None else columns)
        users, items = self.table("users"), self.table("items")
        wanted = tables.own_columns(columns, self.columns, users, items)
        # The ids decide between events of one moment, which only matters where the items are read; they cost most.
        order = ORDER if {"item_id", "event_id"} & wanted else ORDER[:2]
        scans = [file.select(wanted | set(order)) for file in self._files(i)]
        if until is not None:
            scans = [scan.filter(pl.col("ts") < until) for scan in scans]
        scan = compaction.in_order(*scans, order=order)
        rows = self._rows(scan.select(sorted(wanted)))
        return tables.with_reference(rows, columns, users, items).select(columns)

    def user(self, user_id: str) -> pl.DataFrame:
        """Return the events of one user in the order of time.

        Raises
        ------
        UnknownIdError
            If there is none.
        """
        rows = self._scan(bucket_of(user_id, self.n_buckets)).filter(pl.col("user_id") == user_id)
        events = self._rows(rows.sort(ORDER))
        if events.is_empty():
            raise UnknownIdError(f"user {user_id!r} has no events here; see the ids with: foretide stages")
        return events

    def _rows(self, scan: pl.LazyFrame) -> pl.DataFrame:
        with storage_errors(self.path):
            return scan.collect()

    def _scan(self, i: int) -> pl.LazyFrame:
        """Return a bucket's files as they are, columns of later imports filled with nulls."""
        files = self._files(i)
        return pl.concat(files) if len(files) > 1 else files[0]

    def _files(self, i: int) -> list[pl.LazyFrame]:
        """Return a bucket's largest file, and what was added to it, if anything was; each file is in order."""
        schema = {name: EVENTS.get(name, pl.String()) for name in self.columns}
        with storage_errors(self.path):
            files = sorted(self._snapshot.files.get(i, []), key=lambda file: -file.stat().st_size)
        if not files:
            return [pl.LazyFrame(schema=schema)]
        parts = [part for part in (files[:1], files[1:]) if part]
        return [pl.scan_parquet(part, schema=schema, missing_columns="insert") for part in parts]
