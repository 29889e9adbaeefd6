"""The stage mix 28 days ahead, on three public logs and a simulated one, beside simpler forecasts.

Rolling origins a fortnight apart. Printed is the mean absolute error of the shares in points, over stages and origins,
28 days ahead and over all 28 days: of the outlook, of each forecast in it, of a static Markov chain with the mean daily
moves of 28 and of 56 days and arrivals at their mean, and of no change at all; and how many shares lay in the
intervals. All was chosen on ``--validate``: origins whose horizon ended 28 days or more before the first tested one's.

Run: python benchmarks/stage_mix.py [--validate] [NAME ...]   (FORETIDE_DATA names the folder with the data)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from foretide.events.records import FrameBuckets
from foretide.events.sources.simulator import scenario_defaults, simulate
from foretide.features.now import default_as_of
from foretide.schema import STAGES
from foretide.users.population import Past, as_mix, chain, direct, read_past
from foretide.users.stages import stage_outlook
from foretide.users.walk import flows
from outlook_backtest import RULE, cdnow, complete_journey, movietweetings

H = 28
APART = 14
N_TESTED = 4
N_VALIDATED = 8
#: Days of a log before the first origin.
LEAST_KNOWN = 60
LEVELS = (80, 95)


def simulated() -> FrameBuckets:
    shop = simulate(replace(scenario_defaults["ecommerce"], n_users=4000, n_days=365))
    return FrameBuckets(shop.events)


LOGS: dict[str, Callable[[], FrameBuckets]] = {
    "Complete Journey": complete_journey,
    "MovieTweetings": movietweetings,
    "CDNOW": cdnow,
    "simulated shop": simulated,
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
    begin = time.process_time()
    chosen = origins(whole.n_days, validate)
    for origin in chosen:
        told = stage_outlook(log, whole.midnights[origin], H, RULE, LEVELS)
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
    print("coverage:", ", ".join(f"{np.mean(hits):.3f} at {level}" for level, hits in inside.items()))
    base = np.mean([e[-1] for e in errors["Markov chain, 28 d"]])
    for model, points in errors.items():
        last = np.mean([e[-1] for e in points])
        worst = np.mean([e[-1] for e in points], axis=0).max()
        print(f"  {model:20s} day 28 {last:6.3f} ({last / base - 1:+.1%}), worst stage {worst:6.3f}, "
              f"all days {np.mean(points):6.3f}")  # fmt: skip


def rivals(whole: Past, origin: int) -> dict[str, np.ndarray]:
    return {
        "Markov chain, 28 d": chain(whole, origin, H),
        "Markov chain, 56 d": chain(whole, origin, H, 56),
        "series": direct(whole, origin, H),
        "no change": np.repeat(whole.shares[origin - 1 : origin], H, axis=0),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("names", nargs="*", default=list(LOGS))
    asked = parser.parse_args()
    for name in asked.names:
        judge(name, asked.validate)
