"""What happens to a user's live state when an event arrives, and how it is read.

The newest ``WAITING`` events of a user wait in the order of their times before they are folded, so an event that
overtook others is put in its place. One that is older than everything that waits, and than what was folded, makes
the state stale: it has to be folded again from the store.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.features import last_items, lifecycle
from foretide.features.last_items import LAST_ITEMS
from foretide.features.lifecycle import ABSENT, State
from foretide.features.state import Events, Floats, Places, update, values
from foretide.features.tallies import SLOT, Slots, capacity_for, move
from foretide.features.user_events import Ints, Longs

#: Events of a user that wait to be folded.
WAITING = 3
#: Where a user's part of the pool begins, how many slots it has, the newest folded event, and what waits.
DESK = np.dtype([("place", "i8"), ("newest", "i8"), ("room", "i4"), ("n_waiting", "u1"), ("stale", "?")])
NEVER = np.iinfo(np.int64).min
#: Free parts of the pool by size: 2**i slots.
N_SIZES = 32


@njit
def arrive(
    users: Longs,
    events: Events,
    states: Events,
    last: Events,
    desks: Events,
    waiting: Events,
    pool: Slots,
    free: Longs,
    order: NDArray[np.uint32],
    window_days: int,
) -> int:
    """Take in events in the order of arrival; return how many, fewer than all if the pool is full.

    Parameters
    ----------
    users
        ``(n,)`` the row of each event's user.
    events
        ``(n,)`` ``state.EVENT``.
    states, last, desks, waiting
        ``(n_users,)`` records, ``last`` of one row if no items are kept, and ``(n_users, WAITING)`` events.
    pool
        Slots of all users.
    free
        ``(N_SIZES + 1,)``: the first free part of each size or -1; then where the untouched rest begins.
    order, window_days
        As in ``state.update``.
    """
    for j in range(users.size):
        user = users[j]
        desk = desks[user]
        if desk.stale:
            continue
        if not _make_room(desk, states[user].interests.n_categories + 1, pool, free):
            return j
        n, place = int(desk.n_waiting), int(desk.n_waiting)
        while place > 0 and waiting[user, place - 1].ts > events[j].ts:
            place -= 1
        if n < WAITING:
            for i in range(n, place, -1):
                waiting[user, i] = waiting[user, i - 1]
            waiting[user, place] = events[j]
            desk.n_waiting = n + 1
            continue
        oldest = waiting[user, 0] if place > 0 else events[j]
        if oldest.ts < desk.newest:
            desk.stale = True
            continue
        slots = pool[desk.place : desk.place + desk.room]
        desk.newest = oldest.ts
        update(states[user], slots, last[user % last.size], order, oldest, window_days)
        for i in range(1, place):
            waiting[user, i - 1] = waiting[user, i]
        if place > 0:
            waiting[user, place - 1] = events[j]
    return users.size


@njit
def _make_room(desk: State, n_categories: int, pool: Slots, free: Longs) -> bool:
    """Give a user a larger part of the pool if the categories need one; false if there is none."""
    room = capacity_for(n_categories)
    if room <= desk.room:
        return True
    size = int(np.log2(room))
    if free[size] >= 0:
        place = free[size]
        free[size] = np.int64(pool[place].n) - 1
    elif free[N_SIZES] + room <= pool.size:
        place = free[N_SIZES]
        free[N_SIZES] += room
    else:
        return False
    old = pool[desk.place : desk.place + desk.room]
    move(old, pool[place : place + room])
    if desk.room > 0:
        size = int(np.log2(desk.room))
        pool[desk.place].n = free[size] + 1
        free[size] = desk.place
    desk.place, desk.room = place, room
    return True


@njit
def read(
    users: Longs,
    states: Events,
    desks: Events,
    waiting: Events,
    pool: Slots,
    order: NDArray[np.uint32],
    as_of: int,
    today: int,
    window_days: int,
    places: Places,
    stages: NDArray[np.int8],
    out: Floats,
) -> None:
    """Write the stage and features of users at ``as_of``: what waits is folded into a copy.

    ``stages`` is ``(n,)``, ``ABSENT`` for a user without a critical event before ``as_of``; ``out`` is
    ``(n_features, n)``.
    """
    state, last = states[:1].copy(), np.zeros(1, LAST_ITEMS)
    slots, told = np.zeros(8, SLOT), np.empty(out.shape[0])
    for j in range(users.size):
        user, desk = users[j], desks[users[j]]
        state[0] = states[user]
        room = capacity_for(state[0].interests.n_categories + WAITING)
        if room > slots.size:
            slots = np.zeros(room, SLOT)
        mine = slots[:room]
        move(pool[desk.place : desk.place + desk.room], mine)
        for i in range(desk.n_waiting):
            if waiting[user, i].ts < as_of:
                update(state[0], mine, last[0], order, waiting[user, i], window_days)
        stages[j] = lifecycle.stage(state[0].lifecycle, as_of, today, window_days)
        if stages[j] != ABSENT:
            values(state[0], mine, as_of, today, places, told)
            out[:, j] = told


@njit
def recent_items(
    users: Longs,
    last: Events,
    desks: Events,
    waiting: Events,
    as_of: int,
    order: NDArray[np.uint32],
    items: Ints,
) -> None:
    """Write the codes of each user's last items to ``(n, n_kept)``, the newest first, -1 where there is none."""
    from_last = np.zeros(1, LAST_ITEMS)
    for j in range(users.size):
        user = users[j]
        from_last[0] = last[user]
        for i in range(desks[user].n_waiting):
            event = waiting[user, i]
            if event.ts < as_of:
                last_items.update(from_last[0], order, event.ts, event.item)
        last_items.newest_first(from_last[0], items[j])
