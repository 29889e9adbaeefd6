"""How far luck alone moves what a what-if changes: the same question put to populations in which everybody walks once.

A what-if tells the mean of many walks of each user. In the one future that comes each user walks once, so the number of
users that a change wins is spread around that mean. The doubt whether the model is right is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foretide.schema import Floats
from foretide.users.stages import StageOutlook
from foretide.users.walk import Push, Setting, flows

#: Populations that are looked at, and the first of their seeds, none of which is that of an outlook.
DRAWS, FIRST_SEED = 20, 1_000


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
