"""Power and false alarms of the tests for drift of interests and change of habits.

    python benchmarks/detector_power.py [--users 4000] [--seeds 5] [--first-seed 0]

Made up: users with a mix of 8 categories of their own (Dirichlet), events on random days of 112; in a tenth of them
80 % of the main category's share moves to another category in the last 28 days. "Baskets" of four events share a day
and a category. Simulated: the log of ``foretide demo --data simulated`` with its planted drift (40 % of all interest
moves) and habit change (8 hours), asked 28 days after the change, with users who have 100 events (20 visits) or more
in the 112 days. Beside the test stand what it replaces: the chi-squared law of G with the same correction, and the
naive rule "Jensen-Shannon divergence above .1 bit". Power is told among the users with a planted change, false alarms
among those without, at a false discovery rate of 5 %. Last, how often small p-values come to users without a change,
as a multiple of how often they should; and what is told of users who became more or less active with the same mix, and
of users with an event a day whose interest lasts some days, both without a change.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from scipy import stats

from foretide.events.records import FrameBuckets
from foretide.events.sources.simulator import Drift, HabitChange, Scenario, simulate
from foretide.features.drift import RECENT_DAYS, REFERENCE_DAYS, What, drift

END = datetime(2025, 1, 1, tzinfo=UTC)
N_CATEGORIES = 8
RATE = 0.05
NAIVE_BITS = 0.1
CHANGED_SHARE = 0.1
N_SPEED, N_CALM = 100_000, 60_000
SMALL = (0.05, 0.01, 0.005, 0.002, 0.001, 0.0005)
MOVED = 0.8
#: Events, and visits (blocks of four hours), from which the simulated users are judged.
LEAST = {"interests": 100, "habits": 20}
CELLS = {"interests": N_CATEGORIES, "habits": 12}
#: Events a day now and before, and categories, all as likely: users who did not change but in how active they are.
ACTIVITY = ((6, 2, 300), (2, 6, 300), (1, 6, 300), (1, 12, 300), (1, 10, 20))
LASTING_DAYS = (2, 5, 10)
N_STEADY = 2_000


def made_up(
    rng: np.random.Generator, n_users: int, n_events: int, basket: int, changed_share: float = CHANGED_SHARE
) -> tuple[FrameBuckets, set[str]]:
    """Return events, and the users in whom a change is planted."""
    planted = {f"u{user}" for user in range(int(n_users * changed_share))}
    ages, categories = [], []
    for user in range(n_users):
        mix = rng.dirichlet(np.ones(N_CATEGORIES))
        after = mix.copy()
        main, other = np.argsort(mix)[-1], rng.integers(0, N_CATEGORIES - 1)
        after[main] -= MOVED * mix[main]
        after[other + (other >= main)] += MOVED * mix[main]
        age = rng.uniform(0, RECENT_DAYS + REFERENCE_DAYS, n_events // basket)
        now = age < RECENT_DAYS
        drawn = rng.choice(N_CATEGORIES, age.size, p=mix)
        if f"u{user}" in planted:
            drawn[now] = rng.choice(N_CATEGORIES, now.sum(), p=after)
        ages.append(np.repeat(age, basket))
        categories.append(np.repeat(drawn, basket))
    users = np.repeat(np.arange(n_users), [len(age) for age in ages])
    return of_events(users, np.concatenate(ages), np.concatenate(categories)), planted


def of_events(user: np.ndarray, age: np.ndarray, category: np.ndarray) -> FrameBuckets:
    """Return events by user, days before the end, and category, sorted by user and time."""
    frame = pl.DataFrame({"user": user, "us": (age * 86.4e9).astype(int), "category": category})
    frame = frame.select(
        user_id=pl.format("u{}", "user"),
        ts=(pl.lit(END) - pl.duration(microseconds=pl.col("us") + 1)).dt.cast_time_unit("us"),
        category=pl.col("category").cast(pl.String),
        tz_offset_min=pl.lit(None, pl.Int16),
    )
    return FrameBuckets(frame)


def active(rng: np.random.Generator, now: int, before: int, n_categories: int) -> FrameBuckets:
    """Return users who come on half the days and do more or less than before, of the same."""
    n_days = RECENT_DAYS + REFERENCE_DAYS
    age = np.tile(np.arange(n_days) + 0.5, N_STEADY)
    n = np.where(rng.random(age.size) < 0.5, np.where(age < RECENT_DAYS, now, before), 0)
    user = np.repeat(np.arange(N_STEADY), n_days)
    return of_events(np.repeat(user, n), np.repeat(age, n), rng.integers(0, n_categories, n.sum()))


def lasting(rng: np.random.Generator, days: int) -> FrameBuckets:
    """Return users with an event a day, whose interest is drawn anew after so many days on average."""
    n_days = RECENT_DAYS + REFERENCE_DAYS
    category = np.empty((N_STEADY, n_days), int)
    for user in range(N_STEADY):
        drawn = rng.choice(N_CATEGORIES, n_days, p=rng.dirichlet(np.ones(N_CATEGORIES)))
        new = rng.random(n_days) < 1 / days
        new[0] = True
        category[user] = drawn[np.maximum.accumulate(np.where(new, np.arange(n_days), 0))]
    ages = np.tile(np.arange(n_days) + 0.5, N_STEADY)
    return of_events(np.repeat(np.arange(N_STEADY), n_days), ages, category.ravel())


def steady(seed: int) -> None:
    """Tell what is said of users who did not change."""
    rng = np.random.default_rng(seed)
    worlds = {f"{now} events a day, {before} before, {n} categories": active(rng, now, before, n)
              for now, before, n in ACTIVITY}  # fmt: skip
    worlds |= {f"an interest lasts {days} days": lasting(rng, days) for days in LASTING_DAYS}
    for name, log in worlds.items():
        table = drift(log, END)
        p, p_least = table["p_value"], table["p_least"]
        print(
            f"no change, {name:40} | p <= .05 {(p <= 0.05).mean():.3f}, <= .01 {(p <= 0.01).mean():.3f} | "
            f"changed {table['changed'].mean():.3f} | excess {table['excess'].mean():+.4f} | exploration "
            f"{table['exploration'].mean():.3f}, expected {table['exploration_expected'].mean():.3f} | "
            f"too few days {(p_least > 0.01).mean():.2f}",
            flush=True,
        )


def simulated(seed: int, what: What) -> tuple[FrameBuckets, set[str], datetime]:
    """Return a simulated log, the users in whom a change is planted, and the moment to ask at."""
    ago = -RECENT_DAYS
    scenario = Scenario(
        seed=seed, n_users=2000, n_days=240, newcomer_share=0.2, social_event=None,
        drift=replace(Drift(), day=ago) if what == "interests" else None,
        habit_change=replace(HabitChange(), day=ago) if what == "habits" else None,
    )  # fmt: skip
    world = simulate(scenario)
    column = "drift_day" if what == "interests" else "habit_day"
    planted = set(world.truth.users.filter(pl.col(column).is_not_null())["user_id"])
    end = datetime.combine(scenario.start, datetime.min.time(), UTC) + timedelta(days=scenario.n_days)
    return FrameBuckets(world.events), planted, end


def verdicts(table: pl.DataFrame, n_cells: int) -> pl.DataFrame:
    """Add what the chi-squared law and the naive rule say."""
    n = table["n_recent"] + table["n_reference"]
    p = stats.chi2.sf((2 * np.log(2) * n * table["divergence"]).to_numpy(), n_cells - 1)
    q = stats.false_discovery_control(p)
    return table.with_columns(chi_squared=pl.Series(q <= RATE), naive=pl.col("divergence") > NAIVE_BITS)


def tell(name: str, tables: list[tuple[pl.DataFrame, set[str]]], n_cells: int = N_CATEGORIES) -> None:
    rows = pl.concat(
        verdicts(table, n_cells).with_columns(planted=pl.col("user_id").is_in(planted)) for table, planted in tables
    )
    words = [f"{name:44}"]
    for rule in ("changed", "chi_squared", "naive"):
        power, alarms = (rows.filter(pl.col("planted") == there)[rule].mean() for there in (True, False))
        found = rows.filter(rule)
        discovery = found.select((~pl.col("planted")).mean()).item() if found.height else 0.0
        words.append(f"{rule}: power {_share(power)} false alarms {_share(alarms)} of found {_share(discovery)}")
    print(" | ".join(words), flush=True)


def _share(x: object) -> str:
    return "  - " if x is None else f"{x:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--users", type=int, default=4_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    for n_events, basket in ((10, 1), (40, 1), (80, 1), (120, 1), (240, 1), (240, 4), (480, 4)):
        made = [made_up(np.random.default_rng(seed), asked.users, n_events, basket) for seed in seeds]
        tables = [(drift(log, END, rate=RATE), planted) for log, planted in made]
        tell(f"made up, {n_events} events, baskets of {basket}", tables)
    for what in ("interests", "habits"):
        worlds = [simulated(seed, what) for seed in seeds]  # type: ignore[arg-type]
        tables = [(drift(log, end, what, RATE), planted) for log, planted, end in worlds]  # type: ignore[arg-type]
        least = LEAST[what]
        tell(
            f"simulated, {what}, {least} or more",
            [(busy(table, least), planted) for table, planted in tables],
            CELLS[what],
        )
    steady(asked.first_seed)
    calibration(asked.first_seed)
    speed()


def busy(table: pl.DataFrame, least: int) -> pl.DataFrame:
    return table.filter(pl.col("n_recent") + pl.col("n_reference") >= least)


def calibration(seed: int) -> None:
    for n_events, basket in ((40, 1), (80, 1), (240, 1), (240, 4)):
        log, _ = made_up(np.random.default_rng(seed), N_CALM, n_events, basket, changed_share=0.0)
        p = drift(log, END)["p_value"]
        times = ", ".join(f"{small}: {(p <= small).mean() / small:.2f}" for small in SMALL)  # type: ignore[operator]
        print(
            f"p-values, {n_events} events in baskets of {basket}, times as often as they should | {times}", flush=True
        )


def speed() -> None:
    log, _ = made_up(np.random.default_rng(0), N_SPEED, 40, 1)
    for what in ("interests", "habits"):
        wall, cpu = time.perf_counter(), time.process_time()
        n = drift(log, END, what).height  # type: ignore[arg-type]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{what}: {n / wall:,.0f} of {n:,} users of 40 events tested in a second, {n / cpu:,.0f} in a CPU second")


if __name__ == "__main__":
    main()
