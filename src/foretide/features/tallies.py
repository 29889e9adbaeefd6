"""Counts by category of one user: a small hash table in an array, the same in a batch and in a live state.

A slot holds how often the user touched a category, and the decayed weight of these events. The table has a
power of two of slots and is never more than three quarters full, so a category is found in a few steps, whether
there are eight of them or a hundred thousand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit

SLOT = np.dtype([("category", "i4"), ("n", "u4"), ("weight", "f8")])
EMPTY = -1
#: Spreads neighbouring codes over the table (2**32 over the golden ratio).
SPREAD = 2_654_435_769

Slots = NDArray[Any]


@njit
def capacity_for(n: int) -> int:
    """Return the least power of two that n categories fill to no more than three quarters."""
    capacity = 4
    while 3 * capacity < 4 * n:
        capacity *= 2
    return capacity


@njit
def clear(slots: Slots) -> None:
    """Empty the table."""
    for i in range(slots.size):
        slots[i].category = EMPTY
        slots[i].n = 0
        slots[i].weight = 0.0


@njit
def find(slots: Slots, category: int) -> int:
    """Return the place of a category, or the empty one where it belongs."""
    mask = slots.size - 1
    i = (category * SPREAD >> 8) & mask
    while slots[i].category != category and slots[i].category != EMPTY:
        i = (i + 1) & mask
    return i


@njit
def move(old: Slots, new: Slots) -> None:
    """Put everything into a larger table."""
    clear(new)
    for i in range(old.size):
        if old[i].category != EMPTY:
            new[find(new, old[i].category)] = old[i]
