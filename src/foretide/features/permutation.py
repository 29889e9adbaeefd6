"""Did a user's mix change? A test by permuting days, in compiled code.

Events of a basket or a session are not independent, so the chi-squared law does not hold for their counts. Days are
permuted instead, with all that happened on them: if nothing changed, any choice of as many days could have been the
recent ones. What is compared is Pearson's X^2: unlike that of G, its mean does not depend on how many events are in
the recent window, so that being more active is not taken for another mix. Where no permutation exceeds, the tail is
that of a gamma law through the first three moments (Pearson III).

References
----------
Besag and Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78: stop once enough permutations exceed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit

#: Permutations: at least, at most, and the number of exceedances after which there is no need for more.
LEAST, MOST, ENOUGH = 100, 2_000, 20
#: Differences below this are rounding.
TINY = 1e-9

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

#: Columns of what is told of each user: G (twice the log-likelihood ratio of one mix against two), its mean without a
#: change, the p-value, the share of recent events in cells without a reference event, its mean, and the least
#: p-value that these days could give.
G, G_MEAN, P_VALUE, UNSEEN, UNSEEN_MEAN, P_LEAST = range(6)
N_TOLD = 6


@njit
def judge_users(
    starts: Longs, day: Ints, cell: Ints, n_recent_days: int, n_cells: int, seeds: Longs, told: Floats
) -> None:
    """Test each user.

    Parameters
    ----------
    starts
        ``(n_users + 1,)`` where each user's events begin.
    day
        ``(n_events,)`` how many days ago; each user's events of a day stand together.
    cell
        ``(n_events,)`` what is counted, from 0.
    n_recent_days
        Days less long ago than this are the recent window.
    n_cells
        Number of cells.
    seeds
        ``(n_users,)``: a user's p-value depends on nobody else.
    told
        ``(n_users, N_TOLD)``, written.
    """
    longest = 0
    for user in range(starts.size - 1):
        longest = max(longest, starts[user + 1] - starts[user])
    logs = np.zeros(longest + 1)  # n ln n
    for n in range(2, longest + 1):
        logs[n] = n * math.log(n)
    total, drawn = np.zeros(n_cells, np.int32), np.zeros(n_cells, np.int32)
    used, begins, order = np.empty(longest, np.int32), np.empty(longest + 1, np.int64), np.empty(longest, np.int64)
    for user in range(starts.size - 1):
        n_days = _days(day, starts[user], starts[user + 1], begins)
        n_used = 0
        for event in range(starts[user], starts[user + 1]):
            if total[cell[event]] == 0:
                used[n_used] = cell[event]
                n_used += 1
            total[cell[event]] += 1
        n_recent = 0
        for i in range(n_days):
            order[i] = i
            n_recent += day[begins[i]] < n_recent_days
        # The recent days come last: the events are in the order of time.
        for i in range(n_recent):
            order[i], order[n_days - 1 - i] = n_days - 1 - i, i
        seed, mine = np.uint64(seeds[user]), used[:n_used]
        mine.sort()  # events of one moment come in any order, and sums are to be the same to the last digit
        _judge(begins, cell, n_days, n_recent, order, total, drawn, mine, logs, seed, told[user])
        for i in range(n_used):
            total[used[i]] = 0


@njit
def _days(day: Ints, begin: int, end: int, begins: Longs) -> int:
    """Write where each day's events begin, and where the last ends; return the number of days."""
    n = 0
    for event in range(begin, end):
        if event == begin or day[event] != day[event - 1]:
            begins[n] = event
            n += 1
    begins[n] = end
    return n


