"""An id that a source gives belongs to one event of the whole store, whoever the user is.

Events of one user are compared inside their bucket. Here those ids are found that come up in more than one
bucket: a correction, say, that gives an event to another user. Ids are first compared by a number of eight
bytes, so that ten million of them need little memory; only where two numbers agree are the ids themselves read.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.events.staging import PLACE, Staging

Codes = NDArray[np.uint64]

#: A code is 48 bits of an id's hash, then 16 bits for the bucket. It lives as long as the process.
BUCKETS = 1 << 16
HASH48 = pl.col("event_id").hash() // BUCKETS
REFUSED = pl.Schema({"event_id": pl.String(), "bucket": pl.Int32()})


def refused_ids(staged: Staging, stored: Mapping[int, pl.LazyFrame]) -> pl.DataFrame:
    """Return the ids that a bucket must not take, because an event of another bucket came first.

    Parameters
    ----------
    staged
        What is to be imported.
    stored
        The events of each bucket of the store.

    Returns
    -------
    pl.DataFrame
        ``event_id, bucket``.
    """
    if not staged.own:
        return pl.DataFrame(schema=REFUSED)
    suspects = _in_several_buckets(staged, stored)
    if not suspects.size:
        return pl.DataFrame(schema=REFUSED)
    claims = _claims(staged, stored, HASH48.is_in(pl.Series(suspects).implode()))
    owners = claims.sort(PLACE, "bucket").unique("event_id", keep="first").select("event_id", owner="bucket")
    late = claims.filter(pl.col(PLACE) >= 0).join(owners, on="event_id").filter(pl.col("bucket") != pl.col("owner"))
    return late.select(*REFUSED)


def _in_several_buckets(staged: Staging, stored: Mapping[int, pl.LazyFrame]) -> Codes:
    """Return the hashes of 48 bits that come up in two buckets or more."""
    codes = np.concatenate([_codes(staged.own_ids(bucket).lazy(), bucket) for bucket in staged.pieces])
    codes.sort()
    hashes = codes // BUCKETS
    found = [hashes[1:][hashes[1:] == hashes[:-1]]]  # each code is there once, so the buckets differ
    for bucket, events in stored.items():
        there = _codes(events, bucket)
        at = np.minimum(np.searchsorted(hashes, there // BUCKETS), codes.size - 1)
        same = hashes[at] == there // BUCKETS
        found.append(there[same & (codes[at] != there)] // BUCKETS)
    return np.unique(np.concatenate(found))


def _codes(events: pl.LazyFrame, bucket: int) -> Codes:
    hashes = events.select(HASH48).collect().to_series().to_numpy()
    return np.unique(hashes) * np.uint64(BUCKETS) + np.uint64(bucket)


def _claims(staged: Staging, stored: Mapping[int, pl.LazyFrame], suspect: pl.Expr) -> pl.DataFrame:
    """Return each bucket's earliest place of each suspect id; what is stored came before everything."""
    parts = [
        staged.own_ids(bucket).filter(suspect).group_by("event_id").agg(pl.col(PLACE).min()).with_columns(_of(bucket))
        for bucket in staged.pieces
    ]
    parts += [
        events.filter(suspect).select("event_id", pl.lit(-1, pl.Int64).alias(PLACE), _of(bucket)).collect()
        for bucket, events in stored.items()
    ]
    return pl.concat(parts)


def _of(bucket: int) -> pl.Expr:
    return pl.lit(bucket, pl.Int32).alias("bucket")
