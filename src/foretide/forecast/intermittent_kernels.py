r"""One pass over a sparse series for all points of a grid: Croston, TSB or ADIDA, and weekday factors.

With :math:`z` the size of a demand, :math:`q` the steps since the last one and :math:`g_n = \max(\alpha, 1/n)` the
gain of the n-th observation, a mean at first and exponential smoothing from :math:`1/\alpha` observations on:

* Croston, at a demand: :math:`\hat z \mathrel{+}= g (z - \hat z)`, :math:`\hat q \mathrel{+}= g (q - \hat q)`; the mean
  of a step is :math:`\hat z / \hat q`, which is too high on average. SBA takes :math:`(1 - g/2)\,\hat z / \hat q`, SY
  :math:`(1 - g/2)\,\hat z / (\hat q - g/2)`, which is also right if every step has a demand.
* TSB, at every step: :math:`\hat p \mathrel{+}= g_\beta (1_{y>0} - \hat p)`, the size as Croston; the mean is
  :math:`\hat p \hat z`.
* ADIDA: simple exponential smoothing of the sums of buckets of K steps that end at the origin, divided by K.

Every parameter point runs with and without weekday factors; its weight is the likelihood of its one-step errors of
the mean, known at the origin. Factors are ratios :math:`r_d` of a weekday's mean to that of all, shrunk to one:
:math:`f_d = 1 + (r_d - 1)\,\tau^2 / (\tau^2 + v)`, with :math:`v` the variance of a ratio by chance and
:math:`\tau^2` what is left of their variance.
"""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit

#: The recursions.
CROSTON, TSB, ADIDA = 0, 1, 2
#: Half-life of the errors that weigh the points and of the sums behind the weekday factors, in steps.
MEMORY_STEPS = 365.0
#: Seasons whose errors do not count, and that pass before there are weekday factors.
WARM_UP_SEASONS = 2


@njit
def run_all(y, origins, m, kind, points):  # type: ignore[no-untyped-def]
    """Return the mean of each place in the season, the variance in units of it, and whether all so far are integers."""
    mean = np.full((y.shape[0], origins.size, m), np.nan)
    dispersion = np.full((y.shape[0], origins.size), np.nan)
    whole = np.ones((y.shape[0], origins.size), np.bool_)
    for i in range(y.shape[0]):
        first = 0
        while first < y.shape[1] and np.isnan(y[i, first]):
            first += 1
        begun = np.searchsorted(origins, first + 1)
        if begun < origins.size:
            begins = slice(begun, origins.size)
            x, known = y[i, first:], origins[begun:] - first
            _run_one(x, known, m, kind, points, mean[i, begins], dispersion[i, begins], whole[i, begins])
    return mean, dispersion, whole


@njit
def _run_one(x, origins, m, kind, points, mean, dispersion, whole):  # type: ignore[no-untyped-def]
    """Run over a series from its first step on and write what each origin expects of the next ``m`` steps."""
    n_points, keep = len(points), 0.5 ** (1.0 / MEMORY_STEPS)
    state = np.zeros((n_points, max(4, int(points[:, 1].max()))))
    rate, squares, sums = np.zeros(n_points), np.zeros((2, n_points)), np.zeros((2, n_points))
    total = np.zeros(x.size + 1)
    factors, by_place = np.ones(m), np.zeros((3, m))  # number, sum and sum of squares of each place in the season
    count, cut, integers = 0.0, 0, True
    for t in range(origins[-1] + 1):
        if origins[cut] == t:
            _expect(rate, squares, sums, count, factors, t, mean[cut], dispersion[cut : cut + 1])
            whole[cut] = integers
            cut += 1
            if cut == origins.size:
                return
        if t >= WARM_UP_SEASONS * m:
            count = count * keep + 1.0
            _judge(rate, x[t], factors[t % m], keep, squares, sums)
        total[t + 1] = total[t] + x[t]
        integers = integers and x[t] == np.floor(x[t])
        for p in range(n_points):
            rate[p] = _move(kind, points[p, 0], points[p, 1], state, p, x[t], t + 1, total)
        if m > 1:
            _place(by_place, t % m, x[t], keep**m)
            if (t + 1) % m == 0 and t + 1 >= WARM_UP_SEASONS * m:
                _set_factors(by_place, factors)


