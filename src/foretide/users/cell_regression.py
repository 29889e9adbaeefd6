"""A penalised logistic regression on counts of cells: its cost does not grow with the users in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretide.schema import Floats
from foretide.users.cell_covariates import design

#: Steps of Newton's method, how often one is halved, and the relative gain in likelihood at which it ends.
MAX_STEPS, HALVINGS, TOLERANCE = 50, 20, 1e-8
#: Log-odds beyond which a chance is not told from zero or one.
FARTHEST = 30.0


def regression(n: Floats, y: Floats) -> Floats:
    """Return the chance of each cell by a penalised logistic regression on ``y`` successes in ``n`` trials."""
    x, penalty = design(n)
    seen = n > 0
    fit = Fit(x[seen], n[seen], y[seen], penalty)
    beta = np.zeros(x.shape[1])
    beta[0] = np.log((y.sum() + 0.5) / (n.sum() - y.sum() + 0.5))
    for _ in range(MAX_STEPS):
        better = fit.improved(beta)
        if fit.loss(beta) - fit.loss(better) < TOLERANCE * abs(fit.loss(beta)):
            break
        beta = better
    return logistic(x @ beta)


@dataclass(frozen=True)
class Fit:
    """A penalised logistic regression on counts."""

    x: Floats  # (n_cells, n_covariates)
    n: Floats  # (n_cells,)
    y: Floats  # (n_cells,)
    penalty: Floats  # (n_covariates,)

    def loss(self, beta: Floats) -> float:
        """Return the negative log-likelihood with the penalty."""
        z = self.x @ beta
        return float(np.sum(self.n * np.logaddexp(0.0, z) - self.y * z) + 0.5 * np.sum(self.penalty * beta**2))

    def improved(self, beta: Floats) -> Floats:
        """Return the coefficients after a step of Newton, halved until it does not make things worse."""
        p = logistic(self.x @ beta)
        slope = self.x.T @ (self.y - self.n * p) - self.penalty * beta
        curvature = (self.x.T * (self.n * p * (1 - p))) @ self.x + np.diag(self.penalty)
        step = np.linalg.solve(curvature, slope)
        for _ in range(HALVINGS):
            if self.loss(beta + step) <= self.loss(beta):
                return beta + step
            step = step / 2
        return beta


def logistic(z: Floats) -> Floats:
    """Return 1 / (1 + exp(-z))."""
    return 1.0 / (1.0 + np.exp(-np.clip(z, -FARTHEST, FARTHEST)))
