"""A log of users who come at a rate of their own, for a while: enough to learn from in a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets

START = datetime(2024, 1, 1, tzinfo=UTC)


def visits(n_users=250, n_days=120, seed=0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    begun, rate = rng.integers(0, n_days, n_users), rng.beta(0.8, 4, n_users)
    stays = rng.geometric(1 / 60, n_users)
    came = rng.random((n_users, n_days)) < rate[:, None]
    day = np.arange(n_days)
    came &= (day >= begun[:, None]) & (day < (begun + stays)[:, None])
    came[np.arange(n_users), begun] = True
    users, days = np.nonzero(came)
    return pl.DataFrame(
        {
            "user_id": [f"u{user:04}" for user in users],
            "ts": [START + timedelta(days=int(day), hours=12) for day in days],
            "event_type": ["visit"] * len(days),
            "value": rng.random(len(days)).round(2),
            "category": [None] * len(days),
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC"), "category": pl.String},
    )


def log(**of) -> FrameBuckets:
    return FrameBuckets(visits(**of))
