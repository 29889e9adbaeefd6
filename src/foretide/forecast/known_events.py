"""What known events did to series: taken out of the past, and put on the days ahead.

An event's effect on a series is how far its days lay from the usual level of their weekday, on the log scale. A
single series tells little of it, so that effects are drawn towards the mean over the panel, and that mean towards
zero, by how uncertain they are.

References
----------
Efron and Morris (1975), Data analysis using Stein's estimator and its generalizations, JASA 70. Breiman (1995),
Better subset regression using the nonnegative garrote, Technometrics 37. Taylor and Letham (2018), Forecasting at
scale, The American Statistician 72 (holidays with days around them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.forecast.covariates import LEAST_VARIANCE, positions
from foretide.schema import Floats

#: Days around an event that have effects of their own.
AROUND = (-1, 0, 1)
#: The usual level of a day is the mean of the same weekday in this many seasons on each side, sought this far.
NEIGHBOURS = 3
FARTHEST = 8
LEAST_NEIGHBOURS = 2
#: Fewest days without events that tell how much days vary.
LEAST_QUIET = 14
#: The panel's effect is believed by ``1 - PENALTY / t**2``: below ``sqrt(PENALTY)`` standard errors it is none.
PENALTY = 2.0
#: Rounds in which effects of events on the same day are told apart.
SWEEPS = 3
EFFECTS = pl.Schema(
    {
        "event": pl.String(),
        "offset": pl.Int32(),  # days before (negative) or after the event, 0 in it
        "category": pl.String(),
        "days": pl.Int64(),  # past days that the effect was learnt from
        "ratio": pl.Float64(),  # typical value over the usual one, over the series concerned
        "note": pl.String(),  # learnt, no_effect (too small for its noise), not_seen (no past day)
    }
)

Steps = NDArray[np.int64]


class EventKey(NamedTuple):
    """An event, or the day that lies so many days before or after it."""

    event: str
    offset: int
    category: str | None


EventDays = dict[EventKey, tuple[Steps, Steps]]  # steps, and the series that it concerns


def event_days(
    calendar: pl.DataFrame,
    first_day: date,
    n_steps: int,
    n_series: int,
    ids: Sequence[str] | None = None,
    around: Sequence[int] = AROUND,
) -> EventDays:
    """Return the steps of each event and of the days around it, and the series it concerns.

    Parameters
    ----------
    calendar
        ``CALENDAR``.
    first_day, n_steps
        The span; a step is a day.
    n_series, ids
        The series; without ids, events of one category concern none.
    around
        Days before (negative) and after an event; 0 is the event itself, all its days.

    Raises
    ------
    UsageError
        If there are not as many ids as series.
    """
    everyone = positions(ids, n_series)
    found: dict[EventKey, set[int]] = {}
    for event, start, end, category in calendar.select("event", "ds", "end", "category").iter_rows():
        begins, ends = (start - first_day).days, (end - first_day).days
        for offset in around:
            at = range(begins, ends + 1) if offset == 0 else [(begins if offset < 0 else ends) + offset]
            steps = {step for step in at if 0 <= step < n_steps}
            if steps:
                found.setdefault(EventKey(event, offset, category), set()).update(steps)
    days = {}
    for key in sorted(found, key=lambda key: (key.event, key.category or "", key.offset)):
        # a day in an event is not a day around it
        within = found.get(EventKey(key.event, 0, key.category), set()) if key.offset else set()
        concerned = range(n_series) if key.category is None else everyone.get(key.category, [])
        steps = found[key] - within
        if steps and concerned:
            days[key] = np.array(sorted(steps)), np.array(concerned)
    return days


@dataclass(frozen=True)
class EventEffects:
    """What events did to each series, as known at the end of the past that it was learnt from."""

    days: EventDays
    effects: Mapping[EventKey, Floats]  # (n concerned,), on the log scale; only events that were seen
    rest: Floats  # (n_series, n_steps), past days over their usual level; NaN where that is not known

    @classmethod
    def learn(
        cls,
        y: Floats,
        calendar: pl.DataFrame,
        first_day: date,
        h: int = 0,
        ids: Sequence[str] | None = None,
        season_length: int = 7,
        around: Sequence[int] = AROUND,
    ) -> EventEffects:
        """Learn from a past ``y`` ``(n_series, n_steps)``; the other parameters as in ``WithEvents``."""
        z = np.log1p(np.maximum(y, 0.0))
        n_series, n_steps = z.shape
        days = event_days(calendar, first_day, n_steps + h, n_series, ids, around)
        past = {key: (steps[steps < n_steps], concerned) for key, (steps, concerned) in days.items()}
        quiet = z.copy()
        for steps, concerned in past.values():
            quiet[np.ix_(concerned, steps)] = np.nan
        usual = usual_level(quiet, season_length)
        return cls(days, _told_apart(z - usual, quiet - usual, past), z - usual)

    def without_events(self, y: Floats) -> Floats:
        """Return the past as it would have been without events: their days have the usual level.

        Only events that have an effect are taken out.
        """
        z = np.log1p(np.maximum(y, 0.0))
        for key, effect in self.effects.items():
            steps, concerned = self.days[key]
            at = np.ix_(concerned, steps[steps < z.shape[1]])
            usual = np.log1p(np.maximum(y[at], 0.0)) - np.where(np.isnan(self.rest[at]), effect[:, None], self.rest[at])
            z[at] = np.where(effect[:, None] != 0, usual, z[at])
        return np.maximum(np.expm1(z), 0.0)

    def with_events(self, forecast: Floats) -> Floats:
        """Return the forecast ``(n_series, h)`` of the steps after the past with the effects of events in it."""
        return np.expm1(np.log1p(np.maximum(forecast, 0.0)) + self.ahead(forecast.shape[1]))

    def ahead(self, h: int) -> Floats:
        """Return the effects on the next ``h`` steps, ``(n_series, h)``, on the log scale."""
        n_series, n_steps = self.rest.shape
        total = np.zeros((n_series, h))
        for key, effect in self.effects.items():
            steps, concerned = self.days[key]
            after = steps[(steps >= n_steps) & (steps < n_steps + h)] - n_steps
            total[np.ix_(concerned, after)] += effect[:, None]
        return total

    @property
    def unseen(self) -> tuple[str, ...]:
        """Events that are to come and of which no past day is known: nothing is put on the forecast for them."""
        to_come = {key.event for key, (steps, _) in self.days.items() if steps[-1] >= self.rest.shape[1]}
        return tuple(sorted(to_come - {key.event for key in self.effects}))

    @property
    def table(self) -> pl.DataFrame:
        """Every event and day around it, ``EFFECTS``."""
        rows = []
        for key, (steps, _) in self.days.items():
            effect = self.effects.get(key)
            note = "not_seen" if effect is None else "learnt" if effect.any() else "no_effect"
            ratio = 1.0 if effect is None else float(np.exp(effect.mean()))
            rows.append((*key, 0 if effect is None else int((steps < self.rest.shape[1]).sum()), ratio, note))
        return pl.DataFrame(rows, schema=EFFECTS, orient="row")


def usual_level(quiet: Floats, season_length: int) -> Floats:
    """Return the mean of the nearest same places in the season before and after each step; NaN with too few.

    Parameters
    ----------
    quiet
        ``(n_series, n_steps)``, NaN on days that do not count.
    season_length
        m.
    """
    n_steps = quiet.shape[1]
    total, count = np.zeros_like(quiet), np.zeros_like(quiet)
    for side in (-1, 1):
        taken = np.zeros_like(quiet)
        for k in range(1, FARTHEST + 1):
            at = np.arange(n_steps) + side * k * season_length
            value = np.where((at >= 0) & (at < n_steps), quiet[:, np.clip(at, 0, n_steps - 1)], np.nan)
            use = ~np.isnan(value) & (taken < NEIGHBOURS)
            total += np.where(use, value, 0.0)
            taken += use
        count += taken
    return np.where(count >= LEAST_NEIGHBOURS, total / np.maximum(count, 1), np.nan)


def _told_apart(rest: Floats, quiet: Floats, past: EventDays) -> dict[EventKey, Floats]:
    """Return the effects of the events whose days are known, those of events on the same day beside each other."""
    known = (~np.isnan(quiet)).sum(axis=1)
    noise = np.nansum(quiet**2, axis=1) / np.maximum(known, 1) + LEAST_VARIANCE
    noise = np.where(known >= LEAST_QUIET, noise, np.nan)
    seen = {
        key: (steps, concerned)
        for key, (steps, concerned) in past.items()
        if np.isfinite(rest[np.ix_(concerned, steps)] * noise[concerned, None]).any()
    }
    effects = {key: np.zeros(concerned.size) for key, (_, concerned) in seen.items()}
    total = np.zeros_like(rest)
    shared: dict[str | None, float] = {}
    for _ in range(SWEEPS):
        for key, (steps, concerned) in seen.items():
            if key.category not in shared:
                shared[key.category] = _shared_noise(quiet[concerned], noise[concerned])
            at = np.ix_(concerned, steps)
            own = rest[at] - total[at] + effects[key][:, None]
            effect = shrunk(own, noise[concerned], shared[key.category])
            total[at] += (effect - effects[key])[:, None]
            effects[key] = effect
    return effects


def _shared_noise(quiet: Floats, noise: Floats) -> float:
    """Return the variance of the weighted mean over series from day to day: what an event's day has without it."""
    mean = _weighted(quiet, 1.0 / noise)
    return float(np.nanmean(mean**2)) + LEAST_VARIANCE


