"""What the log-odds of a chance of no activity are made of, whichever model tells it.

Each user has a base and parts beside it that add up to the log-odds. Where a model has nothing but the rate of a user's
stage, that rate is the only part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import logit

from foretide.schema import Floats
from foretide.users.rates import Rates

Longs = NDArray[np.int64]

#: The part of users who get the rate of their stage, and of what sets users with a model of their own apart from all.
STAGE_RATE = "stage_rate"


class Contributions(NamedTuple):
    """What makes the log-odds of a chance: for each user, base and parts add up to them."""

    names: list[str]  # of the parts; several parts may have the same name
    parts: Floats  # (n_users, n_parts)
    base: Floats  # (n_users,)


def of_rates(rates: Rates, users: pl.DataFrame, horizon_days: int, names: list[str]) -> Contributions:
    """Return the contributions where users get the rate of their stage: ``STAGE_RATE`` after ``names``, all zero."""
    base = float(logit(rates.population(horizon_days)))
    parts = np.zeros((users.height, len(names) + 1))
    parts[:, -1] = logit(rates.predict(users, horizon_days)[0]) - base
    return Contributions([*names, STAGE_RATE], parts, np.full(users.height, base))


def fill_group(told: Contributions, rows: Longs, parts: Floats, usual: Floats | float) -> None:
    """Fill in users who have a model of their own, in place; the base stays that of all users.

    Parameters
    ----------
    told
        Contributions as of ``of_rates``.
    rows
        Who they are, ``(n_rows,)``.
    parts
        Of their model, ``(n_rows, n_parts - 1)``.
    usual
        Log-odds of the usual one of them; by how much these differ from those of all is ``STAGE_RATE``.
    """
    told.parts[rows, :-1] = parts
    told.parts[rows, -1] = usual - told.base[rows]
