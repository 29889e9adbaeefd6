r"""The numerics of ARIMA: polynomials, one-step errors with their derivatives, least squares, forecasts.

The ``d``-th and ``D``-th seasonal difference ``w`` of a series follows

.. math:: \phi(B)\,\Phi(B^m)\,(w_t - \mu) = \theta(B)\,\Theta(B^m)\,\varepsilon_t

with :math:`\phi(B) = 1 - \sum \phi_i B^i` and :math:`\theta(B) = 1 + \sum \theta_j B^j`: the moving average has the
current shock and the past ones. Multiplied out, both sides are short lists of lags and weights, so that an error is

.. math:: e_t = x_t - \sum_l a_l x_{t-l} - \sum_l b_l e_{t-l}, \qquad x_t = w_t - \mu

from the first step that all lags of ``x`` are known for: the likelihood is conditional on the values before, and exact
beyond. The shocks before are unknown, ``e_0`` with the same variance as all others; errors are linear in them,
``e + Z e_0``, so that their best values and the likelihood

.. math:: -2 \log L = n \log S + \log |I + Z'Z|, \qquad S = \min_{e_0} |e_0|^2 + |e + Z e_0|^2

are those of a small regression. Where a moving average is near the edge of what is invertible (a difference or a
season that hardly moves) shocks of zero would bias it. Derivatives follow the same recursion: of :math:`a_l` from the
source :math:`-x_{t-l}`, of :math:`b_l` from :math:`-e_{t-l}`. Free parameters are hyperbolic arc tangents of partial
autocorrelations, so that every value of them is stationary and invertible.

An order is the integer array ``p, d, q, P, D, Q, m, constant``.

References
----------
Box, Jenkins (1970), Time Series Analysis, chapters 5 and 7. Monahan (1984), A note on enforcing stationarity.
Ansley (1979), An algorithm for the exact likelihood of a mixed autoregressive-moving average process, Biometrika 66.
"""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit, njit_fastmath

#: No partial autocorrelation is larger: roots stay outside the unit circle.
MOST_PARTIAL = 0.998
#: The search ends after this many steps or one that wins less than this share of the sum of squares: for parameters,
#: and for comparing orders.
MOST_STEPS, ROUGH_STEPS = 30, 8
LEAST_GAIN, ROUGH_GAIN = 1e-6, 1e-4
#: Damping of the first step, how it shrinks and grows, and where it gives up.
DAMPING, EASE, HARDEN, MOST_DAMPING = 1e-3, 0.2, 5.0, 1e7
#: Shocks before the beginning count until they move an error by less than this share of themselves.
FADED = 1e-4
#: Step of the numerical derivative of the determinant.
NUDGE = 1e-4


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
        slope[i, :p] = small_slope[i] * inner[:p]
    for k in range(P):
        lags[p + k], weight[p + k] = m * (k + 1), large[k]
        slope[p + k, p:] = large_slope[k] * inner[p:]
        for i in range(p):
            at = p + P + k * p + i
            lags[at], weight[at] = i + 1 + m * (k + 1), -small[i] * large[k]
            slope[at] = -small[i] * slope[p + k] - large[k] * slope[i]
    return lags, weight, slope


@njit
def expand(free, order):  # type: ignore[no-untyped-def]
    """Return lags and weights of both sides, the mean, and the derivatives of all of them by the free parameters."""
    p, q, P, Q, m, constant = order[0], order[2], order[3], order[5], order[6], order[7]
    ar_lags, ar, ar_slope = multiplied(free[: p + P], p, P, m)
    ma_lags, ma, ma_slope = multiplied(free[p + P : p + P + q + Q], q, Q, m)
    slope = np.zeros((ar.size + ma.size + constant, free.size))
    slope[: ar.size, : p + P] = ar_slope
    slope[ar.size : ar.size + ma.size, p + P : p + P + q + Q] = -ma_slope
    mean = 0.0
    if constant:
        mean = free[-1]
        slope[-1, -1] = 1.0
    return ar_lags, ar, ma_lags, -ma, mean, slope


@njit_fastmath
def errors(x, ar_lags, ar, ma_lags, ma, begin, e):  # type: ignore[no-untyped-def]
    """Write one-step errors from ``begin`` on, given those before."""
    for t in range(begin, x.size):
        now = x[t]
        for j in range(ar.size):
            now -= ar[j] * x[t - ar_lags[j]]
        for j in range(ma.size):
            now -= ma[j] * e[t - ma_lags[j]]
        e[t] = now


