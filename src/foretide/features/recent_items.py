"""The last items of every user in batch: the fold of ``last_items`` over the buckets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features import last_items
from foretide.features.last_items import LAST_ITEMS, N_ITEMS, NO_ITEM
from foretide.features.lifecycle import LifecycleRule
from foretide.features.state import Events
from foretide.features.user_events import Longs, bucket_events, item_order

RECENT_ITEMS = pl.Schema({"user_id": pl.String(), "items": pl.List(pl.String())})


def recent_items(buckets: Buckets, as_of: datetime, k: int = N_ITEMS, engine: Engine | None = None) -> pl.DataFrame:
    """Return ``user_id, items``: the ids of each user's last ``k`` items before ``as_of``, the newest first.

    Parameters
    ----------
    buckets
        The events, of any type.
    as_of
        In UTC, exclusive.
    k
        At most ``N_ITEMS``.
    engine
        Where buckets are mapped; threads if None.
    """
    job = partial(recent_items_part, as_of=as_of, k=min(k, N_ITEMS))
    return concat_buckets(job, buckets, RECENT_ITEMS, engine)


def recent_items_part(buckets: Buckets, i: int, as_of: datetime, k: int) -> pl.DataFrame:
    """Return ``RECENT_ITEMS`` of a bucket."""
    events = bucket_events(buckets, i, as_of, LifecycleRule(), ("items",))
    if events is None:
        return RECENT_ITEMS.to_frame()
    codes = np.full((len(events.users), k), NO_ITEM, np.int32)
    _fold(events.starts, events.events, item_order(events.items), codes)
    return pl.DataFrame({"user_id": events.users, "items": _ids(codes, events.items.to_list())}, schema=RECENT_ITEMS)


def _ids(codes: NDArray[np.int32], items: Sequence[str]) -> list[list[str]]:
    return [[items[code] for code in row if code != NO_ITEM] for row in codes.tolist()]


@njit
def _fold(starts: Longs, events: Events, order: NDArray[np.uint32], codes: NDArray[np.int32]) -> None:
    last = np.zeros(1, LAST_ITEMS)
    nothing = last.copy()
    for user in range(starts.size - 1):
        last[0] = nothing[0]
        for event in range(starts[user], starts[user + 1]):
            last_items.update(last[0], order, events[event].ts, events[event].item)
        last_items.newest_first(last[0], codes[user])
