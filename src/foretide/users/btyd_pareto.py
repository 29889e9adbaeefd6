"""Likelihood of Pareto/NBD, compiled.

A user comes at a Poisson rate that is gamma distributed over users (shape ``r``, rate ``alpha``), and leaves for good
after an exponential time whose rate is gamma distributed too (``s, beta``), whether they come or not.

The chance that a user with ``x`` repeats left between the last visit and now is an integral over the moment ``y``
of leaving, of ``s beta^s (beta + y)^-(s + 1) (alpha + y)^-(r + x)``. The usual difference of two hypergeometric
functions converges slowly where ``alpha`` and ``beta`` are far apart, and its derivatives have no closed form. The
integrand is smooth, and on a logarithmic scale of time nearly an exponential: a few panels of Gauss-Legendre nodes
give it and its derivatives to twelve digits, at a cost that depends on nothing.

References
----------
Schmittlein, Morrison, Colombo (1987): Counting your customers. Management Science 33(1).
Fader, Hardie (2005): A note on deriving the Pareto/NBD model and related expressions.
"""

from __future__ import annotations

import math

import numpy as np

from foretide.compiled import njit
from foretide.schema import Floats

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(8)
#: The integrand falls by at most exp(-4) within a panel ...
FALL_A_PANEL = 4.0
#: ... and panels that add less than this, relative to the sum, are left out.
TOLERANCE = 1e-15


@njit
def gone(theta: Floats, x: float, recency: float, age: float, means: Floats) -> float:
    """Return the logarithm of the integral over the moments of leaving, from ``recency`` to ``age``.

    ``means`` gets the means, over these moments y, of ``log(alpha + y), 1 / (alpha + y), log(beta + y)`` and
    ``1 / (beta + y)``: its derivatives. Minus infinity if ``recency`` is ``age``.
    """
    r, alpha, s, beta = theta
    means[:] = 0.0
    near = min(alpha, beta)
    begin, end = math.log(near + recency), math.log(near + age)
    if end <= begin:
        return -math.inf
    steepest = r + x + s + 1
    n_panels = 1 + int(steepest * (end - begin) / FALL_A_PANEL)
    half = (end - begin) / (2 * n_panels)
    top = -(r + x) * math.log(alpha + recency) - (s + 1) * math.log(beta + recency) + begin
    total = 0.0
    for panel in range(n_panels):
        added = 0.0
        for k in range(NODES.size):
            v = begin + half * (2 * panel + 1 + NODES[k])
            y = math.exp(v) - near
            log_alpha, log_beta = math.log(alpha + y), math.log(beta + y)
            f = NODE_WEIGHTS[k] * math.exp(v - (r + x) * log_alpha - (s + 1) * log_beta - top)
            added += f
            means[0] += f * log_alpha
            means[1] += f / (alpha + y)
            means[2] += f * log_beta
            means[3] += f / (beta + y)
        total += added
        if added <= TOLERANCE * total:
            break
    means /= total
    return math.log(s) + s * math.log(beta) + top + math.log(half * total)


@njit
def silence_of(theta: Floats, x: float, recency: float, age: float, means: Floats) -> tuple[float, float]:
    """Return the silence of a user, and the chance that they are alive; ``means`` as in ``gone``."""
    r, alpha, s, beta = theta
    alive = -(r + x) * math.log(alpha + age) + s * math.log(beta / (beta + age))
    left = gone(theta, x, recency, age, means)
    most = max(alive, left)
    silence = most + math.log1p(math.exp(min(alive, left) - most))
    return silence, math.exp(alive - silence)


@njit
def silences(theta: Floats, x: Floats, recency: Floats, age: Floats) -> tuple[Floats, Floats]:
    """Return ``silence_of`` each user, ``(n_users,)`` each."""
    silence, alive = np.empty(x.size), np.empty(x.size)
    means = np.empty(4)
    for i in range(x.size):
        silence[i], alive[i] = silence_of(theta, x[i], recency[i], age[i], means)
    return silence, alive


@njit
def summed(theta: Floats, x: Floats, recency: Floats, age: Floats, weight: Floats) -> tuple[float, Floats]:
    """Return the weighted sum of the silences and its gradient by ``theta``, ``(4,)``."""
    r, alpha, s, beta = theta
    total, slope, means = 0.0, np.zeros(4), np.empty(4)
    for i in range(x.size):
        silence, alive = silence_of(theta, x[i], recency[i], age[i], means)
        here = weight[i] * alive
        left = weight[i] - here
        total += weight[i] * silence
        slope[0] -= here * math.log(alpha + age[i]) + left * means[0]
        slope[1] -= (r + x[i]) * (here / (alpha + age[i]) + left * means[1])
        slope[2] += here * math.log(beta / (beta + age[i])) + left * (1 / s + math.log(beta) - means[2])
        slope[3] += here * (s / beta - s / (beta + age[i])) + left * (s / beta - (s + 1) * means[3])
    return total, slope