@njit_fastmath
def influence(ma_lags, ma, pad, g):  # type: ignore[no-untyped-def]
    """Return ``I + Z'Z``, ``T`` with ``Z = G T``, and after how many steps the influence of a shock has faded.

    ``g`` takes in how a shock moves later errors, the columns of ``G`` are ``g`` moved on by 0, 1, ... steps, and ``T``
    has what each of the ``pad`` shocks before, the last one first, puts into the first errors.
    """
    alive = 0
    g[0] = 1.0
    for t in range(1, g.size):
        g[t] = 0.0
        for j in range(ma.size):
            if ma_lags[j] <= t:
                g[t] -= ma[j] * g[t - ma_lags[j]]
        if abs(g[t]) > FADED:
            alive = t
        elif t - alive > pad:
            break
    n = alive + 1
    inner, T = np.zeros((pad, pad)), np.zeros((pad, pad))
    for k in range(min(pad, n)):
        total = np.dot(g[k:n], g[: n - k])
        for u in range(pad - k):
            inner[u, u + k] = inner[u + k, u] = total
            if n == g.size and u + k < n:  # the end cuts off what was moved furthest
                total -= g[n - 1 - u - k] * g[n - 1 - u]
    for j in range(ma.size):
        for v in range(ma_lags[j]):
            T[ma_lags[j] - 1 - v, v] -= ma[j]
    gram = T.T @ inner @ T
    for v in range(pad):
        gram[v, v] += 1.0
    return gram, T, n


@njit
def log_volume(gram):  # type: ignore[no-untyped-def]
    """Return the logarithm of the determinant of a positive matrix of which the lower half is given."""
    total = 0.0
    L = cholesky(gram)
    for v in range(gram.shape[0]):
        total += 2.0 * np.log(L[v, v])
    return total


@njit
def likely_errors(x, ar_lags, ar, ma_lags, ma, begin, pad, e, g):  # type: ignore[no-untyped-def]
    """Write the errors with the best ``pad`` shocks before; return ``S`` and ``log |I + Z'Z|``; ``g`` is room."""
    e[:begin] = 0.0
    errors(x, ar_lags, ar, ma_lags, ma, begin, e)
    if pad == 0:
        return np.dot(e, e), 0.0
    gram, T, n = influence(ma_lags, ma, pad, g)
    moved = np.zeros(pad)
    for u in range(min(pad, g.size)):
        known = min(n, g.size - u)
        moved[u] = np.dot(g[:known], e[begin + u : begin + u + known])
    e[begin - pad : begin] = -solve(gram, T.T @ moved)[::-1]
    errors(x, ar_lags, ar, ma_lags, ma, begin, e)
    return np.dot(e, e), log_volume(gram)


@njit_fastmath
def normal_equations(x, e, ar_lags, ar, ma_lags, ma, begin, slope, J):  # type: ignore[no-untyped-def]
    """Return ``J'J`` and ``J'e`` by the free parameters, ``J`` the derivatives of the errors."""
    n = slope.shape[0]
    gram, grad = np.zeros((n, n)), np.zeros(n)
    gain = 1.0 - ar.sum()
    for t in range(begin, x.size):
        row = J[t]
        if n > ar.size + ma.size:
            row[n - 1] = -gain
        for j in range(ar.size):
            row[j] = -x[t - ar_lags[j]]
        for j in range(ma.size):
            row[ar.size + j] = -e[t - ma_lags[j]]
        for j in range(ma.size):
            before = J[t - ma_lags[j]]
            for v in range(n):
                row[v] -= ma[j] * before[v]
        for v in range(n):
            grad[v] += row[v] * e[t]
            for u in range(v + 1):
                gram[v, u] += row[v] * row[u]
    for v in range(n):
        gram[:v, v] = gram[v, :v]
    return slope.T @ gram @ slope, slope.T @ grad


@njit
def cholesky(A):  # type: ignore[no-untyped-def]
    """Return the lower triangle ``L`` with ``A = L L'``; a direction without any pivot gets an endless one."""
    L = np.zeros(A.shape)
    for i in range(A.shape[0]):
        for j in range(i + 1):
            rest = A[i, j]
            for k in range(j):
                rest -= L[i, k] * L[j, k]
            if i > j:
                L[i, j] = rest / L[j, j]
            else:
                L[i, i] = np.sqrt(rest) if rest > 1e-14 * A[i, i] + 1e-300 else 1e150
    return L


@njit
def solve(A, b):  # type: ignore[no-untyped-def]
    """Solve a symmetric positive system; a direction without any pivot stays where it is."""
    L, x = cholesky(A), b.copy()
    for i in range(b.size):
        for k in range(i):
            x[i] -= L[i, k] * x[k]
        x[i] /= L[i, i]
    for i in range(b.size - 1, -1, -1):
        for k in range(i + 1, b.size):
            x[i] -= L[k, i] * x[k]
        x[i] /= L[i, i]
    return x


@njit
def volume_slope(free, order, volume, pad, g):  # type: ignore[no-untyped-def]
    """Return the derivatives of ``log |I + Z'Z|``, by a small step of each parameter of the moving average."""
    slope = np.zeros(free.size)
    first = order[0] + order[3]
    for v in range(first, first + order[2] + order[5]):
        there = free.copy()
        there[v] += NUDGE
        _, _, ma_lags, ma, _, _ = expand(there, order)
        slope[v] = (log_volume(influence(ma_lags, ma, pad, g)[0]) - volume) / NUDGE
    return slope


