"""Where the search for an ARIMA begins: the first parameters, and which order.

A long autoregression tells what the shocks were; a regression on past values and past shocks then gives both
polynomials at once. Where they are not stationary or invertible they are drawn towards zero.

The seasonal difference is taken where the season is strong, the other one where a test against a steady level
rejects it; the order is then found by its corrected information criterion (AICc), one step at a time.

References
----------
Hannan, Rissanen (1982), Recursive estimation of mixed autoregressive-moving average order, Biometrika 69.
Hyndman, Khandakar (2008), Automatic time series forecasting, Journal of Statistical Software 27(3).
Kwiatkowski, Phillips, Schmidt, Shin (1992), Testing the null hypothesis of stationarity.
Wang, Smith, Hyndman (2006), Characteristic-based clustering for time series data (strength of a season).
"""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit
from foretide.forecast.arima_forecast import differenced
from foretide.forecast.arima_polynomials import MOST_PARTIAL, to_partials
from foretide.forecast.arima_search import FINE, ROUGH, most_likely
from foretide.forecast.positive_systems import solve

#: Steps of the long autoregression: at least this times the decimal logarithm of the length.
LONG = 10.0
#: A start has no larger partial autocorrelation: from the very edge the search moves slowly.
MOST_AT_START = 0.97
SHRINK = 0.93
#: What is carried over from another fit is no nearer than this to the edge of what is stationary.
NEAREST_EDGE = 2.5
#: Differences below this share of the values are rounding.
ROUNDING = 1e-9
#: One-step errors that must be known for each parameter.
ERRORS_A_PARAMETER = 3
#: Critical value of the test against a steady level, at 5 %.
STEADY = 0.463
#: The largest p and q, P and Q, and all of them together.
MOST, MOST_SEASONAL, MOST_TOGETHER = 3, 2, 5
#: ``p, q, P, Q`` that are tried first, and the moves (the last one adds or drops the constant).
STARTS = ((1, 1, 0, 1), (0, 0, 0, 0), (1, 0, 1, 0), (2, 0, 0, 1))
MOVES = (
    (1, 0, 0, 0, 0), (-1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, -1, 0, 0, 0), (1, 1, 0, 0, 0), (-1, -1, 0, 0, 0),
    (0, 0, 1, 0, 0), (0, 0, -1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, -1, 0), (0, 0, 1, 1, 0), (0, 0, -1, -1, 0),
    (1, -1, 0, 0, 0), (-1, 1, 0, 0, 0), (0, 0, 1, -1, 0), (0, 0, -1, 1, 0), (0, 0, 0, 0, 1),
)  # fmt: skip


@njit
def shocks(x, n_lags):  # type: ignore[no-untyped-def]
    """Return the errors of an autoregression fitted by the Yule-Walker equations, zero in its first steps."""
    n = x.size
    cov = np.empty(n_lags + 1)
    for lag in range(n_lags + 1):
        cov[lag] = np.dot(x[lag:], x[: n - lag]) / n
    phi, left = np.zeros(n_lags), cov[0]
    for k in range(n_lags):
        last = cov[k + 1]
        for j in range(k):
            last -= phi[j] * cov[k - j]
        last = last / left if left > 1e-12 * cov[0] else 0.0
        old = phi[:k].copy()
        for j in range(k):
            phi[j] = old[j] - last * old[k - 1 - j]
        phi[k] = last
        left *= 1.0 - last * last
    e, backwards = np.zeros(n), phi[::-1].copy()
    for t in range(n_lags, n):
        e[t] = x[t] - np.dot(backwards, x[t - n_lags : t])
    return e


@njit
def regressed(x, e, order):  # type: ignore[no-untyped-def]
    """Regress on past values and past shocks: ``phi, Phi, theta, Theta`` in a row."""
    p, q, P, Q, m = order[0], order[2], order[3], order[5], order[6]
    lags = np.empty(p + P + q + Q, np.int64)
    for i in range(p):
        lags[i] = i + 1
    for i in range(P):
        lags[p + i] = m * (i + 1)
    for i in range(q):
        lags[p + P + i] = i + 1
    for i in range(Q):
        lags[p + P + q + i] = m * (i + 1)
    n = lags.size
    gram, right, row = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    begin = (lags.max() if n > 0 else 0) + (long_lags(x.size, order) if q + Q > 0 else 0)
    for t in range(begin, x.size):
        for v in range(n):
            row[v] = x[t - lags[v]] if v < p + P else e[t - lags[v]]
        for v in range(n):
            right[v] += row[v] * x[t]
            for u in range(v + 1):
                gram[v, u] += row[v] * row[u]
    for v in range(n):
        gram[v, v] *= 1.0 + 1e-8
        for u in range(v):
            gram[u, v] = gram[v, u]
    return solve(gram, right)


