"""Logistic regression with a ridge penalty, the same in all outlook models."""

from __future__ import annotations

from typing import Any

import numpy as np

from foretide.schema import Floats

#: Inverse strength of the ridge penalty (scikit-learn's C).
PENALTY_C = 0.01
#: A mark (0 or 1) that fewer than one row in a hundred bears is scaled as if so many bore it. Otherwise the penalty, on
#: standardised marks, would let a single user of a rare stage decide about all who are in it.
LEAST_SPREAD = 0.1


def logistic(x: Floats, share: Floats, penalty_c: float = PENALTY_C) -> Any:
    """Fit a logistic regression to shares in [0, 1]: each row is a success and a failure, weighted.

    Where all shares are 1, or all 0, half a row is taken to be otherwise: what was never seen is not impossible.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n = len(share)
    if not (share.any() and (1 - share).any()):
        share = (n * share + 0.5) / (n + 1)
    weight = np.concatenate([share, 1 - share])
    rows = np.flatnonzero(weight)
    scaler = StandardScaler().fit(x)
    marks = ((x == 0) | (x == 1)).all(axis=0)
    scaler.scale_[marks] = np.maximum(scaler.scale_[marks], LEAST_SPREAD)
    model = LogisticRegression(C=penalty_c, solver="newton-cholesky")
    model.fit(scaler.transform(x)[rows % n], rows < n, sample_weight=weight[rows])
    return make_pipeline(scaler, model)
