"""Known events and covariates around any forecast: what they did in the past is taken out, and put on again ahead.

An event's effect on a series is how far its days lay from the usual level of their weekday, on the log scale. A
single series tells little of it, so that effects are drawn towards the mean over the panel, and that mean towards
zero, by how uncertain they are. Prices and promotions act through one slope for the panel.

References
----------
Efron and Morris (1975), Data analysis using Stein's estimator and its generalizations, JASA 70. Breiman (1995),
Better subset regression using the nonnegative garrote, Technometrics 37. Frisch and Waugh (1933), Partial time
regressions as compared with individual trends, Econometrica 1. Taylor and Letham (2018), Forecasting at scale, The
American Statistician 72 (holidays with days around them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.forecast.lags import LEAST_YEARS, YEAR_HARMONICS, YEAR_STEPS, waves
from foretide.forecast.method import Ahead, Method, carried
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
LEAST_VARIANCE = 1e-8
#: A priori standard deviation of a covariate's slope: an elasticity is seldom beyond a few units.
PRIOR_SLOPE = 2.0
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
    everyone = _positions(ids, n_series)
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


def _positions(ids: Sequence[str] | None, n_series: int) -> dict[str, list[int]]:
    if ids is not None and len(ids) != n_series:
        raise UsageError(f"there are {n_series} series but {len(ids)} ids; give one for each series")
    return {name: [i] for i, name in enumerate(ids or ())}


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


def covariate_steps(
    table: pl.DataFrame, first_day: date, n_steps: int, n_series: int, ids: Sequence[str] | None
) -> tuple[list[str], list[Floats]]:
    """Return the names of the covariates and their values, each ``(n_series, n_steps)``; NaN before the first.

    Parameters
    ----------
    table
        ``unique_id, ds, <name> ...``; without ``unique_id``, they are those of every series. A covariate that is
        always above zero (a price) counts by its log. A day without a value has the one before it, so that what is
        not known ahead stays as it was.
    first_day, n_steps, n_series, ids
        As in ``event_days``.

    Raises
    ------
    UsageError
        If ids are missing or a series' day comes twice.
    """
    where = _positions(ids, n_series)
    if "unique_id" in table.columns and ids is None:
        raise UsageError("covariates of single series need the ids of the series")
    names = [name for name in table.columns if name not in ("unique_id", "ds")]
    at = table.select((pl.col("ds").cast(pl.Date) - first_day).dt.total_days()).to_series().to_numpy()
    lone = "unique_id" in table.columns
    rows = [where.get(name, [-1])[0] for name in table["unique_id"].to_list()] if lone else [0] * table.height
    row = np.asarray(rows, dtype=np.int64)
    inside = (at >= 0) & (at < n_steps) & (row >= 0)
    place = row[inside] * n_steps + at[inside]
    if np.unique(place).size < place.size:
        raise UsageError("the covariates have a day twice; keep one row for each series and day")
    values = []
    for name in names:
        given = table[name].cast(pl.Float64).to_numpy()
        grid = np.full((n_series if lone else 1) * n_steps, np.nan)
        grid[place] = (np.log(given) if np.nanmin(given) > 0 else given)[inside]
        values.append(np.broadcast_to(carried(grid.reshape(-1, n_steps)), (n_series, n_steps)).copy())
    return names, values


def shared_slopes(z: Floats, known: Floats, season_length: int) -> Floats:
    """Return the slope of each covariate, ``(n_known,)``: by ridge, over all series, within each of them.

    On the scale of ``log(1 + y)`` a slope is an elasticity where counts are large, and nearer to zero where they are
    small, as what it is used for is. Level, trend, season and, with enough history, the place in the year are taken
    out of series and covariates alike, so that they are not mistaken for one another.

    Parameters
    ----------
    z
        ``(n_series, n_steps)``, on the log scale.
    known
        ``(n_known, n_series, n_steps)``.
    season_length
        m.
    """
    n_steps = z.shape[1]
    t = np.arange(n_steps)
    yearly = waves(t / YEAR_STEPS, YEAR_HARMONICS) if n_steps >= LEAST_YEARS * YEAR_STEPS else []
    plain = np.column_stack([np.ones(n_steps), t / n_steps, *yearly, np.eye(season_length)[t % season_length][:, 1:]])
    gram, moment = np.eye(len(known)) / PRIOR_SLOPE**2, np.zeros(len(known))
    usable = ~np.isnan(z) & ~np.isnan(known).any(axis=0)
    for i in range(len(z)):
        rows = usable[i]
        if rows.sum() < 2 * plain.shape[1]:
            continue
        both = np.column_stack([z[i, rows], known[:, i, rows].T])
        both = both - plain[rows] @ np.linalg.lstsq(plain[rows], both, rcond=None)[0]
        x, rest = both[:, 1:], both[:, 0]
        precision = 1.0 / (np.mean(rest**2) + LEAST_VARIANCE)
        gram += precision * x.T @ x
        moment += precision * x.T @ rest
    return np.linalg.solve(gram, moment).astype(np.float64)


@dataclass
class WithEvents(Method):
    """Any method, made aware of known events, prices and promotions.

    At each origin, what events and covariates did is learnt from the days before it alone, and taken out of the
    past; the method forecasts what is left; the effects of what is known to come are put on its forecast. An event
    without a past has no effect (``EventEffects.unseen``), and one that is over is not forecast on.

    Parameters
    ----------
    method
        What forecasts the past without events.
    calendar
        Known events, ``CALENDAR``, past and to come.
    dates
        Day of the first step of the panels that it is asked about; a step is a day.
    ids
        Names of the series; needed for events of one category and for covariates of single series.
    covariates
        ``unique_id, ds, <name> ...``, see ``covariate_steps``; what is missing ahead stays as it was.
    season_length
        Steps of a season.
    around
        Days around an event that have effects of their own.
    """

    pools: ClassVar[bool] = True

    method: Method
    calendar: pl.DataFrame
    dates: date
    ids: Sequence[str] | None = None
    covariates: pl.DataFrame | None = None
    season_length: int = 7
    around: Sequence[int] = AROUND

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        told = [self._from(y[:, :origin], h) for origin in origins]
        return Ahead(*(np.stack([answer[k] for answer in told], axis=1) for k in range(2)))

    def effects(self, y: Floats, h: int) -> EventEffects:
        """Return what is known of events at the end of ``y``, as the forecast uses it."""
        steady = self._steady(y, self._moves(y, h)[:, : y.shape[1]])
        return EventEffects.learn(steady, self.calendar, self.dates, h, self.ids, self.season_length, self.around)

    def slopes(self, y: Floats) -> dict[str, float]:
        """Return the slope of each covariate: of a price, its elasticity."""
        names, known = self._known(y, 0)
        slopes = shared_slopes(np.log1p(np.maximum(y, 0.0)), known, self.season_length)
        return dict(zip(names, slopes.tolist(), strict=True))

    def _from(self, y: Floats, h: int) -> tuple[Floats, Floats]:
        n_steps = y.shape[1]
        moves = self._moves(y, h)
        steady = self._steady(y, moves[:, :n_steps])
        events = EventEffects.learn(steady, self.calendar, self.dates, h, self.ids, self.season_length, self.around)
        told = self.method.ahead(events.without_events(steady), [n_steps], h)
        shift = events.ahead(h) + moves[:, n_steps:]
        mean, median = (np.expm1(np.log1p(np.maximum(part[:, 0], 0.0)) + shift) for part in told)
        return np.maximum(mean, 0.0), np.maximum(median, 0.0)

    def _moves(self, y: Floats, h: int) -> Floats:
        """Return what covariates do beside where they stand at the end, ``(n_series, n_steps + h)``, as logs."""
        n_series, n_steps = y.shape
        if self.covariates is None:
            return np.zeros((n_series, n_steps + h))
        known = self._known(y, h)[1]
        slopes = shared_slopes(np.log1p(np.maximum(y, 0.0)), known[..., :n_steps], self.season_length)
        return np.tensordot(slopes, np.nan_to_num(known - known[..., n_steps - 1 : n_steps]), axes=1)

    def _known(self, y: Floats, h: int) -> tuple[list[str], Floats]:
        n_series, n_steps = y.shape
        if self.covariates is None:
            return [], np.empty((0, n_series, n_steps + h))
        names, known = covariate_steps(self.covariates, self.dates, n_steps + h, n_series, self.ids)
        return names, np.stack(known)

    @staticmethod
    def _steady(y: Floats, moves: Floats) -> Floats:
        return np.maximum(np.expm1(np.log1p(np.maximum(y, 0.0)) - moves), 0.0)
