"""How far luck alone moves what a what-if changes: the same question put to populations in which everybody walks once.

A what-if tells the mean of many walks of each user. In the one future that comes each user walks once, so the number of
users that a change wins is spread around that mean. The doubt whether the model is right is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from foretide.schema import Floats
from foretide.users.stages import Basis, StageOutlook
from foretide.users.walk import Push, Setting, flows
from foretide.users.whatif import pushed

#: Populations that are looked at, and the first of their seeds, none of which is that of an outlook.
DRAWS, FIRST_SEED = 20, 1_000
#: Two-sided 80 % point of the normal distribution.
Z_80 = 1.281552

ACTIVE_IF = pl.Schema(
    {
        "active": pl.Float64(),  # users who are not churned at the end of the horizon
        "active_if": pl.Float64(),
        "difference": pl.Float64(),
        "lo": pl.Float64(),  # 80 % interval of the difference, by the luck of single users
        "hi": pl.Float64(),
    }
)


def active_if(outlook: StageOutlook, pushes: Sequence[Push]) -> pl.DataFrame:
    """Return ``ACTIVE_IF``: the active users at the end of the horizon as expected, and under each push.

    Parameters
    ----------
    outlook
        What is expected.
    pushes
        The changes, a row each.
    """
    usual = active_at_end(outlook.basis)
    then = np.array([active_at_end(pushed(outlook.basis, push)) for push in pushes])
    won, reach = then - usual, Z_80 * spread_of_differences(outlook, pushes)
    return pl.DataFrame([np.full(len(then), usual), then, won, won - reach, won + reach], schema=ACTIVE_IF)


def active_at_end(basis: Basis) -> float:
    """Return the users who are not churned at the end of a forecast."""
    return float(basis.total[-1] * basis.mix[-1, :-1].sum())


def spread_of_differences(outlook: StageOutlook, pushes: Sequence[Push], draws: int = DRAWS) -> Floats:
    """Return the standard deviation of the users that each push wins by the end of the horizon, ``(n_pushes,)``.

    Users who are not churned are counted. Who arrives is walked in fractions of a user, so the spread is at least that
    of a count of the users won.

    Parameters
    ----------
    outlook
        What is expected.
    pushes
        The changes.
    draws
        Populations to look at, at least 2.
    """
    start = outlook.basis.setting
    won = np.array([won_by(replace(start, seed=FIRST_SEED + 2 * draw), pushes) for draw in range(draws)])
    stands_for = start.weights.mean() if start.weights.size else 1.0  # of a sample each stands for several users
    return np.sqrt(np.maximum(won.var(axis=0, ddof=1) / max(stands_for, 1.0), np.abs(won.mean(axis=0))))


def won_by(start: Setting, pushes: Sequence[Push]) -> Floats:
    """Return the users that each push wins in one population, ``(n_pushes,)``."""
    usual = staying(flows(start, n_walks=1))
    return np.array([staying(flows(start, push, n_walks=1)) - usual for push in pushes])


def staying(walked: Floats) -> float:
    """Return the users who are not churned at the end of flows ``(h, N_PLACES, N_PLACES)``."""
    return float(walked[-1].sum(axis=0)[1:-1].sum())
