"""The search for the most likely parameters of a buy-till-you-die model.

A sample of the distinct users finds the place and the curvature of the maximum; with these, a few evaluations for all
users reach it to the last digit. A million users cost little more than one pass over them for each of these few.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foretide.schema import Floats
from foretide.users.btyd_leaving import Leaving, Objective
from foretide.users.btyd_summaries import Visits

#: Distinct users in the sample, about.
SAMPLE = 10_000
#: In the search no parameter is further than exp(12), 160,000 times, from where it is drawn to.
LARGEST_LOG = 12.0
#: Step of the differences that give the curvature, in log-parameters.
STEP = 1e-4
#: Directions that are flatter than this, relative to the steepest, are taken for that steep.
FLATTEST = 1e-7
#: The last steps end when log-parameters move less than this, or after so many.
CLOSE = 1e-9
MOST_STEPS = 50
#: By how much a curvature that proved too flat is raised.
STEEPER = 4.0

#: Loss a user and its gradient, by the log-parameters relative to where the penalty pulls to.
Loss = Callable[[Floats], tuple[float, Floats]]


def most_likely(
    leaving: Leaving, users: Visits, weight: Floats, centre: Floats, penalty: float
) -> tuple[Floats, float]:
    """Return the parameters with the largest penalised likelihood, and their log-likelihood without the penalty.

    Parameters
    ----------
    leaving
        Which model.
    users, weight
        Distinct users, sorted, and how many each row stands for.
    centre
        Where the search begins, and where the penalty pulls to, ``(4,)``.
    penalty
        Half of it times the squared logarithms of ``theta / centre`` is taken off the log-likelihood.
    """
    pull = penalty / weight.sum()
    every = slice(None, None, max(1, weight.size // SAMPLE))
    sample = leaving.objective(Visits(*(column[every] for column in users)), weight[every])
    objective = leaving.objective(users, weight)
    rough = loss_of(sample, centre, pull, weight[every].sum())
    place = searched(rough)
    place = polished(loss_of(objective, centre, pull, weight.sum()), place, curvature(rough, place))
    theta = centre * np.exp(place)
    return theta, objective(theta)[0]


def loss_of(objective: Objective, centre: Floats, pull: float, n_users: float) -> Loss:
    """Return the penalised loss a user."""

    def loss(logs: Floats) -> tuple[float, Floats]:
        theta = centre * np.exp(logs)
        value, slope = objective(theta)
        return pull / 2 * float(logs @ logs) - value / n_users, pull * logs - slope * theta / n_users

    return loss


def searched(loss: Loss) -> Floats:
    """Return about where a loss is least, ``(4,)``, by L-BFGS from the centre."""
    from scipy.optimize import minimize

    bounds = [(-LARGEST_LOG, LARGEST_LOG)] * 4
    options = {"ftol": 1e-13, "gtol": 1e-9, "maxiter": 1000}
    return minimize(loss, np.zeros(4), jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def curvature(loss: Loss, place: Floats) -> Floats:
    """Return the second derivatives of a loss, made positive definite, ``(4, 4)``."""
    steps = STEP * np.eye(4)
    raw = np.array([loss(place + step)[1] - loss(place - step)[1] for step in steps]) / (2 * STEP)
    steepness, directions = np.linalg.eigh((raw + raw.T) / 2)
    steepness = np.maximum(steepness, FLATTEST * max(steepness.max(), CLOSE))
    return (directions * steepness) @ directions.T


def polished(loss: Loss, place: Floats, curved: Floats) -> Floats:
    """Return where a loss is least, from a place nearby, by Newton steps with a curvature that is not renewed.

    Where it proves too flat, as a step leads up, it is taken for steeper.
    """
    least, slope = loss(place)
    for _ in range(MOST_STEPS):
        step = -np.linalg.solve(curved, slope)
        if np.abs(step).max() < CLOSE:
            break
        value, next_slope = loss(place + step)
        if value <= least:
            place, least, slope = place + step, value, next_slope
        else:
            curved = STEEPER * curved
    return place