@njit
def _judge(
    begins: Longs, cell: Ints, n_days: int, n_recent: int, order: Longs, total: Ints, drawn: Ints, used: Ints,
    logs: Floats, state: np.uint64, told: Floats,
) -> None:  # fmt: skip
    observed, told[G], told[UNSEEN] = _compare(begins, cell, order[:n_recent], total, drawn, used, logs)
    mean, square, cube, g_mean, unseen_mean, n, exceeding = 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0
    while n < LEAST or (n < MOST and exceeding < ENOUGH):
        for i in range(n_recent):  # the first of a shuffle
            state += np.uint64(0x9E3779B97F4A7C15)
            j = i + np.int64(_mixed(state) % np.uint64(n_days - i))
            order[i], order[j] = order[j], order[i]
        x, g, unseen = _compare(begins, cell, order[:n_recent], total, drawn, used, logs)
        exceeding += x >= observed - TINY * (1.0 + observed)
        mean, square, cube, n = mean + x, square + x * x, cube + x * x * x, n + 1
        g_mean, unseen_mean = g_mean + g, unseen_mean + unseen
    told[G_MEAN], told[UNSEEN_MEAN] = g_mean / n, unseen_mean / n
    p = (exceeding + 1.0) / (n + 1.0)
    if exceeding == 0:  # taken with a few too, the smaller of the two comes too often
        p = min(p, _tail(observed, mean / n, square / n, cube / n))
    told[P_LEAST] = math.exp(-_log_choose(n_days, n_recent))  # no choice of days is rarer than one of all
    told[P_VALUE] = max(p, told[P_LEAST])


@njit
def _compare(
    begins: Longs, cell: Ints, days: Longs, total: Ints, drawn: Ints, used: Ints, logs: Floats
) -> tuple[float, float, float]:
    """Return X^2 and G of the chosen days against the others, and the share of their events that no other day has."""
    n_drawn = 0
    for i in days:
        for event in range(begins[i], begins[i + 1]):
            drawn[cell[event]] += 1
        n_drawn += begins[i + 1] - begins[i]
    squares, parts, unseen, n = 0.0, 0.0, 0, 0
    for c in used:
        k = drawn[c]
        squares += k * k / total[c]
        parts += logs[k] + logs[total[c] - k] - logs[total[c]]
        unseen += k if k == total[c] else 0
        n += total[c]
        drawn[c] = 0
    share = n_drawn / n
    x = (squares - share * n_drawn) / (share * (1.0 - share))
    g = 2.0 * (parts - logs[n_drawn] - logs[n - n_drawn] + logs[n])
    return max(x, 0.0), max(g, 0.0), unseen / n_drawn


@njit
def _mixed(state: np.uint64) -> np.uint64:
    """Return the next number of splitmix64."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit
def _tail(x: float, mean: float, square: float, cube: float) -> float:
    """Return the chance of at least x under the gamma law with these raw moments, shifted; 1 if there is none."""
    variance = square - mean * mean
    if variance <= TINY or x <= mean:
        return 1.0
    deviation = math.sqrt(variance)
    skew = (cube - 3.0 * mean * square + 2.0 * mean**3) / deviation**3
    skew = max(skew, 0.1)
    shape = 4.0 / (skew * skew)
    return _gamma_above(shape, (x - mean) / deviation * math.sqrt(shape) + shape)


@njit
def _gamma_above(a: float, x: float) -> float:
    """Return the upper regularised incomplete gamma function (Lentz's continued fraction; x above the mean a)."""
    if x < a + 1.0:
        return 1.0 - _gamma_below(a, x)
    b = x + 1.0 - a
    c, d = 1e300, 1.0 / b
    h = d
    for i in range(1, 500):
        step = -i * (i - a)
        b += 2.0
        d = 1.0 / (step * d + b)
        c = b + step / c
        h *= d * c
        if abs(d * c - 1.0) < 1e-12:
            break
    return h * math.exp(-x + a * math.log(x) - math.lgamma(a))


@njit
def _gamma_below(a: float, x: float) -> float:
    term = part = 1.0 / a
    for i in range(1, 2_000):
        term *= x / (a + i)
        part += term
        if term < part * 1e-12:
            break
    return part * math.exp(-x + a * math.log(x) - math.lgamma(a))


@njit
def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)
