"""Days on which the level of a daily rate changes, and by how much.

Each rate is brought to a scale on which its noise is even, the weekday is taken out, and pruned exact segmentation
(PELT; Killick, Fearnhead, Eckley 2012) finds the days on which its mean moves. What a break must gain in squared
error is a multiple of the long-run variance, which is measured between weeks, so that noise that lasts for some
days is not taken for a change. Ours: a break must also be a step against the slope around it, so that a slow trend
is not told as a staircase; and what lasts for less than a fortnight is no level, but a burst, and is taken out.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm, poisson

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.calendar import days_of_events
from foretide.features.daily_rates import TOP_CATEGORIES, daily_rates, unknown_on
from foretide.features.rule import LifecycleRule
from foretide.features.series import WEEK
from foretide.schema import Floats

#: Shorter series are not judged; a level lasts for a fortnight at least.
LEAST_DAYS = 56
LEAST_LEVEL_DAYS = 14
#: A level is told as the mean of at most this many days beside the break. A known event that goes on for longer is a
#: level of its own.
LEVEL_DAYS = 28
#: A break must gain this many long-run variances for each unit of log(days). Chosen in
#: ``benchmarks/population_detectors.py``: at most 5 % of stationary series have a false alarm.
PENALTY = 3.2
#: A break must be a step of so many standard errors beside a common slope of this many days on either side.
LEAST_STEP_Z = 3.0
SLOPE_DAYS = 84
#: The part of the differences between weeks, the largest, that may be changes and is left out of the variance.
TRIMMED = 0.2

#: Stands for 0 under a fraction line.
TINY = 1e-12

#: ``ds`` is the first day of the new level; levels are means in the units of the rate, null ratio from 0.
CHANGE_POINTS = pl.Schema(
    {"series": pl.String(), "ds": pl.Date(), "before": pl.Float64(), "after": pl.Float64(), "ratio": pl.Float64()}
)

Longs = NDArray[np.int64]


def change_points(
    buckets: Buckets,
    as_of: datetime,
    rule: LifecycleRule | None = None,
    top: int = TOP_CATEGORIES,
    engine: Engine | None = None,
    calendar: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the days on which a daily rate changed, ``CHANGE_POINTS``.

    Parameters
    ----------
    buckets, as_of, rule, top, engine
        As in ``daily_rates``.
    calendar
        Known events, ``calendar.CALENDAR``: the days of those that go on for ``LEVEL_DAYS`` at most say nothing of a
        level.

    Raises
    ------
    NotEnoughDataError
        If there is no whole day with an event before ``as_of``.
    """
    rates = of_the_log(daily_rates(buckets, as_of, rule, top, engine))
    return changes_of(rates if calendar is None else unknown_on(rates, _short(calendar, rates["ds"].unique())))


def _short(calendar: pl.DataFrame, days: pl.Series) -> pl.Series:
    """Return the days on which a known event goes on that is too short for a level."""
    short = calendar.filter((pl.col("end") - pl.col("ds")).dt.total_days() < LEVEL_DAYS)
    return days.filter(days_of_events(short, days.to_numpy().astype("datetime64[D]")))


def of_the_log(rates: pl.DataFrame) -> pl.DataFrame:
    """Leave out the days after the last one with an event: the log says nothing of them."""
    last = rates.filter(pl.col("series") == "daily_users", pl.col("y") > 0)["ds"].max()
    return rates.filter(pl.col("ds") <= last)


def changes_of(rates: pl.DataFrame) -> pl.DataFrame:
    """Return the changes in rates (``daily_rates.RATES``), ``CHANGE_POINTS`` in the order of the series.

    Series with fewer than ``LEAST_DAYS`` days have none.
    """
    found = [CHANGE_POINTS.to_frame()]
    for (name,), rate in rates.group_by("series", maintain_order=True):
        known = rate.filter(pl.col("y").is_not_null())
        if known.height < LEAST_DAYS:
            continue
        y = filled(rate["y"].to_numpy())
        breaks = level_breaks(y, count=rate["n"].null_count() == rate.height)
        before, after = levels(y, breaks)
        table = {"series": [name] * breaks.size, "ds": rate["ds"].gather(breaks), "before": before, "after": after}
        ratio = pl.when(pl.col("before") > 0).then(pl.col("after") / pl.col("before"))
        found.append(pl.DataFrame(table).with_columns(ratio=ratio).cast(CHANGE_POINTS))
    return pl.concat(found)


def levels(y: Floats, breaks: Longs) -> tuple[Floats, Floats]:
    """Return the level before and after each break, ``(n_breaks,)``: means of the days around it.

    They are of ``LEVEL_DAYS`` days at most and end at the neighbouring breaks: what happened months away does not
    turn a rise into a fall. Weekdays multiply the levels, so that a level of nothing stays nothing.
    """
    edges = np.array([0, *breaks, y.size])
    sums = np.add.reduceat(y, edges[:-1])
    weekday = np.arange(y.size) % WEEK
    plain = np.repeat(sums / np.diff(edges), np.diff(edges))
    factor = np.bincount(weekday, y, WEEK) / np.maximum(np.bincount(weekday, plain, WEEK), TINY)
    usual = np.append(0.0, np.cumsum((factor / max(factor.mean(), TINY))[weekday]))
    total = np.append(0.0, np.cumsum(y))
    begin, end = np.maximum(edges[:-2], breaks - LEVEL_DAYS), np.minimum(edges[2:], breaks + LEVEL_DAYS)
    before = (total[breaks] - total[begin]) / np.maximum(usual[breaks] - usual[begin], TINY)
    return before, (total[end] - total[breaks]) / np.maximum(usual[end] - usual[breaks], TINY)


