"""Did a user's mix change? A test by drawing days, in compiled code.

Events of a basket or a session are not independent, so the chi-squared law does not hold for their counts. Days are
drawn at random instead, with all that happened on them, until they have as many events as the recent window: if
nothing changed, those could have been the recent ones, also for a user who became more or less active. Days that are
like the next are drawn in blocks (``dependence``).

What is compared is the squared difference of the shares of each cell, over a power of the cell's share in all, as a
multiple of what it would be by chance for events in blocks of these sizes (Kish's design effect). Power 1 is Pearson's
X^2, where a rare cell counts as much as a common one. Where no draw exceeds, the tail is that of a gamma law through
the first three moments.

References
----------
Besag and Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78: stop once enough permutations exceed.
Kish (1965), Survey Sampling: the variance of a mean of clusters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.features.dependence import TINY, block_length, joined
from foretide.features.gamma_tail import tail_above

#: Draws: at least, at most, and the number of exceedances after which there is no need for more.
LEAST, MOST, ENOUGH = 100, 2_000, 20

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

#: Columns of what is told of each user: G (twice the log-likelihood ratio of one mix against two), its mean without a
#: change, the p-value, the share of recent events in cells without a reference event, its mean, and the least
#: p-value that these days could give.
G, G_MEAN, P_VALUE, UNSEEN, UNSEEN_MEAN, P_LEAST = range(6)
N_TOLD = 6


class Mine(NamedTuple):
    """What a user did, in blocks of days."""

    begins: Longs  # (n_blocks + 1,) where the events of each block begin, and where the last ends
    cell: Ints  # (n_events,) of all users
    used: Ints  # (n_used,) the user's cells
    total: Ints  # (n_cells,) the user's events in each
    drawn: Ints  # (n_cells,) zeros, but within a draw
    weight: Floats  # (n_used,) of the squared difference of the shares
    logs: Floats  # n ln n
    n_blocks: int
    pairs: float  # ordered pairs of events of one block
    n_events: int
    n_drawn: int  # events of the recent window


@njit
def judge_users(
    starts: Longs, day: Ints, cell: Ints, n_recent_days: int, strata: Ints, power: float, seeds: Longs, told: Floats
) -> None:
    """Test each user.

    Parameters
    ----------
    starts
        ``(n_users + 1,)`` where each user's events begin.
    day
        ``(n_events,)`` how many days ago; each user's events are in the order of time.
    cell
        ``(n_events,)`` what is counted, from 0. Events of a block are put in another order.
    n_recent_days
        Days less long ago than this are the recent window.
    strata
        ``(n_cells,)`` the kind of day of each cell, from 0.
    power
        Of the share of a cell that its difference is measured by.
    seeds
        ``(n_users,)``: a user's p-value depends on nobody else.
    told
        ``(n_users, N_TOLD)``, written.
    """
    longest = np.diff(starts).max()
    logs = np.zeros(longest + 1)
    for n in range(2, longest + 1):
        logs[n] = n * math.log(n)
    total, drawn = np.zeros(strata.size, np.int32), np.zeros(strata.size, np.int32)
    begins = np.empty(longest + 1, np.int64)
    for user in range(starts.size - 1):
        first, last = starts[user], starts[user + 1]
        used = _totals(cell[first:last], total)
        weight = (total[used] / (last - first)) ** -power
        n_days, n_recent = _days(day, first, last, n_recent_days, begins)
        n_drawn = last - begins[n_days - n_recent]
        length = block_length(begins, cell, n_days, n_recent, used, strata, drawn)
        n_reference = joined(begins, 0, n_days - n_recent, length, 0)
        n_blocks = joined(begins, n_days - n_recent, n_days, length, n_reference)
        mine = Mine(
            begins,
            cell,
            used,
            total,
            drawn,
            weight,
            logs,
            n_blocks,
            _pairs(begins[: n_blocks + 1]),
            last - first,
            n_drawn,
        )
        _judge(mine, n_blocks - n_reference, np.uint64(seeds[user]), told[user])
        total[used] = 0


@njit
def _totals(cells: Ints, total: Ints) -> Ints:
    """Count the events of each cell; return the cells, in order: sums are to be the same to the last digit."""
    used, n = np.empty(cells.size, np.int32), 0
    for c in cells:
        if total[c] == 0:
            used[n] = c
            n += 1
        total[c] += 1
    used[:n].sort()
    return used[:n]


@njit
def _days(day: Ints, first: int, last: int, n_recent_days: int, begins: Longs) -> tuple[int, int]:
    """Write where each day's events begin, and where the last ends; return the number of days, and of recent ones."""
    n, n_recent = 0, 0
    for event in range(first, last):
        if event == first or day[event] != day[event - 1]:
            begins[n] = event
            n += 1
            n_recent += day[event] < n_recent_days
    begins[n] = last
    return n, n_recent


@njit
def _pairs(begins: Longs) -> float:
    pairs = 0.0
    for block in range(begins.size - 1):
        size = begins[block + 1] - begins[block]
        pairs += size * (size - 1.0)
    return pairs


