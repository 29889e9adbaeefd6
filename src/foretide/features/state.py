"""Everything that is remembered of a user, and how one event changes it: the one definition of every feature.

The batch fold, Spark's workers and the live states all call ``update`` for each event in the order of time and
``values`` at a moment. A theme is a piece with its own record: ``lifecycle``, ``activity``, ``habits``,
``interests`` (with its table of slots) and the last items.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.errors import UsageError
from foretide.features import activity, habits, interests, last_items, lifecycle
from foretide.features.lifecycle import LifecycleRule, State, lifecycle_dtype
from foretide.features.tallies import Slots

#: One event as the pieces see it. What is not known is -1 (hour, category, item) or NaN (value).
EVENT = np.dtype(
    [
        ("ts", "i8"),  # microseconds, UTC
        ("value", "f8"),
        ("day", "i4"),  # local day number
        ("category", "i4"),
        ("item", "i4"),
        ("hour", "i2"),  # of the week, by the user's own clock
        ("critical", "?"),  # whether it counts as activity
    ]
)

#: Features by theme, in the order of the columns.
THEMES = {"activity": activity.FEATURES, "habits": habits.FEATURES, "interests": interests.FEATURES}

Events = NDArray[Any]
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def state_dtype(rule: LifecycleRule) -> np.dtype[np.void]:
    """Return the record of a user, without categories and items; zeros are a user without events."""
    return np.dtype(
        [
            ("lifecycle", lifecycle_dtype(rule.window_days)),
            ("activity", activity.ACTIVITY),
            ("habits", habits.HABIT),
            ("interests", interests.INTERESTS),
        ]
    )


def features_of(themes: Sequence[str]) -> tuple[list[str], Places]:
    """Return the features of some themes, and the column where each of ``THEMES`` begins (-1 for none).

    Raises
    ------
    UsageError
        If there is no such theme.
    """
    for theme in themes:
        if theme not in THEMES:
            raise UsageError(f"{theme!r} is not one of the themes {', '.join(THEMES)}")
    names: list[str] = []
    places = []
    for theme, features in THEMES.items():
        places.append(len(names) if theme in themes else -1)
        names += features if theme in themes else ()
    return names, np.array(places)


@njit
def update(state: State, slots: Slots, last: State, order: NDArray[np.uint32], event: State, window_days: int) -> None:
    """Take in an event that is not older than those before it.

    Parameters
    ----------
    state
        A record of ``state_dtype``, changed in place.
    slots
        The user's categories, with room for one more.
    last
        A ``LAST_ITEMS`` record.
    order
        For each item's code, its place among items of the same moment.
    event
        An ``EVENT`` record.
    window_days
        W of the lifecycle rule.
    """
    if event.critical:
        habits.update_gaps(state.habits, state.lifecycle, event.day)
        activity.update(state.activity, state.lifecycle, event.ts, event.day, event.value)
        lifecycle.update(state.lifecycle, event.ts, event.day, window_days)
    habits.update(state.habits, event.ts, event.hour)
    interests.update(state.interests, slots, event.ts, event.category)
    last_items.update(last, order, event.ts, event.item)


@njit
def values(state: State, slots: Slots, as_of: int, today: int, places: Places, out: Floats) -> None:
    """Write the features of a user with a critical event to ``out``; ``places`` as ``features_of`` returns them."""
    if places[0] >= 0:
        part = out[places[0] : places[0] + len(activity.FEATURES)]
        activity.values(state.activity, state.lifecycle, as_of, today, part)
    if places[1] >= 0:
        habits.values(state.habits, out[places[1] : places[1] + len(habits.FEATURES)])
    if places[2] >= 0:
        interests.values(state.interests, slots, out[places[2] : places[2] + len(interests.FEATURES)])
