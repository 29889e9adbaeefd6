"""How far a user's days are alike: an interest that lasts some days is no more evidence than one day.

Days in a row are compared with the mix of their own window, so that a change between the windows is not taken for an
interest that lasts. Their correlation says how many days make a block that is hardly like the next one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit

#: Standard errors up to which the likeness of days in a row is taken for chance.
CHANCE = 3.0
#: A block has a day, and this many times r / (1 - r) days more. A day alone is worth (1 - r) / (1 + r) independent
#: ones, so 2 r / (1 - r) more days are worth one; blocks of twice that are hardly alike.
BLOCK = 4.0
#: The highest correlation believed: its blocks are longer than both windows.
MOST_ALIKE = 0.95
#: Differences below this are rounding.
TINY = 1e-9

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


@njit
def block_length(begins: Longs, cell: Ints, n_days: int, n_recent: int, used: Ints, strata: Ints, drawn: Ints) -> int:
    """Return how many of a user's active days make a block.

    Parameters
    ----------
    begins
        ``(n_days + 1,)`` where each day's events begin, in the order of time, and where the last ends.
    cell
        ``(n_events,)`` what is counted.
    n_days, n_recent
        Active days, and how many of them, the last, are the recent window.
    used
        ``(n_used,)`` the user's cells.
    strata
        ``(n_cells,)`` the kind of day of each cell, from 0: a weekday is not like the next for being one.
    drawn
        ``(n_cells,)`` zeros, and left so.
    """
    rows, mix, of_kind = np.zeros((2, used.size)), np.zeros(used.size), np.zeros(strata.max() + 1)
    like, spread, squares = 0.0, 0.0, 0.0
    for first, last in ((0, n_days - n_recent), (n_days - n_recent, n_days)):
        _count(cell[begins[first] : begins[last]], used, strata, drawn, of_kind, mix)
        for i in range(used.size):
            mix[i] /= max(of_kind[strata[used[i]]], 1.0)
        own = 0.0
        for day in range(first, last):
            now, before = rows[day % 2], rows[1 - day % 2]
            _count(cell[begins[day] : begins[day + 1]], used, strata, drawn, of_kind, now)
            for i in range(used.size):
                now[i] -= mix[i] * of_kind[strata[used[i]]]
            own += _product(now, now)
            product = _product(now, before) if day > first else 0.0
            like, spread = like + product, spread + product * product
        like += own / (last - first)  # compared with their own mean, days are unlike by chance
        squares += own
    if squares <= TINY or like <= CHANCE * math.sqrt(spread) + TINY:
        return 1
    r = min(like / squares, MOST_ALIKE)
    return int(1.5 + BLOCK * r / (1.0 - r) + TINY)  # rounded


@njit
def joined(begins: Longs, first: int, last: int, length: int, at: int) -> int:
    """Make blocks of about so many of the days from first to last, alike in size, and write them from ``at`` on.

    Returns
    -------
    int
        Where the next block goes: there its begin, the end of these, is written.
    """
    n_days = last - first
    n_blocks = max(1, int(n_days / length + 0.5))
    for i in range(n_blocks + 1):
        begins[at + i] = begins[first + i * n_days // n_blocks]
    return at + n_blocks


@njit
def _count(cells: Ints, used: Ints, strata: Ints, drawn: Ints, of_kind: Floats, counts: Floats) -> None:
    """Write the events of each used cell, and of each kind of day."""
    of_kind[:] = 0.0
    for c in cells:
        drawn[c] += 1
        of_kind[strata[c]] += 1.0
    for i in range(used.size):
        counts[i] = drawn[used[i]]
        drawn[used[i]] = 0


@njit
def _product(a: Floats, b: Floats) -> float:
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total
