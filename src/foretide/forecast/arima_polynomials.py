r"""The two polynomials of an ARIMA, free of the bounds that keep them stationary and invertible.

Free parameters are hyperbolic arc tangents of partial autocorrelations, so that every value of them is stationary and
invertible. The polynomials of single steps and of seasons, multiplied out, are short lists of lags and weights:

.. math:: \phi(B)\,\Phi(B^m) = 1 - \sum_l a_l B^l, \qquad \theta(B)\,\Theta(B^m) = 1 + \sum_l b_l B^l

An order is the integer array ``p, d, q, P, D, Q, m, constant``. Kernels assign number by number: numba's check of
arrays that are assigned to slices writes its message from strings, which take longer to compile than all of this.

References
----------
Monahan (1984), A note on enforcing stationarity in autoregressive-moving average models, Biometrika 71.
"""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit

#: No partial autocorrelation is larger: roots stay outside the unit circle.
MOST_PARTIAL = 0.998


@njit
def from_partials(partial):  # type: ignore[no-untyped-def]
    """Return the stationary polynomial of partial autocorrelations and its derivatives (Durbin and Levinson)."""
    phi = np.zeros(partial.size)
    slope = np.zeros((partial.size, partial.size))
    for k in range(partial.size):
        old, old_slope = phi[:k].copy(), slope[:k].copy()
        for j in range(k):
            phi[j] = old[j] - partial[k] * old[k - 1 - j]
            for v in range(k):
                slope[j, v] = old_slope[j, v] - partial[k] * old_slope[k - 1 - j, v]
            slope[j, k] = -old[k - 1 - j]
        phi[k] = partial[k]
        slope[k, k] = 1.0
    return phi, slope


@njit
def to_partials(phi):  # type: ignore[no-untyped-def]
    """Return the partial autocorrelations of a polynomial; one that is not stationary has one of at least 1."""
    partial = phi.copy()
    for k in range(phi.size - 1, 0, -1):
        last = partial[k]
        if abs(last) >= 1.0:
            return partial
        old = partial[:k].copy()
        for j in range(k):
            partial[j] = (old[j] + last * old[k - 1 - j]) / (1.0 - last * last)
    return partial


@njit
def multiplied(free, p, P, m):  # type: ignore[no-untyped-def]
    """Return lags and weights of ``1 - phi(B) Phi(B^m)`` and the weights' derivatives by the free parameters."""
    tangent = np.tanh(free)
    inner = MOST_PARTIAL * (1.0 - tangent * tangent)
    small, small_slope = from_partials(MOST_PARTIAL * tangent[:p])
    large, large_slope = from_partials(MOST_PARTIAL * tangent[p:])
    n = p + P + p * P
    lags, weight, slope = np.empty(n, np.int64), np.empty(n), np.zeros((n, p + P))
    for i in range(p):
        lags[i], weight[i] = i + 1, small[i]
        for v in range(p):
            slope[i, v] = small_slope[i, v] * inner[v]
    for k in range(P):
        lags[p + k], weight[p + k] = m * (k + 1), large[k]
        for v in range(P):
            slope[p + k, p + v] = large_slope[k, v] * inner[p + v]
        for i in range(p):
            at = p + P + k * p + i
            lags[at], weight[at] = i + 1 + m * (k + 1), -small[i] * large[k]
            for v in range(p + P):
                slope[at, v] = -small[i] * slope[p + k, v] - large[k] * slope[i, v]
    return lags, weight, slope


@njit
def expand(free, order):  # type: ignore[no-untyped-def]
    """Return lags and weights of both sides, the mean, and the derivatives of all of them by the free parameters."""
    p, q, P, Q, m, constant = order[0], order[2], order[3], order[5], order[6], order[7]
    ar_lags, ar, ar_slope = multiplied(free[: p + P], p, P, m)
    ma_lags, ma, ma_slope = multiplied(free[p + P : p + P + q + Q], q, Q, m)
    slope = np.zeros((ar.size + ma.size + constant, free.size))
    for i in range(ar.size):
        for v in range(p + P):
            slope[i, v] = ar_slope[i, v]
    for i in range(ma.size):
        for v in range(q + Q):
            slope[ar.size + i, p + P + v] = -ma_slope[i, v]
    mean = 0.0
    if constant:
        mean = free[-1]
        slope[-1, -1] = 1.0
    return ar_lags, ar, ma_lags, -ma, mean, slope