@njit
def _judge(rate, x, factor, keep, squares, sums):  # type: ignore[no-untyped-def]
    """Add the errors of every point to their sums, without and with the factor of the weekday."""
    for p in range(rate.size):
        for seasonal in range(2):
            expected = rate[p] * factor if seasonal else rate[p]
            squares[seasonal, p] = squares[seasonal, p] * keep + (x - expected) ** 2
            sums[seasonal, p] = sums[seasonal, p] * keep + expected


@njit
def _move(kind, alpha, b, state, p, x, n, total):  # type: ignore[no-untyped-def]
    """Take in the n-th step at a point and return the mean of the next one."""
    if kind == CROSTON:
        return _croston(alpha, b, state, p, x)
    if kind == TSB:
        return _tsb(alpha, b, state, p, x, n)
    return _adida(alpha, int(b), state, p, n, total)


@njit
def _croston(alpha, variant, state, p, x):  # type: ignore[no-untyped-def]
    """State: size, interval, steps since the last demand, demands."""
    state[p, 2] += 1.0
    if x > 0:
        state[p, 3] += 1.0
        gain = max(alpha, 1.0 / state[p, 3])
        state[p, 0] += gain * (x - state[p, 0])
        state[p, 1] += gain * (state[p, 2] - state[p, 1])
        state[p, 2] = 0.0
    if state[p, 3] == 0:
        return 0.0
    half = max(alpha, 1.0 / state[p, 3]) / 2.0 if variant > 0 else 0.0
    return (1.0 - half) * state[p, 0] / (state[p, 1] - (half if variant > 1 else 0.0))


@njit
def _tsb(alpha, beta, state, p, x, n):  # type: ignore[no-untyped-def]
    """State: size, chance of a demand, demands."""
    state[p, 1] += max(beta, 1.0 / n) * ((1.0 if x > 0 else 0.0) - state[p, 1])
    if x > 0:
        state[p, 2] += 1.0
        state[p, 0] += max(alpha, 1.0 / state[p, 2]) * (x - state[p, 0])
    return state[p, 0] * state[p, 1]


@njit
def _adida(alpha, k, state, p, n, total):  # type: ignore[no-untyped-def]
    """State: the smoothed sum of the buckets that end at steps with the same remainder; each is an ADIDA of its own."""
    if n < k:
        return total[n] / n
    j = n % k
    state[p, j] += max(alpha, 1.0 / (n // k)) * (total[n] - total[n - k] - state[p, j])
    return state[p, j] / k


@njit
def _place(by_place, j, x, keep):  # type: ignore[no-untyped-def]
    """Add a value to the sums of its place in the season."""
    by_place[0, j] = by_place[0, j] * keep + 1.0
    by_place[1, j] = by_place[1, j] * keep + x
    by_place[2, j] = by_place[2, j] * keep + x * x


@njit
def _set_factors(by_place, factors):  # type: ignore[no-untyped-def]
    """Set the factor of each place in the season: its ratio to the mean, shrunk to one."""
    m = factors.size
    level = number = within = apart = 0.0
    for j in range(m):
        factors[j] = by_place[1, j] / by_place[0, j]
        level += factors[j] / m
        number += by_place[0, j] / m
        within += max(by_place[2, j] / by_place[0, j] - factors[j] ** 2, 0.0) / m
    if level <= 0:
        factors[:] = 1.0
        return
    for j in range(m):
        apart += (factors[j] / level - 1.0) ** 2 / (m - 1)
    noise = within / (number * level**2)
    shrink = (apart - noise) / apart if apart > noise else 0.0
    for j in range(m):
        factors[j] = 1.0 + shrink * (factors[j] / level - 1.0)


@njit
def _expect(rate, squares, sums, count, factors, t, mean, dispersion):  # type: ignore[no-untyped-def]
    """Write the mean of each step of a season ahead, and the variance in units of the mean."""
    largest, smallest = 1e-280, np.inf
    for error in squares.flat:
        largest, smallest = max(largest, error), min(smallest, error)
    weights = noise = expected = 0.0
    by_season = np.zeros(2)
    for seasonal in range(2):
        for p in range(rate.size):
            error = squares[seasonal, p]
            ratio = (smallest + 1e-12 * largest) / (error + 1e-12 * largest)
            weight = ratio ** (0.5 * count)  # the likelihood over that of the best point
            weights += weight
            noise += weight * error
            expected += weight * sums[seasonal, p]
            by_season[seasonal] += weight * rate[p]
    for k in range(mean.size):
        mean[k] = (by_season[0] + by_season[1] * factors[(t + k) % mean.size]) / weights
    dispersion[0] = noise / expected if expected > 0 else 1.0
