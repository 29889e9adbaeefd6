"""Every feature worked out in plain Python from the whole list of a user's events, as the definitions read."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import comb
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from hypothesis import strategies as st

from foretide.events.records import FrameBuckets
from foretide.schema import EVENTS

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEMA = EVENTS
NAN = math.nan


class Event(NamedTuple):
    """One event of one user."""

    minute: int
    category: str | None = None
    item: str | None = None
    value: float | None = None
    offset: int | None = None  # of its own clock, minutes

    @property
    def ts(self):
        return BEGIN + timedelta(minutes=self.minute)


#: Half a year, with bursts, ties and long silences; few categories and items, so that they come again.
ONE_EVENT = st.builds(
    Event,
    st.one_of(st.integers(0, 60 * 24 * 180), st.integers(0, 200), st.integers(0, 40).map(lambda week: week * 10_080)),
    st.sampled_from(["a", "b", "c", "d", None]),
    st.sampled_from(["i1", "i2", "i3", None]),
    st.one_of(st.none(), st.integers(-9, 99).map(float)),
    st.sampled_from([None, None, 0, -300, 345]),
)
HISTORY = st.lists(ONE_EVENT, min_size=1, max_size=45)


def frame(by_user):
    """Return a frame of ``schema.EVENTS``."""
    rows = [
        (f"{user}-{n}", user, e.item, "view", e.ts, e.offset, e.value, None, e.category)
        for user, events in by_user.items()
        for n, e in enumerate(events)
    ]
    order = ["event_id", "user_id", "item_id", "event_type", "ts", "tz_offset_min", "value", "session_id", "category"]
    return pl.DataFrame(rows, schema={name: SCHEMA[name] for name in order}, orient="row")


def log(by_user, zone="UTC"):
    """Return the events of users as buckets."""
    return FrameBuckets(frame(by_user), zone)


def local_day(moment, zone):
    return moment.astimezone(ZoneInfo(zone)).date()


def stage(times, as_of, zone, w):  # noqa: PLR0911 - a stage a line, as the definition
    known = sorted(t for t in times if t < as_of)
    if not known:
        return None
    gap, age = as_of - known[-1], as_of - known[0]
    returns = [later for earlier, later in pairwise(known) if later - earlier >= 4 * w * DAY]
    if gap >= 4 * w * DAY:
        return "churned"
    if gap >= 2 * w * DAY:
        return "at_risk"
    if returns and as_of - returns[-1] < 2 * w * DAY:
        return "resurrected"
    if age < 2 * w * DAY:
        return "new"
    today = local_day(as_of - timedelta(microseconds=1), zone)
    ages = {(today - local_day(t, zone)).days for t in known}
    x1, x2 = sum(a < 4 * w for a in ages), sum(4 * w <= a < 8 * w for a in ages)
    if x1 + x2 >= 5 and age >= 8 * w * DAY:
        z = (x1 - x2) / math.sqrt(x1 + x2)
        if z >= 1.645:
            return "growing"
        if z <= -1.645:
            return "at_risk"
    return "active"


def features(events, as_of, zone, w=7):
    """Return every feature of a user by name."""
    known = sorted((e for e in events if e.ts < as_of), key=lambda e: e.ts)
    return activity(known, as_of, zone, w) | habits(known, as_of, zone) | interests(known, as_of)


def activity(known, as_of, zone, w):
    today = local_day(as_of - timedelta(microseconds=1), zone)
    days = sorted({local_day(e.ts, zone) for e in known})
    ages = [(as_of - e.ts) / DAY for e in known]
    gaps = [(b - a).days for a, b in pairwise(days)]
    pauses = [b.ts - a.ts for a, b in pairwise(known)]
    sessions = 1 + sum(pause > timedelta(minutes=30) for pause in pauses)
    inside = sum((p for p in pauses if p <= timedelta(minutes=30)), timedelta())
    found = {"recency_days": ages[-1], "tenure_days": ages[0], "n_events": len(known), "active_days": len(days)}
    for n in (7, 28, 56, 90):
        found[f"active_days_{n}"] = sum((today - day).days < n for day in days)
    for h in (7, 28, 84):
        left = [0.5 ** (age / h) for age in ages]
        found[f"events_decayed_{h}"] = sum(left)
        found[f"value_decayed_{h}"] = sum(x * (e.value or 0.0) for x, e in zip(left, known, strict=True))
    found["gap_mean_days"] = np.mean(gaps) if gaps else NAN
    found["gap_std_days"] = np.std(gaps) if gaps else NAN
    found["gap_longest_days"] = max(gaps, default=NAN)
    found["gap_slope_days"] = np.polyfit(range(len(gaps)), gaps, 1)[0] if len(gaps) > 1 else NAN
    found["sessions"], found["session_events"] = sessions, len(known) / sessions
    found["session_minutes"] = inside / timedelta(minutes=1) / sessions
    found["returns"] = sum(pause >= 4 * w * DAY for pause in pauses)
    return found


def habits(known, as_of, zone):
    clocks = [
        e.ts.astimezone(ZoneInfo(zone)) if e.offset is None else e.ts + timedelta(minutes=e.offset) for e in known
    ]
    left = [0.5 ** ((as_of - e.ts) / DAY / 28) for e in known]
    cells = Counter()
    for clock, x in zip(clocks, left, strict=True):
        cells[clock.weekday(), clock.hour // 4] += x
    total = sum(left)
    share = lambda chosen: sum(x for clock, x in zip(clocks, left, strict=True) if chosen(clock)) / total  # noqa: E731
    days = sorted({local_day(e.ts, zone) for e in known})
    sizes = Counter(min((b - a).days - 1, 127).bit_length() for a, b in pairwise(days))
    return {
        "weekend_share": share(lambda clock: clock.weekday() > 4),
        "night_share": share(lambda clock: clock.hour < 6),
        "hours_hill_1": math.exp(entropy(cells.values())),
        "gap_entropy_bits": entropy(sizes.values()) / math.log(2) if sizes else NAN,
    }


def interests(known, as_of):
    named = [e for e in known if e.category]
    names = ["hill_1", "hill_2", "hill_0_of_20", "hill_1_of_20", "hill_2_of_20"]
    found = dict.fromkeys([f"categories_{name}" for name in names], NAN)
    found |= dict.fromkeys(["top_category_share", "new_category_share", "new_category_expected"], NAN)
    found["categories"] = len({e.category for e in named})
    if not named:
        return found
    weights, firsts = Counter(), 0.0
    for e in named:
        x = 0.5 ** ((as_of - e.ts) / DAY / 28)
        firsts += 0.0 if e.category in weights else x
        weights[e.category] += x
    total, counts = sum(weights.values()), Counter(e.category for e in named)
    found["categories_hill_1"] = math.exp(entropy(weights.values()))
    found["categories_hill_2"] = total**2 / sum(x * x for x in weights.values())
    found["top_category_share"] = max(weights.values()) / total
    found["new_category_share"] = firsts / total
    found["new_category_expected"] = sum(n == 1 for n in counts.values()) / len(named)
    if len(named) >= 20:
        found |= rarefied(list(counts.values()))
    return found


def rarefied(counts):
    """By the expected number of categories that are drawn k times, Chao et al. (2014), equation 3."""
    n, m = sum(counts), 20
    drawn = [sum(comb(c, k) * comb(n - c, m - k) for c in counts) / comb(n, m) for k in range(m + 1)]
    return {
        "categories_hill_0_of_20": sum(drawn[1:]),
        "categories_hill_1_of_20": math.exp(-sum(k / m * math.log(k / m) * drawn[k] for k in range(1, m + 1))),
        "categories_hill_2_of_20": 1 / sum((k / m) ** 2 * drawn[k] for k in range(1, m + 1)),
    }


def entropy(weights):
    weights = [x for x in weights if x > 0]
    total = sum(weights)
    return -sum(x / total * math.log(x / total) for x in weights)
