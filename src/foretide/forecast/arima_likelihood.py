r"""The likelihood of an ARIMA: one-step errors, the shocks before the first step, and derivatives.

The ``d``-th and ``D``-th seasonal difference ``w`` of a series follows

.. math:: \phi(B)\,\Phi(B^m)\,(w_t - \mu) = \theta(B)\,\Theta(B^m)\,\varepsilon_t

with :math:`\phi(B) = 1 - \sum \phi_i B^i` and :math:`\theta(B) = 1 + \sum \theta_j B^j`: the moving average has the
current shock and the past ones. Multiplied out (``arima_polynomials``), an error is

.. math:: e_t = x_t - \sum_l a_l x_{t-l} - \sum_l b_l e_{t-l}, \qquad x_t = w_t - \mu

from the first step that all lags of ``x`` are known for: the likelihood is conditional on the values before, and exact
beyond. The shocks before are unknown, ``e_0`` with the same variance as all others; errors are linear in them,
``e + Z e_0``, so that their best values and the likelihood

.. math:: -2 \log L = n \log S + \log |I + Z'Z|, \qquad S = \min_{e_0} |e_0|^2 + |e + Z e_0|^2

are those of a small regression. Where a moving average is near the edge of what is invertible (a difference or a
season that hardly moves) shocks of zero would bias it. Derivatives follow the same recursion: of :math:`a_l` from the
source :math:`-x_{t-l}`, of :math:`b_l` from :math:`-e_{t-l}`.

References
----------
Box, Jenkins (1970), Time Series Analysis, chapters 5 and 7.
Ansley (1979), An algorithm for the exact likelihood of a mixed autoregressive-moving average process, Biometrika 66.
"""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit, njit_fastmath
from foretide.forecast.arima_polynomials import expand
from foretide.forecast.positive_systems import log_volume, solve

#: Shocks before the beginning count until they move an error by less than this share of themselves.
FADED = 1e-4
#: Step of the numerical derivative of the determinant.
NUDGE = 1e-4


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
    shocks = solve(gram, T.T @ moved)
    for u in range(pad):
        e[begin - 1 - u] = -shocks[u]
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
        for u in range(v):
            gram[u, v] = gram[v, u]
    return slope.T @ gram @ slope, slope.T @ grad


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
