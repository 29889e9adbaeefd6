"""The items a user touched last: a ring of codes, newest last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.features.lifecycle import State

#: How many are kept.
N_ITEMS = 50
NO_ITEM = -1

LAST_ITEMS = np.dtype(
    [
        ("ts", "i8"),  # of the newest
        ("items", "i4", (N_ITEMS,)),
        ("begin", "u1"),  # place of the oldest
        ("n", "u1"),
        ("tied", "u1"),  # how many have the newest moment
    ]
)


@njit
def update(state: State, order: NDArray[np.uint32], ts: int, item: int) -> None:
    """Take in an event on an item (a code, ``NO_ITEM`` for none).

    Items of one moment are kept by their place in ``order``, a number for each code: it does not matter in which
    order the lines of a receipt arrive.
    """
    if item == NO_ITEM:
        return
    state.tied = min(state.tied + 1, N_ITEMS + 1) if state.n > 0 and ts == state.ts else 1
    state.ts = ts
    n, begin = int(state.n), int(state.begin)
    place = n  # among the kept, from the oldest
    while place > n - state.tied + 1 and order[state.items[(begin + place - 1) % N_ITEMS]] > order[item]:
        place -= 1
    if n < N_ITEMS:
        state.n = n + 1
    elif place == 0:
        return
    else:
        state.begin = begin = (begin + 1) % N_ITEMS
        place -= 1
        n -= 1
    for i in range(n, place, -1):
        state.items[(begin + i) % N_ITEMS] = state.items[(begin + i - 1) % N_ITEMS]
    state.items[(begin + place) % N_ITEMS] = item


@njit
def newest_first(state: State, out: NDArray[np.int32]) -> None:
    """Write the codes to ``out``, the newest first, as many as there are."""
    n, begin = int(state.n), int(state.begin)
    for i in range(min(n, out.size)):
        out[i] = state.items[(begin + n - 1 - i) % N_ITEMS]