@njit
def _judge(mine: Mine, n_recent: int, state: np.uint64, told: Floats) -> None:
    for i in range(mine.n_blocks):  # events of one moment come in any order
        mine.cell[mine.begins[i] : mine.begins[i + 1]].sort()
    alike = _alike(mine)
    order = np.arange(mine.n_blocks)[::-1].copy()  # the recent blocks are the last
    _, variance = _draw(mine, order, alike, state, False)
    observed, told[G], told[UNSEEN] = _compare(mine, variance)
    mean, square, cube, g_mean, unseen_mean, n, exceeding = 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0
    while n < LEAST or (n < MOST and exceeding < ENOUGH):
        state, variance = _draw(mine, order, alike, state, True)
        t, g, unseen = _compare(mine, variance)
        exceeding += t >= observed - TINY * (1.0 + observed)
        mean, square, cube, n = mean + t, square + t * t, cube + t * t * t, n + 1
        g_mean, unseen_mean = g_mean + g, unseen_mean + unseen
    told[G_MEAN], told[UNSEEN_MEAN] = g_mean / n, unseen_mean / n
    p = (exceeding + 1.0) / (n + 1.0)
    if exceeding == 0:  # taken with a few too, the smaller of the two comes too often
        p = min(p, tail_above(observed, mean / n, square / n, cube / n))
    told[P_LEAST] = math.exp(-_log_choose(mine.n_blocks, n_recent))  # no choice of blocks is rarer than one of all
    told[P_VALUE] = max(p, told[P_LEAST])


@njit
def _alike(mine: Mine) -> float:
    """Return the correlation of two events of a block, 0 to 1: 0 if they are no more alike than any two."""
    apart, chance, single = 0.0, 0.0, 0.0
    for block in range(mine.n_blocks):
        first, last = mine.begins[block], mine.begins[block + 1]
        size = last - first
        _take(mine, first, last)
        for i in range(mine.used.size):
            c = mine.used[i]
            apart += mine.weight[i] * (mine.drawn[c] - size * mine.total[c] / mine.n_events) ** 2
            mine.drawn[c] = 0
        chance += size * (mine.n_events - size) / (mine.n_events - 1.0)  # as if drawn without replacement
    for i in range(mine.used.size):
        p = mine.total[mine.used[i]] / mine.n_events
        single += mine.weight[i] * p * (1.0 - p)
    return min(max((apart / single - chance) / mine.pairs, 0.0), 1.0) if mine.pairs > 0.0 and single > TINY else 0.0


@njit
def _take(mine: Mine, first: int, last: int) -> None:
    for event in range(first, last):
        mine.drawn[mine.cell[event]] += 1


@njit
def _draw(mine: Mine, order: Longs, alike: float, state: np.uint64, shuffle: bool) -> tuple[np.uint64, float]:
    """Count as many events as the recent window has, block by block, of the last only a part.

    Returns
    -------
    tuple of the next state, and of how the chance variance of the difference of the shares is for these blocks
    """
    left, i, inside, outside = mine.n_drawn, 0, 0.0, mine.pairs
    while left > 0:
        if shuffle:
            state = _swap(order, i, state)
        first, size = mine.begins[order[i]], mine.begins[order[i] + 1] - mine.begins[order[i]]
        taken = min(size, left)
        if taken < size:
            for k in range(taken):
                state = _swap(mine.cell[first : first + size], k, state)
        _take(mine, first, first + taken)
        inside += taken * (taken - 1.0)
        outside += (size - taken) * (size - taken - 1.0) - size * (size - 1.0)
        left, i = left - taken, i + 1
    n_others = mine.n_events - mine.n_drawn
    variance = (1.0 + alike * inside / mine.n_drawn) / mine.n_drawn + (1.0 + alike * outside / n_others) / n_others
    return state, variance


@njit
def _swap(values: NDArray[np.generic], i: int, state: np.uint64) -> np.uint64:
    """Put any of the values from the i-th on in its place; return the next state."""
    state += np.uint64(0x9E3779B97F4A7C15)
    j = i + np.int64(_mixed(state) % np.uint64(values.size - i))
    values[i], values[j] = values[j], values[i]
    return state


@njit
def _compare(mine: Mine, variance: float) -> tuple[float, float, float]:
    """Return the statistic and G of the drawn events, and the share of them in cells without another event.

    The counts of the draw are set to zero.
    """
    n_others = mine.n_events - mine.n_drawn
    squares, parts, unseen, share = 0.0, 0.0, 0, mine.n_drawn / mine.n_events
    for i in range(mine.used.size):
        k, n = mine.drawn[mine.used[i]], mine.total[mine.used[i]]
        squares += mine.weight[i] * (k - share * n) ** 2
        parts += mine.logs[k] + mine.logs[n - k] - mine.logs[n]
        unseen += k if k == n else 0
        mine.drawn[mine.used[i]] = 0
    g = 2.0 * (parts - mine.logs[mine.n_drawn] - mine.logs[n_others] + mine.logs[mine.n_events])
    squares /= (mine.n_drawn * (1.0 - share)) ** 2
    return squares / variance, max(g, 0.0), unseen / mine.n_drawn


@njit
def _mixed(state: np.uint64) -> np.uint64:
    """Return the next number of splitmix64."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit
def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)
