r"""Forecasts that add up: every level of a hierarchy from the same reconciled leaves.

With base forecasts :math:`\hat y` of all nodes, error variances :math:`W = \mathrm{diag}(v)` and the summing matrix
:math:`S`, the reconciled forecast is

.. math:: \tilde y = S\,(S' W^{-1} S)^{-1} S' W^{-1} \hat y,

which leaves what adds up as it is and keeps unbiased forecasts unbiased (``reconcile_solvers``).

References
----------
Wickramasuriya, Athanasopoulos, Hyndman (2019), Optimal forecast reconciliation for hierarchical and grouped time
series through trace minimization, JASA 114.
Wickramasuriya, Turlach, Hyndman (2020), Optimal non-negative forecast reconciliation, Statistics and Computing 30.
"""

from __future__ import annotations

import numpy as np

from foretide.errors import UsageError
from foretide.forecast.hierarchy import Hierarchy
from foretide.forecast.reconcile_solvers import slope, solve
from foretide.schema import Floats

#: Variances below this share of the mean of their level are not believed: a leaf of zeros is not certain.
LEAST_VARIANCE_SHARE = 1e-4
#: Rounds of setting negative leaves to zero and letting go of those that would rise again.
MOST_ROUNDS = 30


def bottom_up(hierarchy: Hierarchy, base: Floats) -> Floats:
    """Return the sums of the leaves' base forecasts, not below zero; ``base`` and result ``(n_nodes, h)``."""
    return hierarchy.aggregate(np.maximum(_checked(hierarchy, base)[hierarchy.slices[-1]], 0.0))


def wls_struct(hierarchy: Hierarchy, base: Floats, *, nonnegative: bool = True) -> Floats:
    """Return the reconciled forecasts if every leaf errs alike and on its own: a node's variance is its size.

    Parameters
    ----------
    hierarchy
        Of ``n_nodes``.
    base
        Means of all nodes, ``(n_nodes, h)``; medians do not add up.
    nonnegative
        Whether the leaves, and so all nodes, are kept from falling below zero.

    Raises
    ------
    UsageError
        If the shape is another one or a forecast is missing.
    """
    return _reconcile(hierarchy, base, hierarchy.aggregate(np.ones((hierarchy.n_leaves, 1))), nonnegative)


def wls_var(hierarchy: Hierarchy, base: Floats, variances: Floats, *, nonnegative: bool = True) -> Floats:
    """Return the forecasts reconciled by the error variance of each node, ``(n_nodes,)``; otherwise ``wls_struct``.

    Variances are those of ``error_variances``, of ``joint_variances`` or of one's own; one that is not known is taken
    to be its level's mean.
    """
    if variances.shape != (hierarchy.n_nodes,) or (variances < 0).any():
        raise UsageError(f"the variances must be {hierarchy.n_nodes} numbers of at least zero, one a node")
    believed = np.empty(hierarchy.n_nodes)
    for at in hierarchy.slices:
        some = variances[at][np.isfinite(variances[at])]
        usual = float(some.mean()) if some.size and some.any() else 1.0
        believed[at] = np.maximum(
            np.where(np.isfinite(variances[at]), variances[at], usual), LEAST_VARIANCE_SHARE * usual
        )
    return _reconcile(hierarchy, base, believed[:, None], nonnegative)


def _checked(hierarchy: Hierarchy, base: Floats) -> Floats:
    if base.ndim != 2 or len(base) != hierarchy.n_nodes:
        raise UsageError(f"base forecasts of {hierarchy.n_nodes} nodes are needed, (n_nodes, h), not {base.shape}")
    if not np.isfinite(base).all():
        raise UsageError("a base forecast is missing; every node of the hierarchy needs one")
    return base


def _reconcile(hierarchy: Hierarchy, base: Floats, variance: Floats, nonnegative: bool) -> Floats:
    """Solve; with ``nonnegative`` by an active set, a column at a time where it is needed, ``variance`` (n_nodes, 1).

    Leaves that come out negative are held at zero. When none is, those are let go whose multiplier says that the
    squared error falls if they rise; when there is none of these either, it is the constrained optimum.
    """
    told = solve(hierarchy, _checked(hierarchy, base), variance)
    if not nonnegative:
        return told
    leaves = hierarchy.slices[-1]
    scale = 1e-9 * np.abs(base).max(initial=0.0)
    open_columns = np.flatnonzero((told[leaves] < -scale).any(axis=0))
    held = np.zeros((hierarchy.n_leaves, open_columns.size), dtype=bool)
    for round_ in range(MOST_ROUNDS):
        if not open_columns.size:
            break
        wanted = base[:, open_columns]
        below = told[leaves, open_columns] < -scale
        push = slope(hierarchy, told[:, open_columns] - wanted, variance)
        rising = held & (push < -1e-9 * np.abs(push).max())
        settled = ~below.any(axis=0)
        release = settled & rising.any(axis=0) & (round_ < MOST_ROUNDS // 2)
        held = (held | below) & ~(rising & release)
        going = ~settled | release
        open_columns, held = open_columns[going], held[:, going]
        told[:, open_columns] = solve(hierarchy, base[:, open_columns], variance, held)
    return hierarchy.aggregate(np.maximum(told[leaves], 0.0))
