"""Synthetic events for the benchmarks of the fold: a store of any size, made once and kept in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from foretide.events.records import Chunk
from foretide.events.sources.frames import frame_chunks
from foretide.events.store import EventStore

EVENTS_PER_USER = 10
EVENTS_PER_PIECE = 500_000
N_DAYS = 365
N_CATEGORIES = 60
N_ITEMS = 20_000
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def store_of(folder: Path, n_events: int) -> EventStore:
    """Return a compacted store of n events, ten a user in the mean, over a year."""
    place = folder / f"store-{n_events}"
    if place.exists():
        return EventStore.open(place)
    store = EventStore.create(place)
    store.ingest(pieces(n_events), "synthetic", datetime(2025, 6, 1, tzinfo=UTC))
    store.compact()
    return store


def pieces(n_events: int) -> Iterator[Chunk]:
    """Make events of some thousand users at a time."""
    rng = np.random.default_rng(0)
    for piece, begin in enumerate(range(0, n_events, EVENTS_PER_PIECE)):
        n_users = min(EVENTS_PER_PIECE, n_events - begin) // EVENTS_PER_USER
        yield from frame_chunks(events(rng, piece, n_users), source="synthetic")


def events(rng: np.random.Generator, piece: int, n_users: int) -> pl.DataFrame:
    """Users who come at random moments, some for a short while and some throughout."""
    user = rng.integers(0, n_users, n_users * EVENTS_PER_USER)
    first, stay = rng.uniform(0, N_DAYS, n_users), rng.exponential(90, n_users)
    day = first[user] + rng.random(user.size) * np.minimum(stay, N_DAYS - first)[user]
    categories = pl.Series([f"category {i}" for i in range(N_CATEGORIES)])
    items = pl.Series([f"item {i}" for i in range(N_ITEMS)])
    frame = pl.DataFrame({"user": user, "us": (day * 86.4e9).astype(np.int64), "value": rng.gamma(2, 5, user.size)})
    return frame.select(
        pl.format("p{}u{}", pl.lit(piece), "user").alias("user_id"),
        (pl.lit(BEGIN) + pl.duration(microseconds="us")).alias("ts"),
        pl.lit("view").alias("event_type"),
        "value",
        category=categories.gather(rng.zipf(1.5, user.size) % N_CATEGORIES),
        item_id=items.gather(rng.zipf(1.2, user.size) % N_ITEMS),
    )