def _weighted(values: Floats, weight: Floats) -> Floats:
    """Return the weighted mean over series of each column, NaN where there is none."""
    counted = np.where(np.isnan(values) | np.isnan(weight)[:, None], 0.0, weight[:, None])
    total = counted.sum(axis=0)
    return np.where(total > 0, (counted * np.nan_to_num(values)).sum(axis=0) / np.where(total > 0, total, 1.0), np.nan)


def shrunk(own: Floats, noise: Floats, shared: float) -> Floats:
    """Return each series' effect ``(n_series,)``, drawn towards the panel's and that towards zero.

    Parameters
    ----------
    own
        ``(n_series, n_days)``, what the event's days lay over their usual level; NaN where not known.
    noise
        ``(n_series,)``, variance of a day without events; NaN where not known.
    shared
        Variance of the mean of the panel on such a day.
    """
    usable = ~np.isnan(own) & ~np.isnan(noise)[:, None]
    count = usable.sum(axis=1)
    has = count > 0
    if not has.any():
        return np.zeros(len(own))
    mean = np.where(usable, own, 0.0).sum(axis=1)[has] / count[has]
    error = noise[has] / count[has]
    panel = np.sum(mean / error) / np.sum(1.0 / error)
    spread = max(float(np.sum((mean - panel) ** 2) / max(mean.size - 1, 1) - error.mean()), 0.0)
    weight = 1.0 / (error + spread)
    panel = np.sum(weight * mean) / np.sum(weight)
    by_day = _weighted(own, 1.0 / noise)
    by_day = by_day[~np.isnan(by_day)]
    day_noise = max(shared, float(by_day.var(ddof=1)) if by_day.size > 2 else 0.0)
    believed = max(1.0 - PENALTY * day_noise / by_day.size / max(panel**2, LEAST_VARIANCE), 0.0)
    effect = np.full(len(own), believed * panel)
    effect[has] += spread / (spread + error) * (mean - panel)
    return effect
