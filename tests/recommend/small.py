"""Small logs for the tests of recommenders."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.recommend.histories import Histories

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)


def events(rows):
    """Make events of rows ``user, item, days before AS_OF[, category[, event type]]``."""
    full = [(*row, *(None, "purchase")[len(row) - 3 :]) for row in rows]
    return pl.DataFrame(
        {
            "user_id": [row[0] for row in full],
            "item_id": [row[1] for row in full],
            "ts": [AS_OF - timedelta(days=row[2]) for row in full],
            "category": [row[3] for row in full],
            "event_type": [row[4] for row in full],
        },
        schema_overrides={
            "user_id": pl.String,
            "item_id": pl.String,
            "category": pl.String,
            "ts": pl.Datetime("us", "UTC"),
        },
    )


def histories(rows, until=AS_OF):
    """Make histories of rows as in ``events``."""
    return Histories.from_buckets(FrameBuckets(events(rows)), until)


def shop(rng, n_users=80, n_items=40, n_events=3000, days=120):
    """Make rows of a shop where each user has favourites; items 0 to 4 are in fashion."""
    favourites = rng.integers(0, n_items, (n_users, 5))
    users = rng.integers(0, n_users, n_events)
    fashion = rng.random(n_events) < 0.3
    items = np.where(fashion, rng.integers(0, 5, n_events), favourites[users, rng.integers(0, 5, n_events)])
    ages = np.sort(rng.random(n_events) * days + 0.01)[::-1]
    return [(f"u{u:03}", f"i{i:03}", float(age), f"c{i % 4}") for u, i, age in zip(users, items, ages, strict=True)]


def scores(candidates, users, items):
    """Return candidates as a dict by user and item id."""
    return {
        (users[int(u)], items[int(i)]): float(s)
        for u, i, s in zip(candidates.user, candidates.item, candidates.score, strict=True)
    }
