"""Whether intervals can know that weeks will be hard: from the same weeks a year before, or from holidays to come.

    python benchmarks/hard_weeks.py

Origins before the test only. A step counts as hard if the series of the panel changed more than usual in the same week
a year before (364 days: the same weekday), or if it lies within days of a public holiday. Told are the coverage on hard
and on other steps, and what widening the intervals by the power of last year's change does to both and to the loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import holidays
import numpy as np

from foretide.evaluate.metrics import coverage, pinball
from foretide.forecast.engine import run
from foretide.forecast.intervals import usual_change
from foretide.schema import Floats, Panel
from panels import Task, tasks

LEVELS = (80, 95)
YEAR, WEEK = 364, 7
#: A week is hard if it changed this many times as much as usual a year before.
HARD = 2.0
POWERS = (0.0, 0.25, 0.5, 1.0)
#: Days before and after a holiday that count as hard.
NEAR_DAYS = 3
#: First day of the panels of Complete Journey.
FIRST_DAY = date(2017, 1, 2)

Told = tuple[Floats, Floats, dict[int, tuple[Floats, Floats]]]  # what happened, medians, bounds, each (n_series, h)


def forecasts(task: Task, origins: list[int]) -> Iterator[Told]:
    """Yield what happened after each origin, the medians and the intervals."""
    for origin in origins:
        told = run(task.panel.until(origin), task.h, LEVELS, task.season_length, models=()).forecast
        yield task.panel.y[:, origin : origin + task.h], told.median, dict(told.intervals)


def last_year(panel: Panel, origin: int, h: int) -> Floats:
    """Return how much the panel changed around the same days a year before, in units of the usual change, ``(h,)``."""
    before = origin - YEAR
    usual = usual_change(panel.y[:, :before], [before], WEEK)
    days = np.arange(before - WEEK // 2, before + h + WEEK // 2)
    change = np.nanmean(np.abs(panel.y[:, days] - panel.y[:, days - WEEK]) / usual, axis=0)
    return np.convolve(change, np.full(WEEK, 1 / WEEK), mode="valid")


def widened(told: Told, factor: Floats) -> dict[int, tuple[Floats, Floats]]:
    """Return bounds that are further from the median by a factor for each step, not below zero."""
    _, median, bounds = told
    return {
        level: (np.maximum(median - factor * (median - lo), 0.0), median + factor * (hi - median))
        for level, (lo, hi) in bounds.items()
    }


def quality(told: list[Told], factors: list[Floats], hard: list[Floats]) -> str:
    """Return coverage on hard steps, on others and on all, and the quantile loss on all."""
    wide = [widened(one, factor) for one, factor in zip(told, factors, strict=True)]
    came = np.concatenate([one[0] for one in told], axis=1)
    is_hard = np.concatenate(hard)
    words, loss = [], pinball(came, np.concatenate([one[1] for one in told], axis=1), 0.5)
    for level in LEVELS:
        lo, hi = (np.concatenate([one[level][side] for one in wide], axis=1) for side in (0, 1))
        parts = [is_hard, ~is_hard, np.full(is_hard.size, True)]
        cover = [coverage(came[:, at], lo[:, at], hi[:, at]) if at.any() else np.nan for at in parts]
        words.append(f"{level}: hard {cover[0]:.3f}, other {cover[1]:.3f}, all {cover[2]:.3f}")
        tail = (1 - level / 100) / 2
        loss += pinball(came, lo, tail) + pinball(came, hi, 1 - tail)
    return f"{'; '.join(words)}; quantile loss {loss:.4g}; {is_hard.mean():.0%} hard"


def by_last_year(task: Task) -> None:
    """Judge widening by last year's change, at origins two years into a panel and before its test."""
    n = task.panel.n_steps
    origins = list(range(2 * YEAR, n - 3 * task.h + 1, task.h // 2))
    if not origins:
        print(f"{task.name}: {n} steps, no year before")
        return
    told = list(forecasts(task, origins))
    change = [last_year(task.panel, origin, task.h) for origin in origins]
    hard = [each > HARD for each in change]
    print(f"{task.name}: {len(origins)} origins from {origins[0]} to {origins[-1]}")
    for power in POWERS:
        print(f"  power {power}: {quality(told, [np.maximum(each, 1.0) ** power for each in change], hard)}")


def by_holidays(task: Task) -> None:
    """Judge whether days near a holiday are hard in a panel of one year of the United States."""
    feasts = holidays.country_holidays("US", years=2017)
    told = list(forecasts(task, list(task.validation)))
    days = [[FIRST_DAY + timedelta(days=origin + k) for k in range(task.h)] for origin in task.validation]
    near = [timedelta(days=k) for k in range(-NEAR_DAYS, NEAR_DAYS + 1)]
    hard = [np.array([any(day + k in feasts for k in near) for day in each]) for each in days]
    print(f"{task.name}, near holidays: {quality(told, [np.ones(task.h)] * len(told), hard)}")


def main() -> None:
    for task in tasks():
        if task.season_length != WEEK:
            continue
        by_last_year(task)
        if task.name.startswith("purchases"):
            by_holidays(task)


if __name__ == "__main__":
    main()
