"""The fold: one pass over each user's events in the order of time, read at many moments.

This module drives the pieces of ``state`` over the sorted events of a bucket. An event counts for a cut-off only
if it came before it, so a row of the result never changes when later events arrive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import UsageError
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets
from foretide.features import lifecycle
from foretide.features.last_items import LAST_ITEMS
from foretide.features.lifecycle import ABSENT, LifecycleRule
from foretide.features.own_pieces import Piece, run_piece
from foretide.features.state import Events, Floats, Places, features_of, state_dtype, update, values
from foretide.features.tallies import SLOT, Slots, capacity_for, clear
from foretide.features.user_events import Ints, Longs, UserEvents, bucket_events, in_utc, item_order, ticks
from foretide.schema import STAGES, TS

#: Figures that are worked out at a time: users of a bucket are taken in slices if there are many cut-offs.
SLICE_FIGURES = 8_000_000
KEYS = {"user_id": pl.String(), "as_of": TS, "stage": pl.String()}

Codes = NDArray[np.int8]


def run(
    events: UserEvents,
    cutoffs: Sequence[datetime],
    timezone: str,
    rule: LifecycleRule,
    themes: Sequence[str] = ("activity",),
) -> tuple[Codes, Floats]:
    """Fold a bucket.

    Parameters
    ----------
    events
        The bucket.
    cutoffs
        Ascending moments in UTC, exclusive.
    timezone
        Zone whose days count as active days.
    rule
        The lifecycle rule.
    themes
        Which features are wanted.

    Returns
    -------
    stages, features
        ``(n_users, n_cutoffs)`` codes, ``ABSENT`` before a user's first critical event, and
        ``(n_features, n_rows)``: of each user and cut-off with a stage, in their order.
    """
    at, today = ticks(cutoffs, timezone)
    names, places = features_of(themes)
    stages = np.full((len(events.users), at.size), ABSENT, dtype=np.int8)
    features = np.empty((len(names), stages.size))
    state = np.zeros(1, state_dtype(rule))
    most = int(np.diff(events.starts).max(initial=1))
    slots = np.zeros(capacity_for(min(most, len(events.categories)) + 1), SLOT)
    order = item_order(events.items)
    n = _fold(events.starts, events.events, at, today, rule.window_days, state, slots, order, places, stages, features)
    return stages, features[:, :n]


@njit
def _fold(
    starts: Longs,
    events: Events,
    at: Longs,
    today: Ints,
    window_days: int,
    state: Events,
    all_slots: Slots,
    order: NDArray[np.uint32],
    places: Places,
    stages: Codes,
    features: Floats,
) -> int:
    row = 0
    last = np.zeros(1, LAST_ITEMS)
    nothing, told = state.copy(), np.empty(features.shape[0])
    for user in range(starts.size - 1):
        event, end = starts[user], starts[user + 1]
        state[0] = nothing[0]
        slots = all_slots[: min(capacity_for(end - event), all_slots.size)]
        clear(slots)
        for cut in range(at.size):
            while event < end and events[event].ts < at[cut]:
                update(state[0], slots, last[0], order, events[event], window_days)
                event += 1
            code = lifecycle.stage(state[0].lifecycle, at[cut], today[cut], window_days)
            stages[user, cut] = code
            if code != ABSENT:
                values(state[0], slots, at[cut], today[cut], places, told)
                features[:, row] = told
                row += 1
    return row


def feature_table(
    buckets: Buckets,
    as_of: Sequence[datetime],
    rule: LifecycleRule | None = None,
    themes: Sequence[str] = ("activity",),
    pieces: Sequence[Piece] = (),
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return what was known about each user at each cut-off.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Cut-offs in UTC, exclusive; any order.
    rule
        Which events count as activity, and for how long; the default rule if None.
    themes
        Some of ``state.THEMES``.
    pieces
        Features of your own.
    engine
        Where buckets are mapped; this machine if None.

    Returns
    -------
    pl.DataFrame
        ``user_id, as_of, stage`` and the features; a row for each user and cut-off with a critical event before
        it. Days are local days; a feature that is not defined (a gap of a user with one active day) is NaN.
    """
    return pl.concat(feature_parts(buckets, as_of, rule, themes, pieces, engine))


def feature_parts(
    buckets: Buckets,
    as_of: Sequence[datetime],
    rule: LifecycleRule | None = None,
    themes: Sequence[str] = ("activity",),
    pieces: Sequence[Piece] = (),
    engine: Engine | None = None,
) -> Iterator[pl.DataFrame]:
    """Return ``feature_table`` a bucket at a time, for tables that do not fit in memory; first an empty part."""
    themes = (themes,) if isinstance(themes, str) else tuple(themes)
    names = [*features_of(themes)[0], *(name for piece in pieces for name in piece.features)]
    if len({*names, *KEYS}) < len(names) + len(KEYS):
        raise UsageError("two features have the same name; call yours something else")
    schema = pl.Schema(KEYS | dict.fromkeys(names, pl.Float64()))
    yield pl.DataFrame(schema=schema)
    cutoffs = sorted({in_utc(moment) for moment in as_of})
    if cutoffs:
        job = partial(feature_part, cutoffs=cutoffs, rule=rule or LifecycleRule(), themes=themes, pieces=tuple(pieces))
        yield from (engine or LocalEngine()).map_buckets(job, buckets, schema)


def feature_part(
    buckets: Buckets,
    i: int,
    cutoffs: Sequence[datetime],
    rule: LifecycleRule,
    themes: Sequence[str],
    pieces: Sequence[Piece],
) -> pl.DataFrame:
    """Return the rows of a bucket."""
    read = {*themes, *(theme for piece in pieces for theme in piece.reads), "activity"}
    events = bucket_events(buckets, i, cutoffs[-1], rule, sorted(read), in_order=bool(pieces))
    themes = (themes,) if isinstance(themes, str) else tuple(themes)
    names = [*features_of(themes)[0], *(name for piece in pieces for name in piece.features)]
    if events is None:
        return pl.DataFrame(schema=KEYS | dict.fromkeys(names, pl.Float64()))
    most = max(SLICE_FIGURES // (len(cutoffs) * max(len(names), 1)), 1)
    slices = (events.of_users(begin, begin + most) for begin in range(0, len(events.users), most))
    return pl.concat(_rows(some, cutoffs, buckets.timezone, rule, themes, pieces, names) for some in slices)


def _rows(
    events: UserEvents,
    cutoffs: Sequence[datetime],
    timezone: str,
    rule: LifecycleRule,
    themes: Sequence[str],
    pieces: Sequence[Piece],
    names: Sequence[str],
) -> pl.DataFrame:
    stages, features = run(events, cutoffs, timezone, rule, themes)
    own = [run_piece(piece, events, ticks(cutoffs, timezone))[:, stages != ABSENT] for piece in pieces]
    return rows_of(events.users, cutoffs, stages, names, np.concatenate([features, *own]) if own else features)


def rows_of(
    users: pl.Series, cutoffs: Sequence[datetime], stages: Codes, names: Sequence[str], features: Floats
) -> pl.DataFrame:
    """Return a row for each user and cut-off with a stage; arrays as ``run`` returns them."""
    user, cut = np.nonzero(stages != ABSENT)
    keys = {
        "user_id": users.gather(user),
        "as_of": pl.Series(cutoffs, dtype=TS).gather(cut),
        "stage": pl.Series(STAGES, dtype=pl.String).gather(stages[user, cut]),
    }
    return pl.DataFrame(keys | dict(zip(names, features, strict=True)))
