"""Forecasts of an ARIMA and the variances of their errors."""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit
from foretide.forecast.arima_likelihood import likely_errors
from foretide.forecast.arima_polynomials import expand
from foretide.forecast.arima_search import centre


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
    ar_lags, ar, ma_lags, ma, level, _ = expand(free, order)
    pad, h = q + m * Q, mean.size
    w = differenced(y, order) / size
    x, e = np.zeros(pad + w.size), np.zeros(pad + w.size + h)
    centre(w, level, x)
    begin = pad + p + m * P
    S, _ = likely_errors(x, ar_lags, ar, ma_lags, ma, begin, pad, e[: x.size], np.zeros(x.size - begin))
    noise = S * size * size / max(x.size - begin, 1)
    full = np.zeros(p + m * P + d + m * D + 1)
    full[0] = 1.0
    for j in range(ar.size):
        full[ar_lags[j]] -= ar[j]
    for _ in range(d):
        difference(full, 1)
    for _ in range(D):
        difference(full, m)
    ahead = np.zeros(y.size + h)
    centre(y, 0.0, ahead[: y.size])
    psi = np.zeros(h)
    for k in range(h):
        now = level * (1.0 - ar.sum()) * size
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


@njit
def difference(polynomial, m):  # type: ignore[no-untyped-def]
    """Multiply a polynomial by ``1 - B^m``."""
    for k in range(polynomial.size - 1, m - 1, -1):
        polynomial[k] -= polynomial[k - m]
