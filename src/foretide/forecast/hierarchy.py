"""Series and what they add up to: levels from the total down to the leaves, nested or crossing each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from foretide.errors import UsageError
from foretide.forecast.method import carried
from foretide.schema import Floats, Panel

TOTAL, LEAVES = "total", "unique_id"


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
        if TOTAL in table[LEAVES].cast(pl.String):
            raise UsageError(f"a leaf of the hierarchy is called {TOTAL}, as the sum of all is; rename it")
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

        What is missing inside a leaf is taken for the value before it, so that no sum falls because a leaf is unknown.

        Raises
        ------
        UsageError
            If the panel lacks a leaf, or has a series that is none.
        """
        at = {name: i for i, name in enumerate(leaves.ids)}
        if missing := [name for name in self.ids[-1] if name not in at]:
            raise UsageError(
                f"{len(missing)} leaves of the hierarchy have no series, the first is {missing[0]}; leave them out"
            )
        if homeless := sorted(set(leaves.ids) - set(self.ids[-1])):
            raise UsageError(
                f"{len(homeless)} series have no row in the hierarchy, the first is {homeless[0]}; give each one"
            )
        y = leaves.y[[at[name] for name in self.ids[-1]]]
        y = carried(np.where(np.isfinite(y), y, np.nan))
        known = self.aggregate((~np.isnan(y)).astype(np.float64)) > 0
        return Panel(self.names, leaves.dates, np.where(known, self.aggregate(np.nan_to_num(y)), np.nan))
