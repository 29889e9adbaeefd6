"""Drift: whose interests or habits changed in the last four weeks, tested against chance.

The distance of two mixes of few events is large even if nothing changed. So the divergence is told together with
what it is on average without a change, a p-value (``permutation``), and the share of false alarms among those who
are told (Benjamini and Hochberg). A live state has no windows, so this is computed in batch.

Of interests events are counted. Of habits a visit is counted once for each block of four hours and day, and the days
are weekdays or weekend: twelve cells, which find what 42 cells of a week (``habits``) are too many for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from zlib import crc32

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control

from foretide.errors import UsageError
from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets
from foretide.features import permutation
from foretide.features.clock import DAY_US
from foretide.features.habits import BLOCK_HOURS, FRIDAY, local_time
from foretide.features.permutation import G_MEAN, N_TOLD, P_LEAST, P_VALUE, UNSEEN, UNSEEN_MEAN, G

#: The last days, and the days before that they are compared with: whole weeks.
RECENT_DAYS = 28
REFERENCE_DAYS = 84
WEEKEND = "weekend "
#: How rare cells count in the test (``permutation``): among many categories most are rare, and their noise covers a
#: main interest that moves; of twelve blocks each counts as much (Pearson's X^2).
POWER = {"interests": 0.5, "habits": 1.0}

PART = pl.Schema(
    {
        "user_id": pl.String(),
        "n_recent": pl.Int64(),
        "n_reference": pl.Int64(),
        "divergence": pl.Float64(),
        "excess": pl.Float64(),
        "exploration": pl.Float64(),
        "exploration_expected": pl.Float64(),
        "p_value": pl.Float64(),
        "p_least": pl.Float64(),
        "rising": pl.String(),
        "falling": pl.String(),
    }
)
DRIFT = pl.Schema(dict(PART) | {"q_value": pl.Float64(), "changed": pl.Boolean()})

What = Literal["interests", "habits"]


def drift(
    buckets: Buckets,
    as_of: datetime,
    what: What = "interests",
    rate: float = 0.05,
    *,
    seed: int = 0,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Compare what each user did in the last ``RECENT_DAYS`` with the ``REFERENCE_DAYS`` before.

    Parameters
    ----------
    buckets
        The events.
    as_of
        In UTC, exclusive; days are counted back from it.
    what
        ``interests``: categories. ``habits``: blocks of four hours by the user's own clock, weekdays and weekend.
    rate
        Share of false alarms among the users who are told to have changed.
    seed
        Of the permutations.
    engine
        Where buckets are mapped; threads if None.

    Returns
    -------
    pl.DataFrame
        ``DRIFT``, a row for each user with events in both windows. ``divergence`` is the Jensen-Shannon divergence
        of the two mixes in bits, weighted by the number of events; ``excess`` is what it is above its mean without a
        change, for as many events in both windows. ``exploration`` is the share of recent events in categories without
        a reference event, and ``exploration_expected`` its mean without a change. ``p_least`` is the least p-value that
        a user with these active days could have: with few of them, or long runs of days that are alike, no change can
        be told. ``rising`` and ``falling`` gained and lost most.

    Raises
    ------
    UsageError
        If ``what`` is neither, or the rate is no share.
    """
    if what not in {"interests", "habits"}:
        raise UsageError(f"{what!r} is not one of interests, habits")
    if not 0 < rate < 1:
        raise UsageError(f"the rate of false alarms lies between 0 and 1, not {rate}")
    job = partial(drift_part, as_of=as_of, what=what, seed=seed)
    return judged((engine or LocalEngine()).map_buckets(job, buckets, PART), rate)


def judged(parts: Iterable[pl.DataFrame], rate: float) -> pl.DataFrame:
    """Put buckets together and say who changed; ``rising`` and ``falling`` stay for those only."""
    table = pl.concat(parts)
    q = false_discovery_control(table["p_value"].to_numpy()) if table.height else np.empty(0)
    table = table.with_columns(q_value=pl.Series(q, dtype=pl.Float64), changed=pl.Series(q <= rate, dtype=pl.Boolean))
    return table.with_columns(pl.when("changed").then(pl.col("rising", "falling"))).select(DRIFT.names())


