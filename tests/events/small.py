"""Small events for the store's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from foretide.events.records import Chunk
from foretide.schema import EVENTS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING_REJECTED = pl.DataFrame(schema={"line": pl.Int64, "reason": pl.String, "raw": pl.String})


def event(user="u1", minute=0, item="i1", **more):
    """Return an event as a row; ``minute`` counts from the beginning of 2025."""
    blank = dict.fromkeys(EVENTS.names())
    ts = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return blank | {"user_id": user, "item_id": item, "event_type": "view", "ts": ts} | more


def chunk(*rows, **more):
    """Return rows as a chunk; ``more`` are types of property columns."""
    return Chunk(pl.DataFrame(list(rows), schema={**EVENTS, **more}), NOTHING_REJECTED)


def account(counts):
    """Return read, stored, duplicate, quarantined."""
    return counts.read, counts.stored, counts.duplicate, counts.quarantined


def all_events(store):
    """Return every event of a store."""
    return pl.concat([store.bucket(i) for i in store.ids]) if store.ids else pl.DataFrame(schema=EVENTS)
