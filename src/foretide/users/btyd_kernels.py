"""Likelihoods and expectations of BG/NBD and MBG/NBD, compiled.

A user comes at a Poisson rate that is gamma distributed over users (shape ``r``, rate ``alpha``). After each visit
they are gone for good with a chance that is beta distributed (``a, b``). In BG/NBD the first visit is no such
occasion, in MBG/NBD it is one: ``flips`` is 0 or 1.

Two things could have happened to a user with ``x`` repeats, the last at ``recency``, and silence until ``age``:
alive and silent, or gone since the last visit. What the two have in common (``r`` rising ``x`` times, and so on) is
summed up elsewhere without a loop over users; the kernels compute the logarithm of the rest, called *silence*.
Because a longer silence only changes the age, the chance of no visit in a horizon ``h`` is
``exp(silence(age + h) - silence(age))``.

References
----------
Fader, Hardie, Lee (2005): "Counting your customers" the easy way. Marketing Science 24(2).
Batislam, Denizel, Filiztekin (2007): Empirical validation and comparison of models for customer base analysis.
International Journal of Research in Marketing 24(3).
"""

from __future__ import annotations

import math

import numpy as np

from foretide.compiled import njit
from foretide.schema import Floats

#: What is left out of the sum over visits, relative to it.
TOLERANCE = 1e-13
#: Odds of exp(600) are certainty.
LONGEST = 600.0
#: Weights are scaled down before they exceed this.
HUGE = 1e250


@njit
def silence_of(theta: Floats, flips: int, x: float, log_last: float, log_now: float) -> tuple[float, float]:
    """Return the silence of a user, and the chance that they are alive.

    ``log_last`` and ``log_now`` are the logarithms of ``alpha`` plus recency and age.
    """
    r, _, a, b = theta
    alive = -(r + x) * log_now
    if x + flips == 0:
        return alive, 1.0
    gone = a / (b + x + flips - 1)
    longer = (r + x) * (log_now - log_last)
    if longer > LONGEST:
        return alive + longer + math.log(gone), 0.0
    odds = gone * math.exp(longer)  # of gone against alive
    return alive + math.log1p(odds), 1 / (1 + odds)


@njit
def silences(theta: Floats, flips: int, x: Floats, recency: Floats, age: Floats) -> tuple[Floats, Floats]:
    """Return ``silence_of`` each user, ``(n_users,)`` each."""
    silence, alive = np.empty(x.size), np.empty(x.size)
    for i in range(x.size):
        log_last, log_now = math.log(theta[1] + recency[i]), math.log(theta[1] + age[i])
        silence[i], alive[i] = silence_of(theta, flips, x[i], log_last, log_now)
    return silence, alive


@njit
def summed(theta: Floats, flips: int, x: Floats, recency: Floats, age: Floats, weight: Floats) -> tuple[float, Floats]:
    """Return the weighted sum of the silences and its gradient by ``theta``, ``(4,)``."""
    r, alpha, a, b = theta
    total, slope = 0.0, np.zeros(4)
    for i in range(x.size):
        log_last, log_now = math.log(alpha + recency[i]), math.log(alpha + age[i])
        silence, alive = silence_of(theta, flips, x[i], log_last, log_now)
        here = weight[i] * alive
        gone = weight[i] - here
        total += weight[i] * silence
        slope[0] -= here * log_now + gone * log_last
        slope[1] -= (r + x[i]) * (here / (alpha + age[i]) + gone / (alpha + recency[i]))
        if x[i] + flips > 0:
            slope[2] += gone / a
            slope[3] -= gone / (b + x[i] + flips - 1)
    return total, slope


@njit
def visits_ahead(shape: float, rate: float, a: float, b: float, horizon: float) -> float:
    """Return the expected visits in a horizon of a user who is alive now.

    Without an end there would be K of them, negative binomial from Gamma(``shape, rate``). The visit after j others
    takes place if the user survived these, with chance E[(1 - p)^j] under Beta(``a, b``). So the expectation is the
    sum over k of P(K = k) times the sum over j < k of those chances: positive terms only, for any parameters, where
    the hypergeometric form has poles (a = 1) and cancels. P(K = k) is built up without its first factor and
    divided by the total, so that nothing underflows.
    """
    z = horizon / (rate + horizon)
    chance, total = 1.0, 1.0  # of K = k, and of K <= k, up to a factor
    survived, steps, expected = 1.0, 0.0, 0.0
    k = 0
    while True:
        steps += survived
        survived *= (b + k) / (a + b + k)
        chance *= z * (shape + k) / (k + 1)
        k += 1
        total += chance
        expected += chance * steps
        if chance > HUGE:
            chance, total, expected = chance / HUGE, total / HUGE, expected / HUGE
        next_one = z * max((shape + k) / (k + 1), 1.0)  # no later ratio of chances is larger
        if next_one < 1 and chance * (steps + 1) <= TOLERANCE * expected * (1 - next_one) ** 2:
            return expected / total


@njit
def ahead(theta: Floats, flips: int, x: Floats, age: Floats, horizons: Floats) -> Floats:
    """Return ``visits_ahead`` of each user, were they alive, ``(n_users, n_horizons)``."""
    r, alpha, a, b = theta
    out = np.empty((x.size, horizons.size))
    for i in range(x.size):
        for j in range(horizons.size):
            out[i, j] = visits_ahead(r + x[i], alpha + age[i], a, b + x[i] + flips, horizons[j])
    return out
