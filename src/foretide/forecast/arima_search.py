"""The search for the most likely parameters of an ARIMA (Gauss, Newton, Levenberg, Marquardt)."""

from __future__ import annotations

import numpy as np

from foretide.compiled import njit
from foretide.forecast.arima_likelihood import likely_errors, normal_equations, volume_slope
from foretide.forecast.arima_polynomials import expand
from foretide.forecast.positive_systems import solve

#: The search ends after a step that wins less than this share of the sum of squares, or after so many steps: for
#: parameters, and for comparing orders. All are floats: numba would compile the search anew for each whole number.
FINE = (1e-6, 30.0)
ROUGH = (1e-4, 8.0)
#: Damping of the first step, how it shrinks and grows, and where it gives up.
DAMPING, EASE, HARDEN, MOST_DAMPING = 1e-3, 0.2, 5.0, 1e7


@njit
def most_likely(w, order, free, effort):  # type: ignore[no-untyped-def]
    """Return the most likely free parameters, the errors and ``log |I + Z'Z|``.

    Parameters
    ----------
    w
        The differenced series.
    free
        Where to start.
    effort
        ``FINE`` or ``ROUGH``.
    """
    least_gain, most_steps = effort
    p, q, P, Q, m = order[0], order[2], order[3], order[5], order[6]
    pad = q + m * Q
    begin = pad + p + m * P
    x = np.zeros(pad + w.size)
    n = x.size - begin
    e, tried, g = np.zeros(x.size), np.zeros(x.size), np.zeros(n)
    ar_lags, ar, ma_lags, ma, mean, slope = expand(free, order)
    centre(w, mean, x)
    S, volume = likely_errors(x, ar_lags, ar, ma_lags, ma, begin, pad, e, g)
    best = S * np.exp(volume / n)
    J = np.zeros((x.size, slope.shape[0]))
    damping, moved = DAMPING, True
    gram, grad = np.zeros((free.size, free.size)), np.zeros(free.size)
    bend = np.zeros(free.size)
    for step in range(int(most_steps) if free.size > 0 and best > 0.0 else 0):
        if moved:
            gram, grad = normal_equations(x, e, ar_lags, ar, ma_lags, ma, begin, slope, J)
            if step == 0 or most_steps > ROUGH[1]:
                bend = volume_slope(free, order, volume, pad, g)
            grad += S / (2.0 * n) * bend
        damped = gram.copy()
        for v in range(free.size):
            damped[v, v] += damping * gram[v, v]
        there = free - solve(damped, grad)
        there_lags, there_ar, there_ma_lags, there_ma, mean, there_slope = expand(there, order)
        centre(w, mean, x)
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
def centre(w, mean, x):  # type: ignore[no-untyped-def]
    """Write a series around its mean to the end of ``x``."""
    pad = x.size - w.size
    for t in range(w.size):
        x[pad + t] = w[t] - mean
