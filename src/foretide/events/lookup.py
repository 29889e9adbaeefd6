"""The events of some users, looked up in the buckets that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.identity import bucket_of
from foretide.events.records import Buckets, FewBuckets
from foretide.events.store import EventStore
from foretide.schema import EVENTS


def homes(buckets: Buckets, users: Sequence[str]) -> FewBuckets:
    """Return the buckets that hold these users; all of them where only a store would know."""
    if not isinstance(buckets, EventStore):
        return FewBuckets(buckets, buckets.ids)
    return FewBuckets(buckets, sorted({bucket_of(user, buckets.n_buckets) for user in users} & set(buckets.ids)))


def events_of(
    buckets: Buckets,
    users: Sequence[str],
    columns: Sequence[str],
    until: datetime | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return events of some users, each user's in the order of time.

    Parameters
    ----------
    buckets
        The events.
    users
        Ids; one that is not known has no events.
    columns
        Of ``schema.EVENTS``.
    until
        Only events with ``ts < until``.
    engine
        Where buckets are read; threads if None.
    """
    schema = pl.Schema({name: EVENTS[name] for name in columns})
    job = partial(events_part, users=users, schema=schema, until=until)
    return concat_buckets(job, homes(buckets, users), schema, engine)


def events_part(
    buckets: Buckets, i: int, users: Sequence[str], schema: pl.Schema, until: datetime | None
) -> pl.DataFrame:
    """Return the events of a bucket that are of these users."""
    return buckets.bucket(i, schema.names(), until).filter(pl.col("user_id").is_in(users)).cast(schema)
