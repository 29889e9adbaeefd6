"""The words and habits of four lines of business, for simulated worlds.

Which events there are, what they are about, how dear or long they are, how often and when they happen.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Amount:
    """A positive quantity, log-normal: a price, minutes watched, a payment."""

    median: float
    sigma: float


@dataclass(frozen=True)
class Domain:
    """The words and habits of a line of business."""

    categories: tuple[str, ...]  # most popular first
    event_shares: dict[str, float]  # of the events that are not answers; they add up to 1
    amounts: dict[str, Amount]  # event types that have a value
    sessions_per_day: float  # of the mean user
    events_per_session: float  # at least 1
    peak_hour: float  # local


DOMAINS = {
    "ecommerce": Domain(
        ("groceries", "clothing", "household", "electronics", "beauty", "sports", "toys", "books"),
        {"view": 0.72, "cart": 0.11, "purchase": 0.17},
        {"purchase": Amount(18.0, 0.8)},
        0.25,
        4.0,
        19.0,
    ),
    "video": Domain(
        ("drama", "comedy", "series", "action", "documentary", "animation", "music", "thriller"),
        {"watch": 0.86, "like": 0.14},
        {"watch": Amount(24.0, 0.7)},  # minutes
        0.45,
        2.5,
        20.5,
    ),
    "social": Domain(
        ("friends", "news", "sport", "film", "travel", "food", "technology", "games"),
        {"view": 0.70, "like": 0.20, "comment": 0.06, "share": 0.04},
        {},
        0.8,
        5.0,
        18.0,
    ),
    "risk": Domain(
        ("supermarket", "fuel", "restaurant", "online", "travel", "cash", "transfer", "jewellery"),
        {"payment": 0.8, "login": 0.2},
        {"payment": Amount(32.0, 1.1)},
        0.5,
        1.6,
        15.0,
    ),
}
