"""What passes between a source, the store and those who read the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import polars as pl


@dataclass(frozen=True)
class Chunk:
    """A piece of a source: the rows that are well formed, and those that are not.

    ``rows`` has the columns of ``schema.EVENTS`` (``event_id`` null where the source has none) and any
    number of text columns more (properties). ``rejected`` has ``line, reason, raw``. Together they are
    every row that was read.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame

    @property
    def n_read(self) -> int:
        """Number of rows read."""
        return self.rows.height + self.rejected.height


@dataclass
class Counts:
    """The account of an import: ``read == stored + duplicate + quarantined``, always."""

    read: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # quarantined rows by reason


def watched(chunks: Iterable[Chunk], progress: Callable[[int], object] | None) -> Iterator[Chunk]:
    """Pass chunks on, telling ``progress`` the number of rows of each."""
    for chunk in chunks:
        if progress is not None:
            progress(chunk.n_read)
        yield chunk


class Buckets(Protocol):
    """Events in buckets by user: the one way in which everything else reads them.

    All events of a user are in one bucket, so a job needs the memory of one bucket only, and partial
    results of different buckets add up.
    """

    @property
    def timezone(self) -> str:
        """IANA name of the zone whose midnights begin a day."""
        ...

    @property
    def ids(self) -> Sequence[int]:
        """Numbers of the buckets."""
        ...

    def bucket(self, i: int, columns: Sequence[str] | None = None, until: datetime | None = None) -> pl.DataFrame:
        """Return a bucket's events sorted by ``user_id, ts``.

        Parameters
        ----------
        i
            One of ``ids``.
        columns
            Columns of the events, of the item table or of the user table, found in this order;
            all columns of the events if None. A null ``category`` is filled from the item table.
        until
            Only events with ``ts < until``.

        Raises
        ------
        foretide.errors.UnknownIdError
            If no table has such a column.
        """
        ...


@dataclass(frozen=True)
class FrameBuckets:
    """A frame of events read as a single bucket: for events that are not in a store."""

    frame: pl.DataFrame
    timezone: str = "UTC"

    @property
    def ids(self) -> Sequence[int]:
        """Return the only bucket's number."""
        return [0]

    def bucket(
        self,
        i: int,  # noqa: ARG002 - there is one
        columns: Sequence[str] | None = None,
        until: datetime | None = None,
    ) -> pl.DataFrame:
        """Return the events, as ``Buckets.bucket``."""
        rows = self.frame if until is None else self.frame.filter(pl.col("ts") < until)
        known = [name for name in ("user_id", "ts", "event_id") if name in rows.columns]
        rows = rows.sort(known, maintain_order=True)
        return rows if columns is None else rows.select(columns)


@dataclass(frozen=True)
class FewBuckets:
    """Some buckets of an event log: a random sample of its users, as a bucket is a hash of the user."""

    whole: Buckets
    ids: Sequence[int]

    @property
    def timezone(self) -> str:
        """Return the zone of the whole log."""
        return self.whole.timezone

    def bucket(self, i: int, columns: Sequence[str] | None = None, until: datetime | None = None) -> pl.DataFrame:
        """Return a bucket's events, as ``Buckets.bucket``."""
        return self.whole.bucket(i, columns, until)
