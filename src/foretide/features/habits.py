"""When users come: by weekday and hour of their own clock, and how regularly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.compiled import njit
from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.clock import DAY_US
from foretide.features.lifecycle import State
from foretide.schema import HABITS

HALF_LIFE_DAYS = 28.0
#: Weight of the population's hours in a user's profile, in decayed events.
PROFILE_KAPPA = 20.0
#: Cells are blocks of this many hours: six a day.
BLOCK_HOURS = 4
N_CELLS = 7 * 24 // BLOCK_HOURS
#: Weights are scaled down before they exceed 2 to this power (five years after the first event).
LARGEST_EXPONENT = 64.0
#: Hours before this are night.
NIGHT_END = 6
FRIDAY = 4
#: Gaps between active days of 1, 2, 3-4, 5-8 ... 33-64 and more days.
N_GAP_BINS = 8
#: No hour is known.
NO_HOUR = -1

HABIT = np.dtype(
    [
        ("anchor", "i8"),
        ("n_events", "u4"),
        ("total", "f8"),
        ("weekend", "f8"),
        ("night", "f8"),
        ("cells", "f4", (N_CELLS,)),  # of millions of events in a few weeks only roughly
        ("gaps", "u2", (N_GAP_BINS,)),
    ]
)

FEATURES = ("weekend_share", "night_share", "hours_hill_1", "gap_entropy_bits")

#: Of each user and hour of the week: events, each counted as ``0.5 ** (age / HALF_LIFE_DAYS)``.
HOURS = pl.Schema({"user_id": pl.String(), "weekday": pl.Int8(), "hour": pl.Int8(), "n": pl.Float64()})

Floats = NDArray[np.float64]


@njit
def update(state: State, ts: int, hour: int) -> None:
    """Take in an event at an hour of the week (0 is Monday's first, ``NO_HOUR`` unknown)."""
    if hour == NO_HOUR:
        return
    if state.n_events == 0:
        state.anchor = ts
    exponent = (ts - state.anchor) / (HALF_LIFE_DAYS * DAY_US)
    while exponent > LARGEST_EXPONENT:
        _scale_down(state)
        exponent -= LARGEST_EXPONENT
    weight = np.exp2(exponent)
    state.total += weight
    state.cells[hour // BLOCK_HOURS] += np.float32(weight)
    if hour // 24 > FRIDAY:
        state.weekend += weight
    if hour % 24 < NIGHT_END:
        state.night += weight
    state.n_events += np.uint32(1)


@njit
def _scale_down(state: State) -> None:
    factor = np.float32(2.0**-LARGEST_EXPONENT)
    state.anchor += np.int64(LARGEST_EXPONENT * HALF_LIFE_DAYS * DAY_US)
    state.total *= factor
    state.weekend *= factor
    state.night *= factor
    for i in range(N_CELLS):
        state.cells[i] *= factor


@njit
def update_gaps(state: State, life: State, day: int) -> None:
    """Take in a day with an event, before the lifecycle moves on to it."""
    if life.n_events > 0 and day > life.last_day:
        gap, i = day - life.last_day - 1, 0
        while gap > 0 and i < N_GAP_BINS - 1:
            gap //= 2
            i += 1
        state.gaps[i] = min(state.gaps[i] + 1, 65_535)


@njit
def values(state: State, out: Floats) -> None:
    """Write ``FEATURES`` to ``out``; NaN where one is not defined.

    Shares are decayed with ``HALF_LIFE_DAYS``; night is before 6 o'clock. ``hours_hill_1`` is the effective number
    of the 42 blocks of the week; ``gap_entropy_bits`` is 0 for a user whose gaps are all of one size.
    """
    out[:] = np.nan
    if state.n_events > 0:
        out[0], out[1] = state.weekend / state.total, state.night / state.total
        out[2] = _effective_cells(state)
    n, logs = 0.0, 0.0
    for i in range(N_GAP_BINS):
        if state.gaps[i] > 0:
            n += state.gaps[i]
            logs += state.gaps[i] * math.log2(state.gaps[i])
    if n > 0.0:
        out[3] = math.log2(n) - logs / n


@njit
def _effective_cells(state: State) -> float:
    """Return the Hill number of order 1 of the blocks of the week."""
    used, n = np.empty(N_CELLS), 0  # set apart without a branch: few cells are used, and which ones cannot be foreseen
    for i in range(N_CELLS):
        used[n] = state.cells[i]
        n += state.cells[i] > 0.0
    total, logs = 0.0, 0.0
    for i in range(n):
        total += used[i]
        logs += used[i] * math.log(used[i])
    return total * math.exp(-logs / total)


def local_time(timezone: str) -> pl.Expr:
    """Return the user's clock: by the event's own offset where it has one, else in ``timezone``."""
    own = pl.col("ts").dt.replace_time_zone(None) + pl.duration(minutes=pl.col("tz_offset_min"))
    return pl.coalesce(own, pl.col("ts").dt.convert_time_zone(timezone).dt.replace_time_zone(None))


def habit_profiles(
    buckets: Buckets, as_of: datetime, users: Sequence[str] | None = None, engine: Engine | None = None
) -> pl.DataFrame:
    """Return each user's hours of the week, decayed and shrunk to the population's.

    ``p_h = (n_h + kappa * pi_h) / (n + kappa)`` over the 168 hours of the week by the user's own clock, with counts of
    half-life ``HALF_LIFE_DAYS``, ``PROFILE_KAPPA`` and the population's share pi.

    Parameters
    ----------
    buckets
        The events.
    as_of
        In UTC, exclusive.
    users
        Ids; all if None. The population is everyone in any case.
    engine
        Where buckets are counted; threads if None.

    Returns
    -------
    pl.DataFrame
        ``user_id, weekday, hour, n, share``: the hours that a user came at (1 is Monday), in order; an hour that a user
        never came at has the share ``kappa * pi_h / (n + kappa)``.
    """
    keys = ["weekday", "hour"]
    counts = concat_buckets(partial(hours_part, as_of=as_of), buckets, HOURS, engine).sort("user_id", *keys)
    population = counts.group_by(keys).agg(pi=pl.col("n").sum()).with_columns(pl.col("pi") / pl.col("pi").sum())
    of_user = pl.col("n").sum().over("user_id")
    share = (pl.col("n") + PROFILE_KAPPA * pl.col("pi")) / (of_user + PROFILE_KAPPA)
    table = counts.join(population, on=keys, how="left", maintain_order="left").with_columns(share=share).drop("pi")
    return table if users is None else table.filter(pl.col("user_id").is_in(users))


def hours_part(buckets: Buckets, i: int, as_of: datetime) -> pl.DataFrame:
    """Return ``HOURS`` of a bucket."""
    age = (pl.lit(as_of) - pl.col("ts")).dt.total_microseconds() / (HALF_LIFE_DAYS * DAY_US)
    clock = local_time(buckets.timezone)
    rows = buckets.bucket(i, ["user_id", "ts", "tz_offset_min"], as_of)
    return rows.group_by("user_id", weekday=clock.dt.weekday(), hour=clock.dt.hour()).agg(n=(0.5**age).sum())


def habits(buckets: Buckets, as_of: datetime, engine: Engine | None = None) -> pl.DataFrame:
    """Return the number of events before ``as_of`` by local weekday and hour, ``schema.HABITS``: all 168 cells.

    Buckets are counted by threads if there is no engine.
    """
    quiet = pl.DataFrame(
        {"weekday": np.repeat(np.arange(1, 8), 24), "hour": np.tile(np.arange(24), 7), "events": 0},
        schema=HABITS,
    )
    parts = concat_buckets(partial(habits_part, as_of=as_of), buckets, HABITS, engine)
    cells = pl.concat([quiet, parts]).group_by("weekday", "hour").agg(pl.col("events").sum())
    return cells.sort("weekday", "hour")


def habits_part(buckets: Buckets, i: int, as_of: datetime) -> pl.DataFrame:
    """Return ``schema.HABITS`` of a bucket, the cells with an event."""
    clock = local_time(buckets.timezone)
    rows = buckets.bucket(i, ["ts", "tz_offset_min"], as_of)
    return rows.group_by(weekday=clock.dt.weekday(), hour=clock.dt.hour()).agg(events=pl.len()).cast(HABITS)
