"""What grows as users and names come: a row or a code for each, and arrays with room for more."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from foretide.features.state import Events
from foretide.features.user_events import Ints, Longs

#: Arrays grow by this factor.
GROWTH = 1.125


def rows_for(known: dict[str, int], names: Iterable[str]) -> Longs:
    """Return a row for each name; new ones come after the known."""
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def translate(codes: Ints, names: pl.Series, known: dict[str, int]) -> None:
    """Replace codes that count from the names of a frame by those of all names, in place."""
    if len(names):
        table = np.append(rows_for(known, names), -1).astype(np.int32)  # -1 finds the last
        codes[:] = table[codes]


def longer(array: Events, n: int) -> Events:
    """Return an array with room for n rows or more, zeros after those that are there."""
    grown = np.zeros((max(n, int(array.shape[0] * GROWTH)), *array.shape[1:]), array.dtype)
    grown[: array.shape[0]] = array
    return grown
