"""The LSTM over users' days beside the activity model: no activity in the horizon, and active days.

    OMP_NUM_THREADS=1 python benchmarks/user_lstm.py [--validate]

The logs, cuts and training pairs of ``outlook_backtest.py``: both models learn from the same examples, and are judged
on the horizon after the cut. On MovieTweetings, at the earlier cuts that ``--validate`` shows, were chosen: the width
of the layers, the window, dropout, batch, learning rate, the rates that training begins with, and that the covariates
are seen. Nothing was chosen on CDNOW, and the test cuts were looked at once. The interval is that of the difference of
log-losses, LSTM less activity model, over 2,000 bootstrap samples of the users. CPU seconds are those of ``fit`` and
``predict``, the compiling of the network with them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.schema import Floats
from foretide.users.activity import ActivityModel
from foretide.users.backtest import trial
from foretide.users.cutoffs import LEAD_DAYS, shifted
from foretide.users.examples import examples, of_pairs
from foretide.users.models import UserModel
from foretide.users.scores import CLIP, scores
from foretide.users.sequence import SequenceLSTM
from foretide.users.sequence_windows import with_histories
from outlook_backtest import CASES, RULE, Case

TESTS = CASES[:2]  # CDNOW, MovieTweetings
EARLIER = tuple(replace(CASES[1], cutoff=datetime(2013, *day, tzinfo=UTC)) for day in ((6, 14), (7, 5)))
SAMPLES = 2_000


def learn_and_test(case: Case) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the examples to learn from and those of the test, with histories."""
    log = case.read()
    log = FrameBuckets(log.frame.with_columns(tz_offset_min=pl.lit(None, pl.Int16)), log.timezone)
    end = shifted(case.cutoff, LEAD_DAYS + case.horizon_days, log.timezone)
    cut = trial(log.frame["ts"].min(), end, case.horizon_days, log.timezone)
    rows = with_histories(examples(log, cut.pairs, RULE), log, RULE)
    return of_pairs(rows, cut.training), of_pairs(rows, [cut.test])


def told(model: UserModel, seen: pl.DataFrame, test: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """Return the predictions of a model, and the CPU seconds that they took."""
    start = time.process_time()
    predictions = model.fit(seen).predict(test)
    return predictions, time.process_time() - start


def surprise(happened: Floats, chance: Floats) -> Floats:
    """Return the log-loss of each user."""
    chance = np.clip(chance, CLIP, 1 - CLIP)
    return -np.where(happened > 0, np.log(chance), np.log1p(-chance))


def interval(difference: Floats) -> str:
    """Return mean and 95 % interval of a difference over users."""
    rng = np.random.default_rng(0)
    means = [rng.choice(difference, difference.size).mean() for _ in range(SAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{difference.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def judge(case: Case) -> Iterator[str]:
    """Yield the rows of a table: all users and the eligible, each model and their mean."""
    seen, test = learn_and_test(case)
    by_model, cpu = {}, {}
    models = {"activity model": ActivityModel(case.horizon_days), "LSTM": SequenceLSTM(case.horizon_days)}
    for name, model in models.items():
        by_model[name], cpu[name] = told(model, seen, test)
    by_model["mean of both"] = sum(by_model.values()) / 2
    for group, rows in {"all": test["user_id"].is_not_null(), "not churned": test["eligible"]}.items():
        here = test.filter(rows)
        happened = here["inactive"].to_numpy().astype(np.float64)
        chances = {}
        for name, predictions in by_model.items():
            mine = predictions.filter(rows)
            chances[name] = mine["p_inactive"].to_numpy()
            s = scores(happened, chances[name])
            error = (mine["expected_active_days"] - here["active_days_ahead"]).to_numpy()
            figures = f"{s.log_loss:.4f} | {s.auc:.4f} | {s.calibration_error:.4f} | {(error**2).mean() ** 0.5:.3f}"
            yield f"| {group}, {s.n:,} | {name} | {figures} | {cpu.get(name, sum(cpu.values())):.1f} |"
        losses = [surprise(happened, chances[name]) for name in ("LSTM", "activity model")]
        yield f"  LSTM less activity model: {interval(losses[0] - losses[1])}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--validate", action="store_true", help="show the earlier cuts instead of the test")
    for case in EARLIER if parser.parse_args().validate else TESTS:
        print(f"\n{case.name}: cut {case.cutoff:%Y-%m-%d}, horizon {case.horizon_days} d")
        print("| users | model | log-loss | AUC | calibration error | RMSE of active days | CPU s |")
        for row in judge(case):
            print(row, flush=True)


if __name__ == "__main__":
    main()
