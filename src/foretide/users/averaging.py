"""Averages of what several models told: the weights that would have told best.

Log-odds of no activity are averaged with weights of their own, and so are expected active days. Weights are not
negative, add up to 1 and are drawn to equal ones. Weights that need not add up to 1, and a constant beside them, follow
the past more closely and were worse in the future: how much there is to come in a population changes faster than who
it comes from.

References
----------
Breiman (1996), Stacked regressions, Machine Learning 24.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import expit

from foretide.schema import Floats

#: Weight of the squared distance to equal weights, against the mean loss of a user.
PULL = 0.01
#: Fewer users than this tell nothing about weights: all members count alike.
LEAST_USERS = 30

Loss = Callable[[Floats], tuple[Floats, Floats]]


class Told(NamedTuple):
    """What members tell of users, ``(n_members, n_users)`` each."""

    odds: Floats  # log-odds of no activity
    days: Floats  # expected active days


class Weights(NamedTuple):
    """Shares of the members, ``(n_members,)`` each; they add up to 1."""

    odds: Floats
    days: Floats


def fit_weights(answers: Told, seen: pl.DataFrame) -> Weights:
    """Return the weights that would have told best what was seen, ``inactive, active_days_ahead`` of each user."""
    idle = seen["inactive"].to_numpy().astype(np.float64)
    happened = seen["active_days_ahead"].to_numpy().astype(np.float64)

    def log_loss(odds: Floats) -> tuple[Floats, Floats]:
        return np.logaddexp(0.0, odds) - idle * odds, expit(odds) - idle

    def squared(days: Floats) -> tuple[Floats, Floats]:
        return (days - happened) ** 2 / spread, 2 * (days - happened) / spread

    spread = happened.var() or 1.0  # days count in units of it, so that the pull weighs the same
    return Weights(averaged(answers.odds, log_loss), averaged(answers.days, squared))


def equal(n_members: int) -> Weights:
    """Return the weights of members that count alike."""
    return Weights(*np.full((2, n_members), 1 / n_members))


def averaged(answers: Floats, loss: Loss) -> Floats:
    """Return weights of answers ``(n_members, n_users)`` that are not negative and add up to 1.

    Parameters
    ----------
    answers
        What the members told.
    loss
        The loss of each user for an average ``(n_users,)``, and its slope.
    """
    from scipy.optimize import minimize

    alike = np.full(len(answers), 1 / len(answers))

    def total(weights: Floats) -> tuple[float, Floats]:
        value, slope = loss(weights @ answers)
        away = weights - alike
        return float(value.mean() + PULL * away @ away), answers @ slope / len(slope) + 2 * PULL * away

    sums_to_one = {"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like}
    found = minimize(total, alike, jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * len(alike), constraints=sums_to_one)
    return np.clip(found.x, 0.0, 1.0) / np.clip(found.x, 0.0, 1.0).sum()


def log_losses(odds: Floats, idle: Floats) -> Floats:
    """Return the mean log-loss of log-odds ``(..., n_users)``."""
    return (np.logaddexp(0.0, odds) - idle * odds).mean(axis=-1)


def weighed(answers: Told, seen: pl.DataFrame, rng: np.random.Generator) -> Weights:
    """Return the fitted weights, or the best member alone if they do not hold on the other half of the users.

    Of fewer than ``LEAST_USERS`` users nothing is learnt: the weights are equal.
    """
    if seen.height < LEAST_USERS:
        return equal(len(answers.odds))
    halves = np.array_split(rng.permutation(seen.height), 2)
    idle = seen["inactive"].to_numpy().astype(np.float64)
    alone = log_losses(answers.odds, idle)
    both = 0.0
    for mine, others in (halves, halves[::-1]):
        weights = fit_weights(Told(answers.odds[:, mine], answers.days[:, mine]), seen[mine])
        both += float(log_losses(weights.odds @ answers.odds[:, others], idle[others])) * len(others) / len(idle)
    if both < alone.min():
        return fit_weights(answers, seen)
    best = (np.arange(len(alone)) == alone.argmin()).astype(np.float64)
    return Weights(best, best)
