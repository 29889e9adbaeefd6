"""Live states: what is known about each user, kept up to date event by event.

The update is the batch fold's own (``state.update``), so at any moment a live state says what ``feature_table``
would say. Its size does not depend on the length of a history. Events may arrive in any order: the last few of a
user wait and are put in order (``live_kernels``); an event that comes even later makes the state stale, and
``heal`` folds it again from the store. ``live_file`` writes the states to a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.events.records import Buckets
from foretide.features import live_kernels as kernels
from foretide.features.clock import clock_of
from foretide.features.fold import feature_table, rows_of
from foretide.features.growing import longer, rows_for, translate
from foretide.features.last_items import LAST_ITEMS, N_ITEMS
from foretide.features.lifecycle import ABSENT, LifecycleRule
from foretide.features.live_events import FIRST_US, READ, checked, histories
from foretide.features.live_kernels import DESK, N_SIZES, WAITING
from foretide.features.recent_items import recent_items
from foretide.features.state import EVENT, THEMES, Events, features_of, state_dtype
from foretide.features.tallies import SLOT, Slots, capacity_for
from foretide.features.user_events import (
    NO_OFFSET,
    Ints,
    Longs,
    as_arrays,
    codes_of,
    in_utc,
    item_order,
    tell_time,
    ticks,
)

#: Frames with fewer events are taken in event by event.
SMALL = 300


@dataclass
class LiveStates:
    """The states of users, in arrays by the order in which they came.

    Not for several threads at once: give each its own, or a lock.

    Parameters
    ----------
    timezone
        Zone whose midnights begin a day.
    rule
        The lifecycle rule.
    keep_items
        Whether each user's last items are kept (a third of a KiB).
    """

    timezone: str = "UTC"
    rule: LifecycleRule = field(default_factory=LifecycleRule)
    keep_items: bool = True
    users: dict[str, int] = field(default_factory=dict)  # id -> row
    categories: dict[str, int] = field(default_factory=dict)  # name -> code
    items: dict[str, int] = field(default_factory=dict)
    item_ids: list[str] = field(default_factory=list)  # by code
    states_: Events = field(init=False)  # (n_rows,) state_dtype, room for more users included
    last_: Events = field(init=False)  # (n_rows,), or (1,) if no items are kept
    desks_: Events = field(init=False)  # (n_rows,)
    waiting_: Events = field(init=False)  # (n_rows, WAITING)
    pool_: Slots = field(init=False)
    free_: Longs = field(init=False)  # (N_SIZES + 1,)
    order_: NDArray[np.uint32] = field(init=False)  # (n_items,), room for more included
    one_: Events = field(init=False)  # (1,) the event that is taken in
    own_: NDArray[np.int16] = field(init=False)  # (1,) its offset
    row_: Longs = field(init=False)  # (1,) its user

    def __post_init__(self) -> None:
        clock_of(self.timezone)
        self.states_ = np.zeros(0, state_dtype(self.rule))
        self.last_ = np.zeros(0 if self.keep_items else 1, LAST_ITEMS)
        self.desks_, self.waiting_ = np.zeros(0, DESK), np.zeros((0, WAITING), EVENT)
        self.pool_, self.order_ = np.zeros(0, SLOT), np.zeros(0, np.uint32)
        self.free_ = np.full(N_SIZES + 1, -1, np.int64)
        self.free_[N_SIZES] = 0
        self.one_, self.own_, self.row_ = np.zeros(1, EVENT), np.zeros(1, np.int16), np.zeros(1, np.int64)

    @classmethod
    def of(cls, buckets: Buckets, rule: LifecycleRule | None = None, *, keep_items: bool = True) -> LiveStates:
        """Return the states of all users of a store."""
        live = cls(buckets.timezone, rule or LifecycleRule(), keep_items)
        for i in buckets.ids:
            live.update(buckets.bucket(i, READ))
        return live

    def update(self, events: pl.DataFrame) -> None:
        """Take in events in the order of arrival.

        Parameters
        ----------
        events
            ``user_id, ts`` and any of ``event_type, value, tz_offset_min, category, item_id``, as the store has
            them after an import: each event once. ``event_type`` is needed if the rule names critical events.

        Raises
        ------
        UsageError
            If a column is missing, or an event is from before 1980; none is taken in then.
        """
        events = checked(events, self.rule)
        if events.height < SMALL:
            known = [name for name in READ[1:] if name in events.columns]
            columns = [events["ts"].cast(pl.Int64), *(events[name] for name in known[1:])]
            for user, *row in zip(events["user_id"], *columns, strict=True):
                self.take(user, **dict(zip(known, row, strict=True)))
            return
        events = events.with_columns(critical=self.rule.critical)
        arrays = as_arrays(events, self.timezone)
        codes, ids = codes_of(events, "user_id")
        rows = rows_for(self.users, ids)[codes]
        translate(arrays.events["category"], arrays.categories, self.categories)
        translate(arrays.events["item"], arrays.items, self.items)
        self._arrive(rows, arrays.events)

    def take(
        self,
        user_id: str,
        ts: int,
        event_type: str | None = None,
        value: float | None = None,
        tz_offset_min: int | None = None,
        category: str | None = None,
        item_id: str | None = None,
    ) -> None:
        """Take in one event, ``ts`` in microseconds UTC; the rest as in ``schema.EVENTS``.

        Raises
        ------
        UsageError
            If ``ts`` is before 1980: seconds or milliseconds, most likely.
        """
        if ts < FIRST_US:
            raise UsageError(f"{ts} microseconds are before 1980; give microseconds since 1970")
        critical = self.rule.counts(event_type)
        code = -1 if category is None else self.categories.setdefault(category, len(self.categories))
        item = -1 if item_id is None else self.items.setdefault(item_id, len(self.items))
        self.one_[0] = (ts, np.nan if value is None else value, 0, code, item, -1, critical)
        self.own_[0] = NO_OFFSET if tz_offset_min is None else tz_offset_min
        self.row_[0] = self.users.setdefault(user_id, len(self.users))
        tell_time(self.one_, self.own_, clock_of(self.timezone))
        self._arrive(self.row_, self.one_)

    def _arrive(self, rows: Longs, events: Events) -> None:
        self._grow()
        users = self.states_, self.last_, self.desks_, self.waiting_
        shared = self.free_, self.order_, self.rule.window_days
        taken = kernels.arrive(rows, events, *users, self.pool_, *shared)
        while taken < rows.size:
            self.pool_ = longer(self.pool_, self.pool_.size + capacity_for(len(self.categories) + 1))
            taken += kernels.arrive(rows[taken:], events[taken:], *users, self.pool_, *shared)

    def _grow(self) -> None:
        """Make room for new users and items."""
        known = self.desks_.size
        if len(self.users) > known:
            self.states_, self.desks_ = (longer(array, len(self.users)) for array in (self.states_, self.desks_))
            self.waiting_ = longer(self.waiting_, len(self.users))
            self.desks_["newest"][known:] = kernels.NEVER
            if self.keep_items:
                self.last_ = longer(self.last_, len(self.users))
        known = len(self.item_ids)
        if len(self.items) > known:
            new = list(islice(self.items, known, None)) if len(self.items) - known > 1 else [next(reversed(self.items))]
            self.item_ids += new
            self.order_ = self.order_ if self.order_.size >= len(self.items) else longer(self.order_, len(self.items))
            self.order_[known : len(self.items)] = item_order(new)

    @property
    def stale(self) -> list[str]:
        """Users with an event that came too late for their state."""
        ids = list(self.users)
        return [ids[row] for row in np.flatnonzero(self.desks_["stale"][: len(ids)])]

    def heal(self, buckets: Buckets) -> int:
        """Fold the stale states again from the store; return how many there were.

        Every event that was taken in must be in the store by then (``refresh`` it first): what the store does not
        have is forgotten.
        """
        users = self.stale
        if users:
            rows = [self.users[user] for user in users]
            self.states_[rows], self.waiting_[rows] = np.zeros(1, self.states_.dtype), np.zeros(1, EVENT)
            if self.keep_items:
                self.last_[rows] = np.zeros(1, LAST_ITEMS)
            for row in rows:  # its part of the pool stays
                desk = self.desks_[row]
                self.pool_[desk["place"] : desk["place"] + desk["room"]] = np.array((-1, 0, 0.0), SLOT)
                desk["newest"], desk["n_waiting"], desk["stale"] = kernels.NEVER, 0, False
            self.update(histories(buckets, users).frame)
        return len(users)

    def table(
        self,
        as_of: datetime,
        users: Sequence[str] | None = None,
        themes: Sequence[str] = tuple(THEMES),
        buckets: Buckets | None = None,
    ) -> pl.DataFrame:
        """Return what ``feature_table`` would say, in the order of the users.

        Parameters
        ----------
        as_of
            In UTC, exclusive.
        users
            Ids; all if None. Those that are not known have no row.
        themes
            As in ``feature_table``.
        buckets
            The store: answers for users whose state is stale or already has later events than ``as_of``.

        Raises
        ------
        UsageError
            If there are such users and no store is given.
        """
        as_of = in_utc(as_of)
        asked = self.users if users is None else dict.fromkeys(users)
        chosen = [user for user in asked if user in self.users]
        rows = np.array([self.users[user] for user in chosen], np.int64)
        unable = self._unable(rows, as_of, buckets)
        ids = pl.Series("user_id", chosen, dtype=pl.String)
        parts = [self._read(ids.filter(pl.Series(~unable)), rows[~unable], as_of, themes)]
        if unable.any() and buckets is not None:
            late = histories(buckets, ids.filter(pl.Series(unable)).to_list())
            parts.append(feature_table(late, [as_of], self.rule, themes))
        return ids.to_frame().join(pl.concat(parts), on="user_id", how="inner", maintain_order="left")

    def _unable(self, rows: Longs, as_of: datetime, buckets: Buckets | None) -> NDArray[np.bool_]:
        """Tell which users have no state that can answer, ``(n,)``; there may be some only if buckets are given."""
        desks = self.desks_[rows]
        unable: NDArray[np.bool_] = desks["stale"] | (desks["newest"] >= ticks([as_of], self.timezone)[0])
        if unable.any() and buckets is None:
            n = int(desks["stale"].sum())
            raise UsageError(
                f"{n:,} states are stale and {int(unable.sum()) - n:,} already know events of {as_of} or later; "
                "give the store as buckets, which answers for them"
            )
        return unable

    def _read(self, ids: pl.Series, rows: Longs, as_of: datetime, themes: Sequence[str]) -> pl.DataFrame:
        names, places = features_of(themes)
        (at,), (today,) = ticks([as_of], self.timezone)
        stages = np.full((rows.size, 1), ABSENT, np.int8)
        features = np.empty((len(names), rows.size))
        if rows.size:
            arrays = self.states_, self.desks_, self.waiting_, self.pool_, self.order_
            kernels.read(rows, *arrays, at, today, self.rule.window_days, places, stages[:, 0], features)
        return rows_of(ids, [as_of], stages, names, features[:, stages[:, 0] != ABSENT])

    def last_items(
        self, as_of: datetime, users: Sequence[str], k: int = N_ITEMS, buckets: Buckets | None = None
    ) -> dict[str, list[str]]:
        """Return the ids of the last ``k`` items of each user, the newest first; of those who are known.

        Parameters
        ----------
        as_of, users, buckets
            As in ``table``.
        k
            At most ``N_ITEMS``.

        Raises
        ------
        UsageError
            As ``table``; also if no items are kept.
        """
        if not self.keep_items:
            raise UsageError("these states keep no items; make them with keep_items=True")
        as_of = in_utc(as_of)
        chosen = [user for user in users if user in self.users]
        rows = np.array([self.users[user] for user in chosen], np.int64)
        unable = self._unable(rows, as_of, buckets)
        codes: Ints = np.full((rows.size, min(k, N_ITEMS)), -1, np.int32)
        (at,), _ = ticks([as_of], self.timezone)
        if rows.size:
            kernels.recent_items(rows, self.last_, self.desks_, self.waiting_, at, self.order_, codes)
        ids = self.item_ids
        told = {user: [ids[code] for code in row if code >= 0] for user, row in zip(chosen, codes, strict=True)}
        if unable.any() and buckets is not None:
            late = [user for user, asked in zip(chosen, unable, strict=True) if asked]
            said = dict(recent_items(histories(buckets, late), as_of, k).iter_rows())
            told |= {user: said.get(user, []) for user in late}
        return told

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes, without the ids."""
        arrays = self.states_, self.last_, self.desks_, self.waiting_, self.pool_, self.order_
        return sum(array.nbytes for array in arrays)
