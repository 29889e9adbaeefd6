"""How much the forecasts of the nodes of a hierarchy err, from a backtest: what reconciliation weighs them by."""

from __future__ import annotations

import numpy as np

from foretide.forecast.hierarchy import Hierarchy
from foretide.schema import Floats


def error_variances(errors: Floats) -> Floats:
    """Return the mean square of each node's errors, ``(n_nodes, ...)``, in sample or of a backtest; NaN if none."""
    squares = errors.reshape(len(errors), -1) ** 2
    count = (~np.isnan(squares)).sum(axis=1)
    return np.where(count > 0, np.nansum(squares, axis=1) / np.maximum(count, 1), np.nan)


def joint_variances(hierarchy: Hierarchy, errors: Floats) -> Floats:
    r"""Return ``error_variances``, each level's times how much more its errors add up to than if they were independent.

    A day that is busy for one leaf is busy for others: their errors do not cancel in the sum, which ``wls_var`` would
    then trust too much. Over origins and steps t, level l counts with :math:`\max(1, \sum_t (\sum_i e_{it})^2 /
    \sum_t \sum_i e_{it}^2)`.

    Parameters
    ----------
    hierarchy
        Of ``n_nodes``.
    errors
        ``(n_nodes, ...)``, NaN where there is none.
    """
    variances = error_variances(errors)
    known = np.nan_to_num(errors.reshape(len(errors), -1))
    for at in hierarchy.slices[1:]:
        apart = float((known[at] ** 2).sum())
        if apart > 0:
            variances[at] *= max(float((known[at].sum(axis=0) ** 2).sum()) / apart, 1.0)
    return variances
