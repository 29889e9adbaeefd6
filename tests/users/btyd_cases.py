"""Models and users that the tests of buy-till-you-die models share."""

import numpy as np
import pytest

from foretide.users.btyd import BUY_TILL_YOU_DIE
from foretide.users.btyd_simulation import simulate

#: Parameters that the papers give for the 2,357 customers of the CDNOW sample, in weeks.
PUBLISHED = {
    "BG/NBD": (0.2426, 4.4136, 0.7929, 2.4259),
    "MBG/NBD": (0.525, 6.183, 0.891, 1.614),
    "Pareto/NBD": (0.553, 10.578, 0.606, 11.669),
}
KINDS = pytest.mark.parametrize("name", BUY_TILL_YOU_DIE)


def with_parameters(name, theta):
    model = BUY_TILL_YOU_DIE[name]()
    model.theta_ = np.array(theta)
    return model


def some_users(n=200, seed=0):
    return simulate(with_parameters("BG/NBD", PUBLISHED["BG/NBD"]), np.linspace(5, 60, n), seed)
