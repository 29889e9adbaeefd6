"""The stage mix 28 days ahead, on three public logs and three simulated ones, beside simpler forecasts.

Rolling origins a fortnight apart. Printed is the mean absolute error of the shares in points, over stages and origins,
28 days ahead and over all 28 days: of the outlook, of each forecast in it, of Markov chains and of no change at all;
what chance alone is worth; and how many shares lay in the intervals. All was chosen on ``--validate``: origins whose
horizon was over by the first tested one.

Of Markov chains there are a static one, with one matrix from the moves of all days before the origin (and arrivals at
their mean of 28 days, or of all days), and rolling ones with the mean moves and arrivals of the last 28 and 56 days.

Run: python benchmarks/stage_mix.py [--validate] [--speed N_USERS] [NAME ...]   ($FORETIDE_DATA: the data)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.events.sources.simulator import scenario_defaults, simulate
from foretide.features.now import default_as_of
from foretide.schema import STAGES
from foretide.users.population import Past, as_mix, chain, direct, read_past
from foretide.users.stages import stage_outlook
from foretide.users.walk import Setting, flows
from foretide.users.whatif import what_if
from outlook_backtest import RULE, cdnow, complete_journey, movietweetings

H = 28
APART = 14
N_TESTED = 4
N_VALIDATED = 8
#: Days of a log before the first origin.
LEAST_KNOWN = 60
LEVELS = (80, 95)


def simulated(domain: str) -> FrameBuckets:
    return FrameBuckets(simulate(replace(scenario_defaults[domain], n_users=4000, n_days=365)).events)


LOGS: dict[str, Callable[[], FrameBuckets]] = {
    "Complete Journey": complete_journey,
    "MovieTweetings": movietweetings,
    "CDNOW": cdnow,
    "simulated shop": partial(simulated, "ecommerce"),
    "simulated video": partial(simulated, "video"),
    "simulated network": partial(simulated, "social"),
}


def origins(n_days: int, validate: bool) -> list[int]:
    """Return numbers of known days."""
    last = n_days - H
    if not validate:
        return [last - k * APART for k in range(N_TESTED)][::-1]
    last -= (N_TESTED - 1) * APART + H
    room = [last - k * APART for k in range((last - LEAST_KNOWN) // APART + 1)]
    return room[:: max(1, len(room) // N_VALIDATED)][::-1]


def judge(name: str, validate: bool) -> None:
    log = LOGS[name]()
    whole = read_past(log, default_as_of(log, log.frame["ts"].max()), H, RULE)
    errors: dict[str, list[np.ndarray]] = {}
    inside = {level: [] for level in LEVELS}
    alone: list[float] = []
    begin = time.process_time()
    chosen = origins(whole.n_days, validate)
    for origin in chosen:
        told = stage_outlook(log, whole.midnights[origin], H, RULE, LEVELS)
        alone.append(chance_alone(told.basis.setting))
        happened = whole.shares[origin : origin + H]
        mixes = rivals(whole, origin) | {
            "outlook": told.stages["share"].to_numpy().reshape(H, len(STAGES)),
            "walks": as_mix(flows(told.basis.setting).sum(axis=1)[:, 1:]),
        }
        for model, mix in mixes.items():
            errors.setdefault(model, []).append(100 * np.abs(mix - happened))
        for level in LEVELS:
            lo, hi = (told.stages[f"share-{side}-{level}"].to_numpy().reshape(H, -1) for side in ("lo", "hi"))
            inside[level].append(((happened >= lo - 1e-12) & (happened <= hi + 1e-12)).mean())
    print(f"\n{name}: {len(chosen)} origins, days {chosen[0]} to {chosen[-1]} of {whole.n_days}, "
          f"{(time.process_time() - begin) / len(chosen):.1f} CPU-s an outlook")  # fmt: skip
    by_origin = ", ".join(f"{origin}: {e[-1].mean():.2f}" for origin, e in zip(chosen, errors["outlook"], strict=True))
    print(f"the outlook's error on day 28 by origin: {by_origin}")
    print(f"day 28, chance alone: {np.mean(alone):.3f}")
    print("coverage:", ", ".join(f"{np.mean(hits):.3f} at {level}" for level, hits in inside.items()))
    static, rolling = (np.mean([e[-1] for e in errors[name]]) for name in ("static chain", "rolling chain, 28 d"))
    for model, points in errors.items():
        last = np.mean([e[-1] for e in points])
        worst = np.mean([e[-1] for e in points], axis=0).max()
        beside = f"{last / static - 1:+.1%} of static, {last / rolling - 1:+.1%} of rolling"
        print(f"  {model:20s} day 28 {last:6.3f} ({beside}), worst stage {worst:6.3f}, all days {np.mean(points):6.3f}")


def chance_alone(start: Setting) -> float:
    """Return what the mix of the last day is off if every chance is known: a world beside the mean of all worlds."""
    worlds = [flows(replace(start, seed=seed), n_walks=1)[-1].sum(axis=0)[1:] for seed in range(10)]
    return 100 * float(np.std(as_mix(np.array(worlds)), axis=0, ddof=1).mean()) * np.sqrt(2 / np.pi)


def rivals(whole: Past, origin: int) -> dict[str, np.ndarray]:
    new = np.full(H, whole.new[max(origin - 28, 0) : origin].mean())
    return {
        "rolling chain, 28 d": chain(whole, origin, H, 28),
        "rolling chain, 56 d": chain(whole, origin, H, 56),
        "static chain": chain(whole, origin, H, origin, new),
        "static, all arrivals": chain(whole, origin, H, origin),
        "series": direct(whole, origin, H),
        "no change": np.repeat(whole.shares[origin - 1 : origin], H, axis=0),
    }


def speed(n_users: int) -> None:
    """Print what the outlook of a made-up year with ten events a user takes."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(n_users), 10)
    day = np.sort((rng.random(n_users) * 330)[user] + rng.exponential(20, user.size)).clip(max=364.9)
    ts = pl.Series(day * 86_400e6).cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
    events = pl.DataFrame({"user_id": pl.Series(user).cast(pl.String), "ts": ts, "event_type": "view", "value": 1.0})
    log = FrameBuckets(events)
    stage_outlook(FrameBuckets(events.head(20_000)), datetime(1970, 2, 1, tzinfo=UTC), H)  # compiles
    wall, cpu = time.perf_counter(), time.process_time()
    told = stage_outlook(log, datetime(1971, 1, 1, tzinfo=UTC), H)
    print(f"{n_users:,} users, {events.height:,} events: {time.perf_counter() - wall:.1f} s wall, "
          f"{time.process_time() - cpu:.1f} CPU-s")  # fmt: skip
    wall = time.perf_counter()
    what_if(told, reactivation=0.1)
    print(f"a what-if: {time.perf_counter() - wall:.2f} s wall")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=int, metavar="N_USERS")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("names", nargs="*", default=list(LOGS))
    asked = parser.parse_args()
    if asked.speed:
        speed(asked.speed)
        asked.names = []
    for name in asked.names:
        judge(name, asked.validate)