def drift_part(buckets: Buckets, i: int, as_of: datetime, what: What, seed: int) -> pl.DataFrame:
    """Return ``PART`` of a bucket."""
    begin = as_of - timedelta(days=RECENT_DAYS + REFERENCE_DAYS)
    columns = ["user_id", "ts", *(["category"] if what == "interests" else ["tz_offset_min"])]
    rows = buckets.bucket(i, columns, as_of).lazy().filter(pl.col("ts") >= begin)
    cell = pl.col("category") if what == "interests" else _block(buckets.timezone)
    day = (pl.lit(as_of) - pl.duration(microseconds=1) - pl.col("ts")).dt.total_microseconds() // DAY_US
    days = rows.select("user_id", day=day.cast(pl.Int32), cell=cell).drop_nulls("cell")
    if what == "habits":
        days = days.unique(maintain_order=True)
    recent = pl.col("day") < RECENT_DAYS
    both = days.filter(recent.any().over("user_id") & (~recent).any().over("user_id")).collect()
    return _tested(both, what, seed) if both.height else PART.to_frame()


def _block(timezone: str) -> pl.Expr:
    """Return the block of the day and whether it is of the weekend: ``weekend 08-12``."""
    clock = local_time(timezone)
    first = clock.dt.hour() // BLOCK_HOURS * BLOCK_HOURS
    hours = [first.cast(pl.String).str.zfill(2), (first + BLOCK_HOURS).cast(pl.String).str.zfill(2)]
    kind = pl.when(clock.dt.weekday() > FRIDAY + 1).then(pl.lit(WEEKEND)).otherwise(pl.lit("weekday "))
    return kind + hours[0] + "-" + hours[1]


def _tested(events: pl.DataFrame, what: What, seed: int) -> pl.DataFrame:
    """Test the users of ``user_id, day, cell``, sorted by user and time."""
    names = events["cell"].unique().sort()
    cell = events["cell"].cast(pl.Enum(names)).to_physical().cast(pl.Int32).to_numpy(writable=True)
    user = events["user_id"].rle_id().to_numpy()
    starts = np.flatnonzero(np.diff(user, prepend=-1, append=user[-1] + 1))
    ids = events["user_id"].gather(starts[:-1])
    seeds = np.array([crc32(name.encode()) + (seed % 2**31 << 32) for name in ids], np.int64)
    told = np.empty((len(ids), N_TOLD))
    day = events["day"].to_numpy(writable=True)
    weekend = names.str.starts_with(WEEKEND) if what == "habits" else pl.repeat(False, len(names), eager=True)
    strata = weekend.cast(pl.Int32).to_numpy()
    permutation.judge_users(starts, day, cell, RECENT_DAYS, strata, POWER[what], seeds, told)
    n = np.diff(starts)
    bits = 2 * np.log(2) * n
    table = pl.DataFrame(
        {
            "user_id": ids,
            "divergence": told[:, G] / bits,
            "excess": (told[:, G] - told[:, G_MEAN]) / bits,
            "exploration": told[:, UNSEEN],
            "exploration_expected": told[:, UNSEEN_MEAN],
            "p_value": told[:, P_VALUE],
            "p_least": told[:, P_LEAST],
        }
    )
    return table.join(_moved(events), on="user_id", how="left", maintain_order="left").select(PART.names())


def _moved(events: pl.DataFrame) -> pl.DataFrame:
    """Return the size of both windows of each user, and the cells whose share rose and fell most."""
    recent = pl.col("day") < RECENT_DAYS
    sizes = events.group_by("user_id").agg(
        n_recent=recent.sum().cast(pl.Int64), n_reference=(~recent).sum().cast(pl.Int64)
    )
    cells = events.group_by("user_id", "cell").agg(r=recent.sum(), q=(~recent).sum()).join(sizes, on="user_id")
    gain = pl.col("r") / pl.col("n_recent") - pl.col("q") / pl.col("n_reference")
    ordered = cells.with_columns(gain=gain).sort("user_id", "gain", "cell")
    ends = ordered.group_by("user_id").agg(rising=pl.col("cell").last(), falling=pl.col("cell").first())
    return sizes.join(ends, on="user_id")