@njit
def long_lags(n, order):  # type: ignore[no-untyped-def]
    """Return the length of the long autoregression."""
    return min(max(int(LONG * np.log10(n)), order[6] * max(order[3], order[5]) + 2), n // 4)


@njit
def tamed(phi):  # type: ignore[no-untyped-def]
    """Return free parameters of a polynomial, drawn towards zero until it is well stationary."""
    phi = phi.copy()
    for _ in range(60):
        partial = to_partials(phi)
        if phi.size == 0 or np.max(np.abs(partial)) < MOST_AT_START:
            return np.arctanh(partial / MOST_PARTIAL)
        factor = 1.0
        for j in range(phi.size):
            factor *= SHRINK
            phi[j] *= factor
    return np.zeros(phi.size)


@njit
def start(w, order):  # type: ignore[no-untyped-def]
    """Return the free parameters from which least squares begins."""
    p, q, P, Q, constant = order[0], order[2], order[3], order[5], order[7]
    free = np.zeros(p + q + P + Q + constant)
    mean = w.mean() if constant else 0.0
    x = w - mean
    e = shocks(x, long_lags(x.size, order)) if q + Q > 0 else x
    found = regressed(x, e, order)
    cuts = (0, p, p + P, p + P + q, p + P + q + Q)
    for k in range(4):
        sign = 1.0 if k < 2 else -1.0
        part = tamed(sign * found[cuts[k] : cuts[k + 1]])
        for v in range(part.size):
            free[cuts[k] + v] = part[v]
    if constant:
        free[-1] = mean
    return free


@njit
def fit(y, order):  # type: ignore[no-untyped-def]
    """Fit one series from a cold start: free parameters, the size that differences are divided by, whether they vary.

    A series whose differences are all alike, but for rounding, has no errors and no parameter but the constant.
    """
    w = differenced(y, order)
    size = scale_of(w, y)
    if size > 0.0:
        w /= size
        return most_likely(w, order, start(w, order), FINE)[0], size, True
    free = np.zeros(order[0] + order[2] + order[3] + order[5] + order[7])
    if order[7]:
        free[-1] = w.mean()
    return free, 1.0, False


@njit
def scale_of(w, y):  # type: ignore[no-untyped-def]
    """Return the root mean square of the differences of a series, 0 if they are all alike but for rounding."""
    size = np.sqrt(np.mean(w * w))
    varies = np.max(w) - np.min(w)
    return size if min(size, varies) > ROUNDING * np.max(np.abs(y)) else 0.0


@njit
def enough(n, order):  # type: ignore[no-untyped-def]
    """Say whether ``n`` values are enough for an order: several counted errors a parameter, and two seasons."""
    p, d, q, P, D, Q, m = order[0], order[1], order[2], order[3], order[4], order[5], order[6]
    counted = n - d - m * D - p - m * P
    return counted >= ERRORS_A_PARAMETER * (p + q + P + Q + order[7]) + 2 and n >= 2 * m * min(P + D + Q, 1)


@njit
def seasonal_strength(y, m):  # type: ignore[no-untyped-def]
    """Return the share of the variance around a moving average that places in the season explain, 0 to 1."""
    half = m // 2
    n = y.size - 2 * half
    rest = np.empty(n)
    for t in range(n):
        rest[t] = y[t + half] - y[t : t + 2 * half + 1].mean()
    rest -= rest.mean()
    whole = np.sum(rest * rest) / (n - 1)
    if whole <= (ROUNDING * np.max(np.abs(y))) ** 2:
        return 0.0
    for j in range(m):
        mean = rest[j::m].mean()
        for t in range(j, n, m):
            rest[t] -= mean
    return max(1.0 - np.sum(rest * rest) / (n - m) / whole, 0.0)


@njit
def kpss(y):  # type: ignore[no-untyped-def]
    """Return the statistic of Kwiatkowski, Phillips, Schmidt and Shin against a level that stays."""
    n = y.size
    x = y - y.mean()
    n_lags = int(3.0 * np.sqrt(n) / 13.0)
    spread = np.dot(x, x) / n
    for lag in range(1, n_lags + 1):
        spread += 2.0 * (1.0 - lag / (n_lags + 1.0)) * np.dot(x[lag:], x[: n - lag]) / n
    if spread <= 1e-24 * (1.0 + np.max(np.abs(y))):
        return 0.0
    return np.sum(np.cumsum(x) ** 2) / (n * n * spread)


@njit
def choose(y, m, threshold):  # type: ignore[no-untyped-def]
    """Return the order for a series, its free parameters, the size they are for, and whether differences vary.

    Differences are chosen by rule, the rest by the criterion, step by step from four starts.
    """
    order = np.zeros(8, np.int64)
    order[6] = m
    order[4] = m > 1 and y.size >= 3 * m + 4 and seasonal_strength(y, m) > threshold
    order[1] = kpss(differenced(y, order)) > STEADY
    w = differenced(y, order)
    size = scale_of(w, y)
    order[7] = order[1] + order[4] == 0
    if size == 0.0:
        free, size, varied = fit(y, order)
        return order, free, size, varied
    w /= size
    plain, seasonal = min(MOST, w.size // 10), min(MOST_SEASONAL, w.size // (8 * m)) if m > 1 else 0
    most = np.array([plain, plain, seasonal, seasonal])
    scores = np.full((MOST + 1, MOST + 1, MOST_SEASONAL + 1, MOST_SEASONAL + 1, 2), np.nan)
    now, free, best = np.zeros(5, np.int64), np.zeros(0), np.inf
    for first in STARTS:
        there = np.zeros(5, np.int64)
        there[4] = order[7]
        for v in range(4):
            there[v] = min(first[v], most[v])
        value, told = score(w, ordered(order, there), start(w, ordered(order, there)), most)
        scores[there[0], there[1], there[2], there[3], there[4]] = value
        if value < best:
            now, free, best = there, told, value
    k = 0
    while k < len(MOVES):
        there = now + np.array(MOVES[k])
        there[4] %= 2
        k += 1
        allowed = there.min() >= 0 and (there[:4] <= most).all() and there[:4].sum() <= MOST_TOGETHER
        if (there[4] != now[4] and order[1] + order[4] != 1) or not allowed:
            continue
        at = (there[0], there[1], there[2], there[3], there[4])
        if np.isnan(scores[at]):
            value, told = score(w, ordered(order, there), carried_over(free, now, there), most)
            scores[at] = value
            if value < best:
                now, free, best, k = there, told, value, 0
    return ordered(order, now), free, size, True


@njit
def ordered(order, part):  # type: ignore[no-untyped-def]
    """Return an order with other ``p, q, P, Q, constant``."""
    order = order.copy()
    order[0], order[2], order[3], order[5], order[7] = part
    return order


@njit
def score(w, order, free, most):  # type: ignore[no-untyped-def]
    """Return the corrected information criterion, infinite with too few values, and the free parameters from ``free``.

    Errors count from the step on that all orders have them from, so that orders can be compared.
    """
    p, q, P, Q, m = order[0], order[2], order[3], order[5], order[6]
    counted, k = most[0] + m * most[2], p + q + P + Q + order[7] + 1
    n = w.size - counted
    if n < ERRORS_A_PARAMETER * k + 2:
        return np.inf, free
    free, e, volume = most_likely(w, order, free, ROUGH)
    variance = np.sum(e[counted:] ** 2) / n
    return n * np.log(variance + 1e-300) + volume + 2.0 * k + 2.0 * k * (k + 1) / (n - k - 1), free


@njit
def carried_over(free, known, there):  # type: ignore[no-untyped-def]
    """Return the free parameters of one order as a start for another: partial autocorrelations of 0 change nothing."""
    begin = np.zeros(there.sum())
    at, to = 0, 0
    for v in (0, 2, 1, 3, 4):
        both = min(known[v], there[v])
        for u in range(both):
            begin[to + u] = min(max(free[at + u], -NEAREST_EDGE), NEAREST_EDGE)
        at += known[v]
        to += there[v]
    return begin
