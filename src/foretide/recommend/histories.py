"""What each user has done with which items, in time order, as integer codes.

Recommenders need the order and the time of interactions, not their text: a million interactions of users with
items take twelve megabytes here. Interactions of a user with the same item at the same instant (two lines of
one till receipt) are one *occasion*; what a user did at one instant is one *basket*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.population import N_USERS, n_users_part

#: Event types that do not show that a user wanted an item.
NOT_INTEREST = ("impression", "feedback", "survey")
DAY_US = 86_400_000_000
NO_CATEGORY = -1

Codes = NDArray[np.int32]
Offsets = NDArray[np.int64]

_COLUMNS = ("user_id", "item_id", "event_type", "ts", "category")
#: A user and an item by their codes, and when.
_OCCASIONS = pl.Schema({"user": pl.Int32(), "item": pl.Int32(), "ts": pl.Int64()})
#: Of a bucket, in one row: its users and items, sorted by id, and its occasions in codes of its own.
_CODED = pl.Schema(
    {
        "users": pl.List(pl.String()),
        "items": pl.List(pl.Struct({"item_id": pl.String(), "category": pl.String()})),
        "occasions": pl.List(pl.Struct(_OCCASIONS)),
    }
)


def microseconds(at: datetime) -> int:
    """Return a moment as microseconds since 1970 in UTC."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Histories:
    """Occasions of many users: those of user ``u`` are ``item[offsets[u]:offsets[u + 1]]``.

    They are sorted by time, at one instant by item; users and items are sorted by id. So neither the order of
    rows nor the number of buckets can change what is computed from them.
    """

    users: pl.Series  # (n_users,) ids
    items: pl.Series  # (n_items,) ids
    categories: pl.Series  # (n_categories,) names
    category: Codes  # (n_items,) NO_CATEGORY where there is none
    offsets: Offsets  # (n_users + 1,)
    item: Codes  # (n_occasions,)
    ts: NDArray[np.int64]  # (n_occasions,) microseconds since 1970 in UTC

    @property
    def n_users(self) -> int:
        """Number of users."""
        return self.users.len()

    @property
    def n_items(self) -> int:
        """Number of items."""
        return self.items.len()

    @property
    def user(self) -> Codes:
        """Code of the user of each occasion, ``(n_occasions,)``."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.offsets))

    @classmethod
    def from_buckets(
        cls,
        buckets: Buckets,
        until: datetime,
        event_types: Sequence[str] | None = None,
        engine: Engine | None = None,
    ) -> Histories:
        """Read the histories of all users who have one.

        Parameters
        ----------
        buckets
            The events; one bucket at a time is in memory as text.
        until
            Only events with ``ts < until``.
        event_types
            Which events count; all but ``NOT_INTEREST`` if None. Events without an item never count.
        engine
            Where buckets are read; threads if None.
        """
        job = partial(_coded, until=until, event_types=event_types)
        pieces = concat_buckets(job, buckets, _CODED, engine)
        users = pieces["users"].explode().drop_nulls().unique().sort()
        known = pieces.select(pl.col("items").explode()).unnest("items").drop_nulls("item_id")
        items = known["item_id"].unique().sort()
        recoded = [_recoded(coded, users, items) for coded in zip(*pieces.get_columns(), strict=True)]
        occasions = pl.concat([_OCCASIONS.to_frame(), *recoded]).sort("user", "ts", "item")
        categories, category = _categories(known)
        counts = np.bincount(occasions["user"].to_numpy(), minlength=users.len())
        return cls(
            users,
            items,
            categories,
            category,
            _offsets(counts),
            occasions["item"].to_numpy(),
            occasions["ts"].to_numpy(),
        )

    def until(self, at: datetime) -> Histories:
        """Return what was known at a moment: the same users and items, only occasions before it."""
        return self.keep(self.ts < microseconds(at))

    def since(self, begin: datetime) -> Histories:
        """Return the occasions from a moment on, of the same users and items."""
        return self.keep(self.ts >= microseconds(begin))

    def of(self, users: Sequence[str] | pl.Series) -> Histories:
        """Return the histories of these users, in this order; one who is not known has an empty one."""
        wanted = pl.Series("user_id", users, dtype=pl.String)
        place = np.asarray(self.users.search_sorted(wanted), dtype=np.int64).clip(max=max(self.n_users - 1, 0))
        known = (self.users.gather(place) == wanted).to_numpy() if self.n_users else np.zeros(len(wanted), bool)
        counts = np.where(known, np.diff(self.offsets)[place], 0) if self.n_users else np.zeros(len(wanted), int)
        offsets = _offsets(counts)
        starts = self.offsets[place] if self.n_users else np.zeros(len(wanted), np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
        return replace(self, users=wanted, offsets=offsets, item=self.item[rows], ts=self.ts[rows])

    def keep(self, mask: NDArray[np.bool_]) -> Histories:
        """Return the occasions where ``mask`` holds, of the same users and items."""
        before = np.concatenate([[0], np.cumsum(mask)])
        return replace(self, offsets=before[self.offsets], item=self.item[mask], ts=self.ts[mask])


def item_counts(histories: Histories) -> NDArray[np.int64]:
    """Return the number of occasions of each item, ``(n_items,)``."""
    return np.bincount(histories.item, minlength=histories.n_items)


def n_users(buckets: Buckets, until: datetime, engine: Engine | None = None) -> int:
    """Return the number of users with any event before a moment, whether it shows what they want or not."""
    return int(concat_buckets(partial(n_users_part, until=until), buckets, N_USERS, engine)["users"].sum())


def active(before: Histories, after: Histories) -> Codes:
    """Return the codes of the users who have occasions in both."""
    return np.flatnonzero((np.diff(before.offsets) > 0) & (np.diff(after.offsets) > 0)).astype(np.int32)


def spread(users: Codes, n: int) -> Codes:
    """Return at most ``n`` of the users, evenly over the ids."""
    return users[np.linspace(0, len(users) - 1, min(len(users), n)).astype(int)]


def _coded(buckets: Buckets, i: int, until: datetime, event_types: Sequence[str] | None) -> pl.DataFrame:
    """Return ``_CODED`` of a bucket."""
    kind = pl.col("event_type")
    counts = ~kind.is_in(NOT_INTEREST) if event_types is None else kind.is_in(list(event_types))
    rows = buckets.bucket(i, _COLUMNS, until).filter(counts & pl.col("item_id").is_not_null())
    users = rows["user_id"].unique().sort()
    # an item in several categories counts to the first by name, whichever bucket it is in
    items = rows.group_by("item_id").agg(pl.col("category").min()).sort("item_id")
    coded = {
        "user": users.search_sorted(rows["user_id"]),
        "item": items["item_id"].search_sorted(rows["item_id"]),
        "ts": rows["ts"].to_physical(),
    }
    occasions = pl.DataFrame(coded).cast(_OCCASIONS).unique()
    columns = {"users": [users], "items": [items.to_struct()], "occasions": [occasions.to_struct()]}
    return pl.DataFrame(columns, schema=_CODED)


def _recoded(coded: Sequence[pl.Series], users: pl.Series, items: pl.Series) -> pl.DataFrame:
    """Return the occasions of a bucket, a row of ``_CODED``, in the codes of all users and items."""
    own_users, own_items, occasions = coded
    table = occasions.struct.unnest()
    user = users.search_sorted(own_users)[table["user"]]
    item = items.search_sorted(own_items.struct.field("item_id"))[table["item"]]
    return table.select(user.alias("user"), item.alias("item"), "ts").cast(_OCCASIONS)


def _offsets(counts: NDArray[np.int64]) -> Offsets:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _categories(pieces: pl.DataFrame) -> tuple[pl.Series, Codes]:
    """Return the names of the categories and each item's code, items sorted by id."""
    named = pieces.group_by("item_id").agg(pl.col("category").min()).sort("item_id")["category"]
    names = named.drop_nulls().unique().sort()
    codes = pl.Series(names.search_sorted(named)).cast(pl.Int32)
    return names, np.where(named.is_null(), NO_CATEGORY, codes).astype(np.int32)
