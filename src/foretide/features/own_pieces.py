"""Features of your own: a small piece of the fold, compiled and driven like the built-in ones.

A piece is a record, how one event changes it, and what it says at a moment::

    import numpy as np
    from numba import njit
    from foretide.features.own_pieces import Piece

    @njit
    def update(state, event):
        if event.value > 100.0:
            state.n += 1
            state.last = event.ts

    @njit
    def values(state, as_of, today, out):
        out[0] = state.n
        out[1] = (as_of - state.last) / 86.4e9 if state.n else np.nan

    big = Piece(("big_purchases", "days_since_big"), np.dtype([("n", "i8"), ("last", "i8")]), update, values)
    feature_table(store, [as_of], pieces=[big])

``event`` is a record of ``state.EVENT``; its ``category``, ``item`` and ``hour`` are known if ``reads`` names the
themes ``interests``, ``items`` and ``habits``. Categories and items are numbered for each user in the order of their
first touch, -1 for none. Events of one moment come in the order of their ids. Nothing at or after ``as_of`` reaches
``update`` before ``values``. Pieces run in batch, here and on Spark; live states have the built-in features only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from foretide import compiled
from foretide.errors import UsageError
from foretide.features.lifecycle import State
from foretide.features.state import Events, Floats
from foretide.features.user_events import COLUMNS, Ints, Longs, UserEvents


@dataclass(frozen=True)
class Piece:
    """A feature, or several that share a state.

    Parameters
    ----------
    features
        Names of the columns.
    dtype
        The record; a user without events has zeros everywhere.
    update
        Compiled ``update(state, event)``, in place.
    values
        Compiled ``values(state, as_of, today, out)``: writes ``(n_features,)`` to ``out``; ``as_of`` in
        microseconds, ``today`` the local day of the last microsecond before it.
    reads
        Themes whose columns ``update`` looks at, of ``user_events.COLUMNS``.
    """

    features: tuple[str, ...]
    dtype: np.dtype[np.void]
    update: Callable[[State, State], None]
    values: Callable[[State, int, int, Floats], None]
    reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for theme in self.reads:
            if theme not in COLUMNS:
                raise UsageError(f"a piece reads of {', '.join(COLUMNS)}, not {theme!r}")


def run_piece(piece: Piece, events: UserEvents, cutoffs: tuple[Longs, Ints]) -> Floats:
    """Return a piece's features, ``(n_features, n_users, n_cutoffs)``, at cut-offs as ``ticks`` returns them."""
    at, today = cutoffs
    out = np.full((len(events.users), at.size, len(piece.features)), np.nan)
    mine = events.events.copy()
    for column, names in (("category", events.categories), ("item", events.items)):
        _by_first_touch(events.starts, mine[column], np.full(len(names), -1), np.empty(len(names), np.int32))
    _run(piece.update, piece.values, events.starts, mine, at, today, np.zeros(1, piece.dtype), out)
    return np.moveaxis(out, 2, 0)


@compiled.njit
def _by_first_touch(starts: Longs, codes: Ints, toucher: Longs, number: Ints) -> None:
    """Renumber codes for each user, in place: those of the bucket depend on what comes later, and on others."""
    for user in range(starts.size - 1):
        n = 0
        for event in range(starts[user], starts[user + 1]):
            code = codes[event]
            if code < 0:
                continue
            if toucher[code] != user:
                toucher[code], number[code] = user, n
                n += 1
            codes[event] = number[code]


# Compiled for the functions of each piece, so there is nothing to keep on disk.
@njit(nogil=True)
def _run(  # type: ignore[no-untyped-def]
    update, values, starts: Longs, events: Events, at: Longs, today: Ints, state: Events, out: Floats
) -> None:
    nothing = state.copy()
    for user in range(starts.size - 1):
        state[0] = nothing[0]
        event, end = starts[user], starts[user + 1]
        for cut in range(at.size):
            while event < end and events[event].ts < at[cut]:
                update(state[0], events[event])
                event += 1
            values(state[0], at[cut], today[cut], out[user, cut])
