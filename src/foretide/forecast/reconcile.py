r"""Forecasts that add up: every level of a hierarchy from the same reconciled leaves.

With base forecasts :math:`\hat y` of all nodes, error variances :math:`W = \mathrm{diag}(v)` and the summing matrix
:math:`S`, the reconciled forecast is

.. math:: \tilde y = S\,(S' W^{-1} S)^{-1} S' W^{-1} \hat y,

which leaves what adds up as it is and keeps unbiased forecasts unbiased. No dense matrix is made. In a tree it takes
two passes: upwards each node's own forecast is weighed with the sum of its children's, of variance :math:`U`,

.. math:: m = (\hat y / v + \textstyle\sum m_c / U) / (1/v + 1/U), \quad u = 1 / (1/v + 1/U), \quad U = \sum u_c,

and downwards what a parent got beyond that sum is shared out by :math:`u_c / U`. Where levels cross, with
:math:`C` the rows of :math:`S` of the aggregates, :math:`W_a + C W_b C'` is solved, which is as large as there are
aggregates.

References
----------
Wickramasuriya, Athanasopoulos, Hyndman (2019), Optimal forecast reconciliation for hierarchical and grouped time
series through trace minimization, JASA 114.
Wickramasuriya, Turlach, Hyndman (2020), Optimal non-negative forecast reconciliation, Statistics and Computing 30.
Hyndman, Lee, Wang (2016), Fast computation of reconciled forecasts for hierarchical and grouped time series, CSDA 97.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from foretide.errors import UsageError
from foretide.schema import Floats, Panel

TOTAL, LEAVES = "total", "unique_id"
#: Variances below this share of the mean of their level are not believed: a leaf of zeros is not certain.
LEAST_VARIANCE_SHARE = 1e-4
#: Rounds of setting negative leaves to zero and letting go of those that would rise again.
MOST_ROUNDS = 30


@dataclass(frozen=True)
class Hierarchy:
    """Leaves and what they add up to, the total first, then each level from coarse to fine, the leaves last."""

    levels: tuple[str, ...]  # names: total, ..., unique_id
    ids: tuple[tuple[str, ...], ...]  # of each level's nodes
    codes: tuple[NDArray[np.int64], ...]  # (n_leaves,) for each level: the node that a leaf belongs to

    @classmethod
    def from_table(cls, table: pl.DataFrame, levels: Sequence[str] | None = None) -> Hierarchy:
        """Return the hierarchy of a table of leaves.

        Parameters
        ----------
        table
            One row a leaf: ``unique_id`` and, for each level, what it belongs to.
        levels
            Columns to add up by, in any order; all others by default. They may be nested or cross each other.

        Raises
        ------
        UsageError
            If there is no leaf, a leaf is there twice, or it is not told what one belongs to.
        """
        names = [name for name in table.columns if name != LEAVES] if levels is None else list(levels)
        if missing := [name for name in (LEAVES, *names) if name not in table.columns]:
            raise UsageError(f"the table of the hierarchy has no column {missing[0]}; it has {table.columns}")
        if table.is_empty() or table[LEAVES].n_unique() < table.height:
            raise UsageError("a hierarchy needs a table with one row a leaf, each unique_id once")
        if gaps := [name for name in (LEAVES, *names) if table[name].null_count()]:
            raise UsageError(f"the column {gaps[0]} of the hierarchy has empty cells; name a group for these leaves")
        found = [np.unique(table[name].cast(pl.String).to_numpy().astype(str), return_inverse=True) for name in names]
        coarse_first = sorted(range(len(names)), key=lambda i: found[i][0].size)
        n = table.height
        return cls(
            (TOTAL, *(names[i] for i in coarse_first), LEAVES),
            ((TOTAL,), *(tuple(found[i][0].tolist()) for i in coarse_first), tuple(table[LEAVES].cast(pl.String))),
            (np.zeros(n, np.int64), *(found[i][1].astype(np.int64) for i in coarse_first), np.arange(n)),
        )

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return len(self.ids[-1])

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each level's nodes stand among all."""
        ends = np.cumsum([len(ids) for ids in self.ids]).tolist()
        return tuple(slice(end - len(ids), end) for end, ids in zip(ends, self.ids, strict=True))

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all levels."""
        return self.slices[-1].stop

    @property
    def names(self) -> list[str]:
        """Names of all nodes: ``level=id``, but for total and leaves."""
        middle = [f"{level}={i}" for level, ids in zip(self.levels[1:-1], self.ids[1:-1], strict=True) for i in ids]
        return [TOTAL, *middle, *self.ids[-1]]

    @cached_property
    def aggregates(self) -> Any:
        """The rows of the summing matrix above the leaves, sparse, ``(n_nodes - n_leaves, n_leaves)``."""
        n, above = self.n_leaves, self.n_nodes - self.n_leaves
        rows = np.concatenate([codes + at.start for codes, at in zip(self.codes[:-1], self.slices, strict=False)])
        columns = np.tile(np.arange(n), len(self.codes) - 1)
        return csr_array((np.ones(rows.size), (rows, columns)), shape=(above, n))

    @cached_property
    def steps(self) -> tuple[Any, ...] | None:
        """For each level but the last, the sparse sum over its children in the next one; None if levels cross."""
        steps = []
        for coarse, fine, ids, ids_below in zip(self.codes, self.codes[1:], self.ids, self.ids[1:], strict=False):
            parent = np.zeros(len(ids_below), np.int64)
            parent[fine] = coarse
            if not np.array_equal(parent[fine], coarse):
                return None
            size = len(ids_below)
            steps.append(csr_array((np.ones(size), (parent, np.arange(size))), shape=(len(ids), size)))
        return tuple(steps)

    def aggregate(self, leaves: Floats) -> Floats:
        """Return all nodes, ``(n_nodes, n)``, of the leaves, ``(n_leaves, n)``."""
        return np.concatenate([self.aggregates @ leaves, leaves])

    def panel(self, leaves: Panel) -> Panel:
        """Return the series of all nodes; one is NaN until the first of its leaves begins.

        Raises
        ------
        UsageError
            If the panel lacks a leaf.
        """
        at = {name: i for i, name in enumerate(leaves.ids)}
        if missing := [name for name in self.ids[-1] if name not in at]:
            raise UsageError(f"{len(missing)} leaves of the hierarchy have no series, the first is {missing[0]}")
        y = leaves.y[[at[name] for name in self.ids[-1]]]
        known = self.aggregate((~np.isnan(y)).astype(np.float64)) > 0
        return Panel(self.names, leaves.dates, np.where(known, self.aggregate(np.nan_to_num(y)), np.nan))


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
    told = _solve(hierarchy, _checked(hierarchy, base), variance)
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
        slope = _slope(hierarchy, told[:, open_columns] - wanted, variance)
        rising = held & (slope < -1e-9 * np.abs(slope).max())
        settled = ~below.any(axis=0)
        release = settled & rising.any(axis=0) & (round_ < MOST_ROUNDS // 2)
        held = (held | below) & ~(rising & release)
        going = ~settled | release
        open_columns, held = open_columns[going], held[:, going]
        told[:, open_columns] = _solve(hierarchy, base[:, open_columns], variance, held)
    return hierarchy.aggregate(np.maximum(told[leaves], 0.0))


def _slope(hierarchy: Hierarchy, errors: Floats, variance: Floats) -> Floats:
    """Return half the derivative of the weighted squared error by each leaf, ``(n_leaves, n)``."""
    weighted = errors / variance
    n_above = hierarchy.slices[-1].start
    return hierarchy.aggregates.T @ weighted[:n_above] + weighted[n_above:]


def _solve(hierarchy: Hierarchy, base: Floats, variance: Floats, held: NDArray[np.bool_] | None = None) -> Floats:
    """Return the reconciled nodes, leaves that are held at zero, ``(n_leaves, n)``."""
    if hierarchy.steps is not None:
        return hierarchy.aggregate(_solve_tree(hierarchy, hierarchy.steps, base, variance, held))
    if held is None:
        return hierarchy.aggregate(_solve_crossed(hierarchy, base, variance[:, 0]))
    free = variance[hierarchy.slices[-1]] * ~held
    start = base[hierarchy.slices[-1]] * ~held
    above = hierarchy.slices[-1].start
    columns = [
        _solve_crossed(
            hierarchy,
            np.concatenate([base[:above, [j]], start[:, [j]]]),
            np.concatenate([variance[:above, 0], free[:, j]]),
        )
        for j in range(base.shape[1])
    ]
    return hierarchy.aggregate(np.concatenate(columns, axis=1)) if columns else base


def _solve_tree(
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


def _solve_crossed(hierarchy: Hierarchy, base: Floats, variance: Floats) -> Floats:
    """Return the leaves: base and what the aggregates say beyond their sum, ``(n_leaves, n)``."""
    above, sums = hierarchy.slices[-1].start, hierarchy.aggregates
    spread = sums * variance[above:]  # C W_b
    system = csc_array(spread @ sums.T + diags_array(variance[:above]))
    return base[above:] + spread.T @ splu(system).solve(base[:above] - sums @ base[above:])
