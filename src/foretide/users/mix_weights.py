"""How much each forecast of the stage mix counts: by the errors of all stages at earlier origins, together.

One weight a model, the same for all stages, so that shares stay shares. Weights are the inverse of the mean squared
error. Finer ones (with the errors' correlations, by stage, by day ahead) did worse: an origin every fortnight teaches
little. Equal weights, weights drawn to them, and taking off the mean error of earlier origins were no better.

References
----------
Bates, Granger (1969), The combination of forecasts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foretide.schema import Floats

MODELS = ("walks", "chain", "series")
TOGETHER = "together"
#: Weights where nothing was tried yet; each origin that was tried takes from their say.
PRIOR = np.array([0.80, 0.19, 0.01])
#: Of a squared error of shares: where nothing was ever missed, nobody counts for all.
TINY = 1e-12


def weights_of_models(told: Sequence[Floats], happened: Sequence[Floats]) -> Floats:
    """Return the weights of the models, ``(n_models,)``, adding up to one.

    Parameters
    ----------
    told
        Of each origin, the mixes of the models, ``(n_models, h, n_stages)``.
    happened
        Of each origin, the mix that came, ``(h, n_stages)``.
    """
    if not told:
        return PRIOR
    errors = np.array(told) - np.array(happened)[:, None]  # (n_origins, n_models, h, n_stages)
    squares = np.mean(errors**2, axis=(0, 2, 3)) + TINY
    weights = PRIOR ** (1.0 / (1 + len(told))) / squares
    return weights / weights.sum()


def mixed(weights: Floats, told: Floats) -> Floats:
    """Return the weighted mix ``(h, n_stages)`` of the mixes ``(n_models, h, n_stages)``."""
    return np.tensordot(weights, told, axes=1)


def honest_mixes(told: Sequence[Floats], happened: Sequence[Floats], origins: Sequence[int], h: int) -> list[Floats]:
    """Return the mix that would have been told at each origin, with weights from horizons that were over by then."""
    mixes = []
    for origin, mine in zip(origins, told, strict=True):
        over = [k for k, earlier in enumerate(origins) if earlier + h <= origin]
        mixes.append(mixed(weights_of_models([told[k] for k in over], [happened[k] for k in over]), mine))
    return mixes
