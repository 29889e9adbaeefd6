r"""Least squares over the leaves of a hierarchy, weighed by a variance of each node, without a dense matrix.

In a tree it takes two passes: upwards each node's own forecast is weighed with the sum of its children's, of
variance :math:`U`,

.. math:: m = (\hat y / v + \textstyle\sum m_c / U) / (1/v + 1/U), \quad u = 1 / (1/v + 1/U), \quad U = \sum u_c,

and downwards what a parent got beyond that sum is shared out by :math:`u_c / U`. Where levels cross, with
:math:`C` the rows of :math:`S` of the aggregates, :math:`W_a + C W_b C'` is solved, which is as large as there are
aggregates.

References
----------
Hyndman, Lee, Wang (2016), Fast computation of reconciled forecasts for hierarchical and grouped time series, CSDA 97.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu

from foretide.forecast.hierarchy import Hierarchy
from foretide.schema import Floats


def slope(hierarchy: Hierarchy, errors: Floats, variance: Floats) -> Floats:
    """Return half the derivative of the weighted squared error by each leaf, ``(n_leaves, n)``."""
    weighted = errors / variance
    n_above = hierarchy.slices[-1].start
    return hierarchy.aggregates.T @ weighted[:n_above] + weighted[n_above:]


def solve(hierarchy: Hierarchy, base: Floats, variance: Floats, held: NDArray[np.bool_] | None = None) -> Floats:
    """Return the reconciled nodes, leaves that are held at zero, ``(n_leaves, n)``."""
    if hierarchy.steps is not None:
        return hierarchy.aggregate(solve_tree(hierarchy, hierarchy.steps, base, variance, held))
    if held is None:
        return hierarchy.aggregate(solve_crossed(hierarchy, base, variance[:, 0]))
    free = variance[hierarchy.slices[-1]] * ~held
    start = base[hierarchy.slices[-1]] * ~held
    above = hierarchy.slices[-1].start
    columns = [
        solve_crossed(
            hierarchy,
            np.concatenate([base[:above, [j]], start[:, [j]]]),
            np.concatenate([variance[:above, 0], free[:, j]]),
        )
        for j in range(base.shape[1])
    ]
    return hierarchy.aggregate(np.concatenate(columns, axis=1)) if columns else base


def solve_tree(
    hierarchy: Hierarchy, steps: tuple[Any, ...], base: Floats, variance: Floats, held: NDArray[np.bool_] | None
) -> Floats:
    """Return the leaves by one pass up and one down, ``(n_leaves, n)``."""
    leaves = hierarchy.slices[-1]
    free = 1.0 if held is None else (~held).astype(np.float64)
    best, spread = [base[leaves] * free], [variance[leaves] * free]
    sums: list[tuple[Floats, Floats]] = []
    for step, at in zip(steps[::-1], hierarchy.slices[-2::-1], strict=True):
        total, doubt = step @ best[-1], step @ spread[-1]
        share = doubt / (doubt + variance[at])  # how much the node's own forecast counts
        best.append(total + share * (base[at] - total))
        spread.append(doubt * (1.0 - share))
        sums.append((total, doubt))
    told = best.pop()
    spread.pop()
    for step, (total, doubt) in zip(steps, sums[::-1], strict=True):
        beyond = np.where(doubt > 0, (told - total) / np.where(doubt > 0, doubt, 1.0), 0.0)
        told = best.pop() + spread.pop() * (step.T @ beyond)
    return told


def solve_crossed(hierarchy: Hierarchy, base: Floats, variance: Floats) -> Floats:
    """Return the leaves: base and what the aggregates say beyond their sum, ``(n_leaves, n)``."""
    above, sums = hierarchy.slices[-1].start, hierarchy.aggregates
    spread = sums * variance[above:]  # C W_b
    system = csc_array(spread @ sums.T + diags_array(variance[:above]))
    return base[above:] + spread.T @ splu(system).solve(base[:above] - sums @ base[above:])
