"""What reasons cost: CPU milliseconds a user for 1,000 users, and how far the parts are from the log-odds.

    OMP_NUM_THREADS=1 python benchmarks/explain_speed.py [--models glm,lightgbm]

The models learn from 4,000 of the simulated users of ``user_models.py`` and take the chances of 1,000 of them apart:
once to load what they need, then five times, of which the median counts. What would turn the outlook is sought for ten
users, each from the user's own events. The stack is one of the three before it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
import polars as pl
from scipy.special import logit

from foretide.events.records import FrameBuckets
from foretide.users.coalitions import CLIP
from foretide.users.examples import examples, training_pairs
from foretide.users.models import UserModel, user_model
from foretide.users.reasons import reasons
from foretide.users.turning import turning
from outlook_backtest import RULE
from user_models import MANY_DAYS, START, visits

MODELS = ("glm", "hazard", "lightgbm", "stack", "bgnbd", "tree", "forest", "lstm")
HORIZON_DAYS = 28
N_LEARNT, N_TOLD, N_TURNED, RUNS = 4_000, 1_000, 10, 5
SETTINGS = {"stack": {"members": ("glm", "hazard", "lightgbm")}}


def cpu_ms(job: Callable[[], object]) -> float:
    """Return the median CPU time of a job that was done once before."""
    job()
    costs = []
    for _ in range(RUNS):
        start = time.process_time()
        job()
        costs.append(1000 * (time.process_time() - start))
    return statistics.median(costs)


def turned_all(model: UserModel, log: FrameBuckets, now: datetime, ids: Sequence[str]) -> None:
    """Find what would turn the outlook of some users."""
    for user in ids:
        turning(model, log, now, user, RULE)


def error(parts: pl.DataFrame, chances: pl.Series) -> float:
    """Return the largest distance between the sum of a user's parts and the log-odds of the chance."""
    odds = parts.group_by("user_id", maintain_order=True).agg(pl.col("log_odds").sum())["log_odds"]
    return float(np.abs(odds.to_numpy() - logit(np.clip(chances.to_numpy(), CLIP, 1 - CLIP))).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    names = parser.parse_args().models.split(",")
    frame = visits(np.random.default_rng(0)).frame
    some = frame["user_id"].unique().sort().head(N_LEARNT)
    log = FrameBuckets(frame.filter(pl.col("user_id").is_in(some.to_list())).sort("user_id", "ts"), "UTC")
    now = START + timedelta(days=MANY_DAYS - 1 - HORIZON_DAYS)
    rows = examples(log, training_pairs(START, now, HORIZON_DAYS, "UTC"), RULE, needs=["history"])
    told = examples(log, [(now, HORIZON_DAYS)], RULE, needs=["history"]).tail(N_TOLD)
    print("| model | CPU ms a user, reasons | largest error of the sum | CPU ms a user, what would turn it |")
    ids = told["user_id"].head(N_TURNED).to_list()
    for name in names:
        model = user_model(name, HORIZON_DAYS, **SETTINGS.get(name, {})).fit(rows)
        cost = cpu_ms(partial(reasons, model, told)) / told.height
        off = error(reasons(model, told), model.predict(told)["p_inactive"])
        turned = cpu_ms(partial(turned_all, model, log, now, ids)) / len(ids)
        print(f"| {name} | {cost:.3f} | {off:.1e} | {turned:.0f} |", flush=True)


if __name__ == "__main__":
    main()