@njit
def most_likely(w, order, free, least_gain, most_steps):  # type: ignore[no-untyped-def]
    """Return the most likely free parameters, the errors and ``log |I + Z'Z|`` (Gauss, Newton, Levenberg, Marquardt).

    Parameters
    ----------
    w
        The differenced series.
    free
        Where to start.
    least_gain, most_steps
        The search ends after a step that wins less than this share of the sum of squares, or after so many.
    """
    p, q, P, Q, m = order[0], order[2], order[3], order[5], order[6]
    pad = q + m * Q
    begin = pad + p + m * P
    x = np.zeros(pad + w.size)
    n = x.size - begin
    e, tried, g = np.zeros(x.size), np.zeros(x.size), np.zeros(n)
    ar_lags, ar, ma_lags, ma, mean, slope = expand(free, order)
    x[pad:] = w - mean
    S, volume = likely_errors(x, ar_lags, ar, ma_lags, ma, begin, pad, e, g)
    best = S * np.exp(volume / n)
    J = np.zeros((x.size, slope.shape[0]))
    damping, moved = DAMPING, True
    gram, grad = np.zeros((free.size, free.size)), np.zeros(free.size)
    bend = np.zeros(free.size)
    for step in range(most_steps if free.size > 0 and best > 0.0 else 0):
        if moved:
            gram, grad = normal_equations(x, e, ar_lags, ar, ma_lags, ma, begin, slope, J)
            if step == 0 or most_steps > ROUGH_STEPS:
                bend = volume_slope(free, order, volume, pad, g)
            grad += S / (2.0 * n) * bend
        damped = gram.copy()
        for v in range(free.size):
            damped[v, v] += damping * gram[v, v]
        there = free - solve(damped, grad)
        there_lags, there_ar, there_ma_lags, there_ma, mean, there_slope = expand(there, order)
        x[pad:] = w - mean
        there_S, there_volume = likely_errors(x, there_lags, there_ar, there_ma_lags, there_ma, begin, pad, tried, g)
        total = there_S * np.exp(there_volume / n)
        moved = total < best
        if moved:
            gained = best - total
            free, best, S, volume, damping = there, total, there_S, there_volume, damping * EASE
            e, tried, ar, ma, slope = tried, e, there_ar, there_ma, there_slope
            if gained < least_gain * best:
                break
        else:
            damping *= HARDEN
            if damping > MOST_DAMPING:
                break
    return free, e[pad:], volume


@njit
def differenced(y, order):  # type: ignore[no-untyped-def]
    """Return ``(1 - B)^d (1 - B^m)^D y``."""
    w = y.copy()
    for _ in range(order[4]):
        w = w[order[6] :] - w[: -order[6]]
    for _ in range(order[1]):
        w = w[1:] - w[:-1]
    return w


@njit
def forecast(y, order, free, size, mean, variance):  # type: ignore[no-untyped-def]
    r"""Write forecasts and the variances of their errors; return the variance of one step's error.

    ``y`` follows :math:`\phi \Phi (1-B)^d (1-B^m)^D y_t = c + \theta \Theta \varepsilon_t`; the variance ``k`` steps
    ahead is :math:`\sigma^2 \sum_{j<k} \psi_j^2` with :math:`\psi = \theta \Theta / (\phi \Phi (1-B)^d (1-B^m)^D)`.
    """
    p, d, q, P, D, Q, m = order[0], order[1], order[2], order[3], order[4], order[5], order[6]
    ar_lags, ar, ma_lags, ma, centre, _ = expand(free, order)
    pad, h = q + m * Q, mean.size
    w = differenced(y, order) / size
    x, e = np.zeros(pad + w.size), np.zeros(pad + w.size + h)
    x[pad:] = w - centre
    begin = pad + p + m * P
    S, _ = likely_errors(x, ar_lags, ar, ma_lags, ma, begin, pad, e[: x.size], np.zeros(x.size - begin))
    noise = S * size * size / max(x.size - begin, 1)
    full = np.zeros(p + m * P + d + m * D + 1)
    full[0] = 1.0
    for j in range(ar.size):
        full[ar_lags[j]] -= ar[j]
    for _ in range(d):
        full[1:] -= full[:-1].copy()
    for _ in range(D):
        full[m:] -= full[:-m].copy()
    ahead = np.zeros(y.size + h)
    ahead[: y.size] = y
    psi = np.zeros(h)
    for k in range(h):
        now = centre * (1.0 - ar.sum()) * size
        psi[k] = 1.0 if k == 0 else 0.0
        for j in range(ma.size):
            now += size * ma[j] * e[pad + w.size + k - ma_lags[j]]
            psi[k] += ma[j] if ma_lags[j] == k else 0.0
        for lag in range(1, full.size):
            now -= full[lag] * ahead[y.size + k - lag]
            psi[k] -= full[lag] * psi[k - lag] if lag <= k else 0.0
        ahead[y.size + k] = now
        mean[k] = now
        variance[k] = noise * np.sum(psi[: k + 1] ** 2)
    return noise
