"""Made-up populations for the tests of the stages ahead: users who act on each day with a chance of their own."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def log(user, day, hour=None, zone="UTC"):
    """Return events by the numbers of their users, days since the beginning and hours."""
    hours = np.asarray(day) * 24.0 + (12.0 if hour is None else np.asarray(hour))
    ts = pl.Series([BEGIN + timedelta(hours=float(h)) for h in hours], dtype=pl.Datetime("us", "UTC"))
    users = pl.Series([f"u{n}" for n in user], dtype=pl.String)
    return FrameBuckets(pl.DataFrame({"user_id": users, "ts": ts, "event_type": "view", "value": 1.0}), zone)


def steady(n_users=600, n_days=120, arriving=0.5, rng=0):
    """Return a log of users with steady chances; half are there from the first days on, the others arrive evenly."""
    rng = np.random.default_rng(rng)
    rate = rng.beta(0.6, 5.0, n_users)
    first = np.where(rng.random(n_users) < arriving, rng.integers(0, n_days, n_users), rng.integers(0, 5, n_users))
    days = np.arange(n_days)
    acts = (rng.random((n_users, n_days)) < rate[:, None]) & (days > first[:, None])
    acts[np.arange(n_users), first] = True
    user, day = np.nonzero(acts)
    return log(user, day, rng.uniform(0, 24, user.size))


def at(day):
    """Return the moment at which so many days are over."""
    return BEGIN + timedelta(days=int(day))
