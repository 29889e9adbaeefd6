"""How users leave for good: after one of their visits, or at any moment. What each way means for the likelihood.

Both ways share the visits: a Poisson process whose rate is gamma distributed over users (shape ``r``, rate
``alpha``), as long as the user is there. Parameters are passed on as ``theta``, ``(4,)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foretide.schema import Floats
from foretide.users import btyd_kernels, btyd_pareto
from foretide.users.btyd_summaries import Visits, exceeding

#: Smallest chance and rate of leaving in simulations.
TINY = 1e-15
#: Log-likelihood of a set of users, and its gradient, by ``theta``.
Objective = Callable[[Floats], tuple[float, Floats]]


class Leaving(Protocol):
    """A way of leaving."""

    names: tuple[str, str, str, str]
    times: tuple[bool, bool, bool, bool]  # which of the parameters are times

    def silences(self, theta: Floats, users: Visits) -> tuple[Floats, Floats]:
        """Return the logarithms of the chance of the silence since the last visit, and the chance to be alive."""
        ...

    def ahead(self, theta: Floats, users: Visits, horizons: Floats) -> Floats:
        """Return the expected visits of users who are alive now, ``(n_users, n_horizons)``."""
        ...

    def objective(self, users: Visits, weight: Floats) -> Objective:
        """Return the log-likelihood as a function of the parameters."""
        ...

    def ends(self, theta: Floats, n_users: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw after how many repeats, and at which age, users leave; infinity for never."""
        ...


@dataclass(frozen=True)
class AfterVisits:
    """Leaving after a visit, with a chance from Beta(``a, b``).

    Parameters
    ----------
    flips
        1 if the first visit can be the last one because the user leaves, 0 if they stay for a second one.
    """

    flips: int
    names = ("r_", "alpha_", "a_", "b_")
    times = (False, True, False, False)

    def silences(self, theta: Floats, users: Visits) -> tuple[Floats, Floats]:
        """Return as ``Leaving.silences``."""
        return btyd_kernels.silences(theta, self.flips, *users)

    def ahead(self, theta: Floats, users: Visits, horizons: Floats) -> Floats:
        """Return as ``Leaving.ahead``."""
        return btyd_kernels.ahead(theta, self.flips, users.frequency, users.age, horizons)

    def objective(self, users: Visits, weight: Floats) -> Objective:
        """Return as ``Leaving.objective``."""
        visits, stays = (exceeding(users.frequency + more, weight) for more in (0, self.flips))
        n_users = weight.sum()

        def log_likelihood(theta: Floats) -> tuple[float, Floats]:
            r, alpha, a, b = theta
            silence, slope = btyd_kernels.summed(theta, self.flips, *users, weight)
            come, by_r = rising(r, visits)
            stay, by_b = rising(b, stays)
            flip, by_ab = rising(a + b, stays)
            slope += np.array([by_r + n_users * np.log(alpha), n_users * r / alpha, -by_ab, by_b - by_ab])
            return silence + come + n_users * r * np.log(alpha) + stay - flip, slope

        return log_likelihood

    def ends(self, theta: Floats, n_users: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw as ``Leaving.ends``."""
        _, _, a, b = theta
        last = rng.geometric(np.maximum(rng.beta(a, b, n_users), TINY)).astype(np.float64)
        return last - self.flips, np.full(n_users, np.inf)


@dataclass(frozen=True)
class AnyTime:
    """Leaving at any moment, at a rate from Gamma(shape ``s``, rate ``beta``)."""

    names = ("r_", "alpha_", "s_", "beta_")
    times = (False, True, False, True)

    def silences(self, theta: Floats, users: Visits) -> tuple[Floats, Floats]:
        """Return as ``Leaving.silences``."""
        return btyd_pareto.silences(theta, *users)

    def ahead(self, theta: Floats, users: Visits, horizons: Floats) -> Floats:
        """Return as ``Leaving.ahead``: the rate of visits times the expected time until leaving."""
        r, alpha, s, beta = theta
        rate = (r + users.frequency) / (alpha + users.age)
        known = (beta + users.age)[:, None]
        log_growth = np.log1p(horizons / known)  # (n_users, n_horizons)
        return rate[:, None] * known * log_growth * mean_exponential((1 - s) * log_growth)

    def objective(self, users: Visits, weight: Floats) -> Objective:
        """Return as ``Leaving.objective``."""
        visits, n_users = exceeding(users.frequency, weight), weight.sum()

        def log_likelihood(theta: Floats) -> tuple[float, Floats]:
            r, alpha, _, _ = theta
            silence, slope = btyd_pareto.summed(theta, *users, weight)
            come, by_r = rising(r, visits)
            slope += np.array([by_r + n_users * np.log(alpha), n_users * r / alpha, 0.0, 0.0])
            return silence + come + n_users * r * np.log(alpha), slope

        return log_likelihood

    def ends(self, theta: Floats, n_users: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw as ``Leaving.ends``."""
        _, _, s, beta = theta
        leaves = rng.exponential(size=n_users) / np.maximum(rng.gamma(s, 1 / beta, n_users), TINY)
        return np.full(n_users, np.inf), leaves


def rising(z: float, exceed: Floats) -> tuple[float, float]:
    """Return the logarithm of z (z + 1) ... summed over users, and its derivative; ``exceed`` as ``exceeding``."""
    terms = z + np.arange(exceed.size)
    return float(exceed @ np.log(terms)), float(exceed @ (1 / terms))


def mean_exponential(x: Floats) -> Floats:
    """Return the mean of exp over [0, x]: (exp(x) - 1) / x, and 1 at 0."""
    apart = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.expm1(apart) / apart)
