"""The upper tail of a gamma law through three moments (Pearson III), in compiled code."""

from __future__ import annotations

import math

from foretide.compiled import njit

#: A variance below this is rounding.
TINY = 1e-9


@njit
def tail_above(x: float, mean: float, square: float, cube: float) -> float:
    """Return the chance of at least x under the gamma law with these raw moments, shifted; 1 if there is none."""
    variance = square - mean * mean
    if variance <= TINY or x <= mean:
        return 1.0
    deviation = math.sqrt(variance)
    skew = (cube - 3.0 * mean * square + 2.0 * mean**3) / deviation**3
    skew = max(skew, 0.1)
    shape = 4.0 / (skew * skew)
    return gamma_above(shape, (x - mean) / deviation * math.sqrt(shape) + shape)


@njit
def gamma_above(a: float, x: float) -> float:
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
