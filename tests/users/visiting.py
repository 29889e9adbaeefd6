"""A log of users who come at random, each at a rate of their own, until they are gone."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.cutoffs import LEAD_DAYS
from foretide.users.examples import examples, training_pairs

START = datetime(2024, 1, 1, tzinfo=UTC)
RULE = LifecycleRule()
N_DAYS = 150
DROPOUT_A_DAY = 0.01
HORIZON = 14


def visits(n_users, rng=0, n_days=N_DAYS):
    """Make a log: chance of a visit a day 1 % to 50 %, first visit in the first two months, then gone at random."""
    rng = np.random.default_rng(rng)
    rate = np.exp(rng.uniform(np.log(0.01), np.log(0.5), n_users))
    first = rng.integers(0, 60, n_users)
    gone = first + rng.geometric(DROPOUT_A_DAY, n_users)
    day = np.arange(n_days)
    here = (day >= first[:, None]) & (day < gone[:, None]) & (rng.random((n_users, n_days)) < rate[:, None])
    here[np.arange(n_users), first] = True
    user, day = np.nonzero(here)
    rows = pl.DataFrame({"user": user, "day": day, "second": rng.integers(0, 86_400, len(user))}).select(
        user_id=pl.format("u{}", pl.col("user").cast(pl.String).str.zfill(5)),
        event_type=pl.lit("visit"),
        ts=pl.lit(START) + pl.duration(days="day", seconds="second"),
        value=pl.lit(1.0),
    )
    return FrameBuckets(rows, "UTC")


@cache
def seen_and_test(n_users=250, rng=0, horizon_days=HORIZON):
    """Make training examples, and those of the horizon after they end; one feature is constant, one never defined."""
    log = visits(n_users, rng)
    cutoff = START + timedelta(days=N_DAYS - LEAD_DAYS - horizon_days)
    pairs = training_pairs(START, cutoff, horizon_days, "UTC")
    flat = {"constant": pl.lit(1.0), "undefined": pl.lit(np.nan)}
    return tuple(examples(log, some, RULE).with_columns(**flat) for some in (pairs, [(cutoff, horizon_days)]))
