"""How often change points and effects of known events are found, and how often told where there is nothing.

    python benchmarks/population_detectors.py [--runs 200] [--worlds 20]

Change points: daily series with a strong weekday, of Poisson counts, of negative binomial counts (spread of 45 % beside
Poisson), and of counts whose rate is autocorrelated (AR(1), 0.3); a false alarm is any change in a stationary series,
a hit is a change within a week of the true day. Slow trends, and bursts that are shorter than a level and not known,
are shown beside, as changes per series. Effects: worlds
of the simulator; a false alarm is p < 0.05 on a category in a window in which nothing was planted, a hit the same
on the category of the planted social event.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.events.sources.simulator import Scenario, SocialEvent, simulate
from foretide.features.calendar import CALENDAR
from foretide.features.change_points import level_breaks
from foretide.features.effects import effects
from foretide.schema import Floats

WEEKDAYS = np.array([0.8, 0.75, 0.85, 0.97, 1.1, 1.35, 1.2])
PHI = 0.3
FALSE_ALARM_P = 0.05
N_DAYS = 365
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

Rng = np.random.Generator
Noise = Callable[[Rng, Floats], Floats]


def poisson(rng: Rng, mean: Floats) -> Floats:
    return rng.poisson(mean).astype(np.float64)


def negative_binomial(rng: Rng, mean: Floats) -> Floats:
    return poisson(rng, mean * rng.gamma(5, 1 / 5, mean.size))


def autoregression(rng: Rng, n: int) -> Floats:
    shocks = rng.standard_normal(n) * np.sqrt(1 - PHI**2)
    x = np.empty(n)
    x[0] = rng.standard_normal()
    for step in range(1, n):
        x[step] = PHI * x[step - 1] + shocks[step]
    return x


def autocorrelated(rng: Rng, mean: Floats) -> Floats:
    return poisson(rng, mean * np.exp(0.2 * autoregression(rng, mean.size) - 0.02))


def strongly_autocorrelated(rng: Rng, mean: Floats) -> Floats:
    return poisson(rng, mean * np.exp(0.45 * autoregression(rng, mean.size) - 0.1))


def share(rng: Rng, mean: Floats) -> Floats:
    """Return a ratio instead of a count: normal with autocorrelation, ten standard deviations from 0."""
    return 0.3 + 0.03 * autoregression(rng, mean.size)


NOISES: dict[str, tuple[Noise, float]] = {
    "Poisson, 0.1 a day": (poisson, 0.1),
    "Poisson, 2 a day": (poisson, 2),
    "Poisson, 100 a day": (poisson, 100),
    "negative binomial, 2 a day": (negative_binomial, 2),
    "negative binomial, 50 a day": (negative_binomial, 50),
    "AR .3, spread 20 %": (autocorrelated, 50),
    "AR .3, spread 45 %": (strongly_autocorrelated, 50),
    "share, AR .3": (share, 1),
}


def weekly(n_days: int, level: float) -> Floats:
    return np.asarray(level * WEEKDAYS[np.arange(n_days) % 7])


def false_alarms(rng: Rng, runs: int) -> None:
    print("False alarms of change points, share of series with any")
    for name, (noise, level) in NOISES.items():
        rates = []
        for n_days in (84, 365, 730):
            series = (noise(rng, weekly(n_days, level)) for _ in range(runs))
            rates.append(np.mean([level_breaks(y, count=noise is not share).size > 0 for y in series]))
        print(f"  {name:28}" + "".join(f"{rate:8.3f}" for rate in rates) + "   (84, 365, 730 days)")


def slow_trends(rng: Rng, runs: int) -> None:
    day = np.arange(N_DAYS)
    shapes = {
        "+ 40 % a year": np.exp(np.log(1.4) * day / 365),
        "season of 15 %": 1 + 0.15 * np.cos(day * np.pi / 182.5),
    }
    for name, shape in shapes.items():
        found = [level_breaks(poisson(rng, weekly(N_DAYS, 100) * shape), count=True).size for _ in range(runs)]
        print(f"  slow: {name}, Poisson 100 a day: {np.mean(found):.2f} changes a series")


def bursts(rng: Rng, runs: int) -> None:
    print("Bursts from day 200 of 365 on, Poisson 100 a day: changes a series (two if it is a level)")
    day = np.arange(N_DAYS)
    for size in (0.0, 1.5, 2.0, 3.0):
        line = f"  x{size}:"
        for length in (1, 3, 7, 10, 13, 21, 28):
            mean = weekly(N_DAYS, 100) * np.where((day >= 200) & (day < 200 + length), size, 1)
            found = [level_breaks(poisson(rng, mean), count=True).size for _ in range(runs)]
            line += f"  {length} days {np.mean(found):.2f}"
        print(line)


def power(rng: Rng, runs: int) -> None:
    print("Power of change points: found within 7 days of day 200 of 365, by the size of the step")
    for name in ("Poisson, 2 a day", "Poisson, 100 a day", "negative binomial, 50 a day", "AR .3, spread 20 %"):
        noise, level = NOISES[name]
        line = f"  {name:28}"
        for size in (1.1, 1.2, 1.5, 2.0):
            mean = weekly(N_DAYS, level) * np.where(np.arange(N_DAYS) < 200, 1, size)
            found = (level_breaks(noise(rng, mean), count=True) for _ in range(runs))
            line += f"  x{size}: {np.mean([bool(np.any(np.abs(breaks - 200) <= 7)) for breaks in found]):.2f}"
        print(line)


def effect_alarms(rng: Rng, worlds: int) -> None:
    print("False alarms of effects, share of p < 0.05 (600 users, 8 categories and everyone)")
    for length in (1, 7, 14):
        told = []
        for seed in range(worlds):
            world = simulate(Scenario(n_users=600, social_event=None, drift=None, seed=seed))
            first = [date(2025, 1, 1) + timedelta(days=int(n)) for n in rng.integers(40, N_DAYS - 60, 3)]
            days = [("nothing", day, day + timedelta(days=length - 1), None) for day in first]
            calendar = pl.DataFrame(days, schema=CALENDAR, orient="row")
            log = FrameBuckets(world.events)
            told += [effects(log, calendar, AS_OF, "category"), effects(log, calendar, AS_OF)]
        table = pl.concat(told)
        for name, rows in (("categories", pl.col("segment") != "all"), ("everyone", pl.col("segment") == "all")):
            p, q = table.filter(rows)["p_value"], table.filter(rows)["q_value"]
            print(
                f"  {length:2} days, {name:10}: {(p < FALSE_ALARM_P).mean():.3f} of {p.len()}, "
                f"q < 0.05: {(q < FALSE_ALARM_P).mean():.3f}"
            )


def effect_power(worlds: int) -> None:
    print("Effects of the planted social event (7 days, 600 users): size told, share found, share of intervals right")
    for size in (1.2, 1.5, 3.0):
        told = []
        for seed in range(worlds):
            event = SocialEvent(size=size)
            scenario = Scenario(n_users=600, social_event=event, drift=None, seed=seed)
            day = scenario.start + timedelta(days=scenario.day(event.day))
            days = [
                ("planted", day, day + timedelta(days=event.duration_days - 1), scenario.categories[event.category])
            ]
            calendar = pl.DataFrame(days, schema=CALENDAR, orient="row")
            told.append(effects(FrameBuckets(simulate(scenario).events), calendar, AS_OF, "category"))
        table = pl.concat(told)
        right = ((table["lo"] <= size) & (table["hi"] >= size)).mean()
        print(
            f"  x{size}: median {table['effect'].median():.2f}, found {(table['p_value'] < FALSE_ALARM_P).mean():.2f}, "
            f"in the interval {right:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--worlds", type=int, default=20)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    false_alarms(rng, chosen.runs)
    slow_trends(rng, chosen.runs)
    power(rng, chosen.runs)
    bursts(rng, chosen.runs)
    effect_alarms(rng, chosen.worlds)
    effect_power(chosen.worlds)


if __name__ == "__main__":
    main()
