"""How many categories a user's events spread over: Hill numbers, also rarefied to a number of events.

References
----------
Chao et al. (2014), Rarefaction and extrapolation with Hill numbers, Ecological Monographs 84.
"""

from __future__ import annotations

import math

import numpy as np

from foretide.compiled import njit
from foretide.features.tallies import EMPTY, Slots

#: Users are compared at this number of events.
RAREFIED_EVENTS = 20


@njit
def hill(slots: Slots) -> tuple[float, float, float]:
    """Return Hill numbers 1 (exp of the entropy) and 2 (1 / sum p^2) of the weights, and the largest share."""
    total, squares, logs, top = 0.0, 0.0, 0.0, 0.0
    for i in range(slots.size):
        weight = slots[i].weight
        if slots[i].category != EMPTY and weight > 0.0:
            total += weight
            squares += weight * weight
            logs += weight * math.log(weight)
            top = max(top, weight)
    if total == 0.0:
        return np.nan, np.nan, np.nan
    return total * math.exp(-logs / total), total * total / squares, top / total


@njit
def rarefied(slots: Slots, n: int) -> tuple[float, float, float]:
    """Return what Hill numbers 0, 1 and 2 of ``RAREFIED_EVENTS`` of the n events are on average; NaN below that."""
    m = RAREFIED_EVENTS
    if n < m:
        return np.nan, np.nan, np.nan
    richness, entropy, pairs = 0.0, 0.0, 0.0
    for i in range(slots.size):
        if slots[i].category != EMPTY:
            of_it = float(slots[i].n)
            pairs += of_it * (of_it - 1.0)
            absent, part = _draws(of_it, float(n), m)
            richness += 1.0 - absent
            entropy += part
    return richness, math.exp(entropy), 1.0 / (1.0 / m + (m - 1.0) / m * pairs / (float(n) * (n - 1.0)))


@njit
def _draws(k: float, n: float, m: int) -> tuple[float, float]:
    """Draw m of n events, k of them of a category: return the chance of none, and the mean of -p ln p."""
    least = max(0, m - int(n - k))
    log_p = _log_choose(k, least) + _log_choose(n - k, m - least) - _log_choose(n, m)
    p = math.exp(log_p)
    absent = p if least == 0 else 0.0
    mean = 0.0
    for x in range(least, min(m, int(k)) + 1):
        if x > 0:
            mean -= p * (x / m) * math.log(x / m)
        p *= (k - x) * (m - x) / ((x + 1.0) * (n - k - m + x + 1.0))
    return absent, mean


@njit
def _log_choose(n: float, k: float) -> float:
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)