def filled(y: Floats) -> Floats:
    """Return a daily series, ``(n_days,)``, with gaps (NaN) closed: from the same weekday before and after if any."""
    x, step = y.copy(), np.arange(y.size)
    for weekday in range(WEEK):
        alike = step % WEEK == weekday
        known = alike & ~np.isnan(y)
        if known.any():
            x[alike] = np.interp(step[alike], step[known], y[known])
    known = ~np.isnan(x)  # a shop that is closed on Sundays
    return np.asarray(np.interp(step, step[known], x[known]))


def level_breaks(y: Floats, *, count: bool) -> Longs:
    """Return the steps on which a new level of a daily series begins, ascending.

    Parameters
    ----------
    y
        ``(n_days,)``, without gaps.
    count
        Whether these are counts, whose noise grows with their level; it is then taken to be at least Poisson.
    """
    x = without_weekday(2 * np.sqrt(np.maximum(y, 0) + 3 / 8) if count else y)  # Anscombe: even noise
    variance = max(long_run_variance(x), _poisson_variance(y.mean()) if count else 0.0, 1e-9 * float(x.var()))
    if variance < 1e-18:
        return np.array([], dtype=np.int64)
    x = without_bursts(x / np.sqrt(variance))
    return _steps(x, _breaks(x, LEAST_LEVEL_DAYS))


def without_bursts(x: Floats) -> Floats:
    """Return a series without weekdays, of long-run variance 1, without what lasts for less than a level.

    The shortest spell between two breaks is closed as a gap is, then breaks are looked for again: so it is the burst
    that goes, and not the few days between two of them.
    """
    gone = np.zeros(x.size, dtype=np.bool_)
    while True:
        edges = np.array([0, *_breaks(x, 1), x.size])
        length = np.diff(edges)
        shut = np.logical_and.reduceat(gone, edges[:-1])
        length[shut] = x.size
        shortest = int(np.argmin(length))
        gone[edges[shortest] : edges[shortest + 1]] = True
        if length[shortest] >= LEAST_LEVEL_DAYS or gone.all():
            return x
        x = filled(np.where(gone, np.nan, x))


def _breaks(x: Floats, least_days: int) -> Longs:
    """Return where the mean of a series of long-run variance 1 moves, in spells of so many days or more."""
    import ruptures

    pelt = ruptures.KernelCPD(kernel="linear", min_size=least_days)
    found = pelt.fit(x[:, None]).predict(pen=PENALTY * np.log(x.size))
    return np.array(found[:-1], dtype=np.int64)


def without_weekday(y: Floats) -> Floats:
    """Return a daily series without what each weekday differs from the week around it, ``(n_days,)``."""
    middle = np.convolve(y, np.full(WEEK, 1 / WEEK), "valid")
    half = WEEK // 2
    weekday = np.arange(y.size) % WEEK
    inside = weekday[half : half + middle.size]
    effect = np.bincount(inside, y[half : half + middle.size] - middle, WEEK) / np.bincount(inside, minlength=WEEK)
    return y - (effect - effect.mean())[weekday]


def long_run_variance(x: Floats) -> float:
    """Return the variance of a daily series as it shows in means over many days, whatever its levels.

    The larger of two estimates, from differences between weeks (which noise that lasts for days makes larger) and
    between days, the largest ``TRIMMED`` part left out as they may be changes.
    """
    weeks = x[x.size % WEEK :].reshape(-1, WEEK).mean(axis=1)
    return max(WEEK * _trimmed(np.diff(weeks)), _trimmed(np.diff(x)))


def _trimmed(differences: Floats) -> float:
    """Return half the mean square of differences, as if normal and untrimmed."""
    kept = np.sort(differences**2)[: int(np.ceil(differences.size * (1 - TRIMMED)))]
    z = norm.ppf(1 - TRIMMED / 2)
    part = (1 - TRIMMED) - 2 * z * norm.pdf(z)  # of the variance that is below the quantile
    return float(kept.mean()) * (1 - TRIMMED) / part / 2


def _poisson_variance(mean: float) -> float:
    """Return the variance of the Anscombe transform of a Poisson count."""
    counts = np.arange(poisson.ppf(1 - 1e-9, mean) + 1)
    x, weight = 2 * np.sqrt(counts + 3 / 8), poisson.pmf(counts, mean)
    return float(weight @ x**2 - (weight @ x) ** 2)


def _steps(x: Floats, breaks: Longs) -> Longs:
    """Keep the breaks that are steps beside a common slope; ``x`` with long-run variance 1."""
    kept: list[int] = []
    edges = [*breaks.tolist(), x.size]
    for place, at in enumerate(edges[:-1]):
        begin, end = max(kept[-1] if kept else 0, at - SLOPE_DAYS), min(edges[place + 1], at + SLOPE_DAYS)
        day = np.arange(begin, end)
        step = (day >= at).astype(np.float64)
        design = np.stack([np.ones(day.size), day - at, step], axis=1)
        inverse = np.linalg.inv(design.T @ design)
        z = (inverse @ design.T @ x[begin:end])[2] / np.sqrt(inverse[2, 2])
        if abs(z) >= LEAST_STEP_Z:
            kept.append(at)
    return np.array(kept, dtype=np.int64)
