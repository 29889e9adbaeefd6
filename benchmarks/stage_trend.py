"""How often the lifecycle tells users as growing or as declining, who are and who are not.

    python benchmarks/stage_trend.py [--users 20000]

A user comes on a day with a chance that depends on yesterday: independent days have the same chance after a day with a
visit and after one without; in spells the chance after a visit is higher. The lifecycle compares the active days of the
last 4 W with those of the 4 W before (W = 7) and takes a difference of 1.645 standard deviations of independent rare
visits for clear, 5 % on either side. Told are the shares of users with 5 or more active days in the 8 W, in a
stationary population and after the chance of a visit was halved or doubled 4 W ago.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.events.records import FrameBuckets
from foretide.features.history import stage_history
from foretide.features.lifecycle import LEAST_ACTIVE_DAYS
from foretide.features.rule import LifecycleRule

WINDOW_DAYS = 7
MONTH = 4 * WINDOW_DAYS
N_DAYS = 20 * WINDOW_DAYS
#: Days in which the spells become as long as they are.
BURN_IN = 100
FIRST = date(2025, 1, 1)
#: Chance of a visit on a day, and on the day after one; None if days are independent.
USERS: tuple[tuple[float, float | None], ...] = (
    (0.1, None),
    (0.3, None),
    (0.5, None),
    (0.9, None),
    (0.1, 0.6),
    (0.3, 0.7),
    (0.3, 0.85),
)
FACTORS = (1.0, 0.5, 2.0)

Bools = NDArray[np.bool_]


def visits(rng: np.random.Generator, n_users: int, chance: float, stay: float | None, factor: float) -> Bools:
    """Return on which days users come, ``(n_users, N_DAYS)``; in the last 4 W the chance is ``factor`` times as large.

    Spells stay as long as they are: there are more or fewer of them.
    """
    came = np.zeros((n_users, BURN_IN + N_DAYS), dtype=np.bool_)
    before = rng.random(n_users) < chance
    for day in range(came.shape[1]):
        p = chance * (factor if day >= BURN_IN + N_DAYS - MONTH else 1)
        again = p if stay is None else stay
        anew = p if stay is None else p * (1 - stay) / (1 - p)
        came[:, day] = before = rng.random(n_users) < np.where(before, again, anew)
    return came[:, BURN_IN:]


def told(came: Bools) -> tuple[float, float, float]:
    """Return the share of users with enough active days, and of these the shares with more and with fewer."""
    user, day = np.nonzero(came)
    noon = pl.lit(datetime.combine(FIRST, time(12), UTC)).dt.cast_time_unit("us")
    events = pl.DataFrame({"user": user, "day": day}).select(
        user_id=pl.col("user").cast(pl.String), ts=noon + pl.duration(days="day"), event_type=pl.lit("visit"), value=1.0
    )
    as_of = datetime.combine(FIRST, time(), UTC) + timedelta(days=N_DAYS)
    lives = stage_history(FrameBuckets(events.sort("user_id", "ts")), as_of, LifecycleRule(WINDOW_DAYS))
    last = lives.group_by("user_id").agg(pl.col("reason").last())
    enough = np.flatnonzero(came[:, -2 * MONTH :].sum(axis=1) >= LEAST_ACTIVE_DAYS).astype(str)
    reasons = last.filter(pl.col("user_id").is_in(enough))["reason"]
    more, fewer = (len(reasons.filter(reasons == reason)) / len(reasons) for reason in ("more_days", "fewer_days"))
    return enough.size / came.shape[0], more, fewer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=20_000)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    print("chance of a visit, on the day after one; then for x1, x0.5, x2: judged, more days, fewer days")
    for chance, stay in USERS:
        line = f"{chance:.1f} {'independent' if stay is None else f'spells, {stay}':12}"
        for factor in FACTORS:
            if chance * factor < (1 if stay is None else 1 / (2 - stay)):
                judged, more, fewer = told(visits(rng, chosen.users, chance, stay, factor))
                line += f"   x{factor}: {judged:.2f} {more:.3f} {fewer:.3f}"
        print(line)


if __name__ == "__main__":
    main()
