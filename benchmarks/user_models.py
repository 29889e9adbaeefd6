"""Models of what a user will do beside each other, on three public logs, and what they cost.

Each log is cut once; the models know what was over by the cut and are judged on the horizon after it, beside the rates
of stages and of the population. Everything was chosen on the earlier cuts that ``--validate`` shows.

Run: python benchmarks/user_models.py [--validate | --cost] [--models glm,stack] [--against glm]
(FORETIDE_DATA names the folder with the data; see its README)
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.state import THEMES
from foretide.users.backtest import BASELINES, compare, trial
from foretide.users.cutoffs import LEAD_DAYS, shifted
from foretide.users.examples import AHEAD, examples, feature_names, training_pairs
from foretide.users.models import USER_MODELS, needs_of, user_model
from foretide.users.targets import targets_of_pairs
from measuring import cost_of, tell
from outlook_backtest import CASES, RULE, Case

CDNOW, MOVIES, GROCERIES = CASES
STORE = ZoneInfo("America/New_York")
#: Earlier cuts, whose horizons are over by the cut of the case; shorter ones where the log is short.
EARLIER = (
    replace(CDNOW, cutoff=datetime(1997, 5, 16, tzinfo=UTC), horizon_days=136),
    replace(CDNOW, cutoff=datetime(1997, 6, 30, tzinfo=UTC), horizon_days=91),
    replace(MOVIES, cutoff=datetime(2013, 6, 6, tzinfo=UTC)),
    replace(MOVIES, cutoff=datetime(2013, 7, 5, tzinfo=UTC)),
    replace(GROCERIES, cutoff=datetime(2017, 9, 1, tzinfo=STORE)),
    replace(GROCERIES, cutoff=datetime(2017, 11, 4, tzinfo=STORE)),
)
SHOWN = ("stage", "model", "n", "base_rate", "log_loss", "auc", "brier", "calibration_error", "f1")
AHEAD_SHOWN = ("days_rmse", "days_bias", "margin", "margin_lo", "margin_hi")
#: All but the network, which ``user_lstm.py`` measures.
MEASURED = [name for name in USER_MODELS if name != "lstm"]
#: The rows that training is timed on, and the features of each.
MANY_ROWS, MANY_FEATURES = 1_000_000, 40
MANY_USERS, MANY_DAYS = 110_000, 200
START = datetime(2024, 1, 1, tzinfo=UTC)


def judge(case: Case, names: Sequence[str], stages: Sequence[str], against: Sequence[str]) -> None:
    log, cutoff = case.read(), case.cutoff.astimezone(UTC)
    end = shifted(cutoff, LEAD_DAYS + case.horizon_days, log.timezone)
    test = trial(log.frame["ts"].min(), end, case.horizon_days, log.timezone)
    assert test.test[0] == cutoff
    print(f"\n{case.name}: cut {case.cutoff:%Y-%m-%d}, horizon {case.horizon_days} d", end="")
    print(f", trained on {len(test.training)} pairs, horizons {sorted({d for _, d in test.training})} d")
    needs = needs_of(user_model(name, case.horizon_days) for name in names)
    table = compare(examples(log, test.pairs, RULE, needs=needs), test, names, against)
    print(table.filter(pl.col("stage").is_in(stages)).select(*SHOWN, *AHEAD_SHOWN))


def visits(rng: np.random.Generator) -> FrameBuckets:
    """Simulate users who come at random, each at a rate of their own, until they are gone."""
    rate = np.exp(rng.uniform(np.log(0.01), np.log(0.4), MANY_USERS))
    first = rng.integers(0, MANY_DAYS - 60, MANY_USERS)
    gone = first + rng.geometric(0.01, MANY_USERS)
    day = np.arange(MANY_DAYS)
    here = (day >= first[:, None]) & (day < gone[:, None]) & (rng.random((MANY_USERS, MANY_DAYS)) < rate[:, None])
    here[np.arange(MANY_USERS), first] = True
    user, day = np.nonzero(here)
    seconds, category = rng.integers(0, 86_400, len(user)), rng.integers(0, 20, len(user))
    rows = pl.DataFrame({"user": user, "day": day, "second": seconds, "category": category}).select(
        user_id=pl.col("user").cast(pl.String),
        event_type=pl.lit("visit"),
        ts=pl.lit(START) + pl.duration(days="day", seconds="second"),
        value=pl.lit(1.0),
        category=pl.col("category").cast(pl.String),
        tz_offset_min=pl.lit(0, pl.Int16),
    )
    return FrameBuckets(rows, "UTC")


def many_rows() -> pl.DataFrame:
    """Make ``MANY_ROWS`` examples of simulated users, with noise up to ``MANY_FEATURES``."""
    rng = np.random.default_rng(0)
    log, as_of = visits(rng), START + timedelta(days=MANY_DAYS)
    pairs = training_pairs(START, as_of, 28, "UTC")
    ahead = targets_of_pairs(log, pairs, RULE).rename(AHEAD)
    rows = feature_table(log, [cutoff for cutoff, _ in pairs], RULE, list(THEMES)).join(ahead, on=["user_id", "as_of"])
    rows = rows.sample(MANY_ROWS, seed=0)
    missing = MANY_FEATURES - len(feature_names(rows))
    return rows.with_columns(pl.Series(f"noise_{i}", rng.normal(size=rows.height)) for i in range(missing))


def fit_and_score(name: str, path: str) -> str:
    rows = pl.read_parquet(path)
    begin = time.perf_counter(), time.process_time()
    model = user_model(name, 28).fit(rows)
    learnt = time.perf_counter(), time.process_time()
    model.predict(rows)
    told = time.perf_counter(), time.process_time()
    (fit_s, fit_cpu_s), (told_s, told_cpu_s) = (
        (after[0] - before[0], after[1] - before[1]) for before, after in ((begin, learnt), (learnt, told))
    )
    return f"fit {fit_s:.1f} s ({fit_cpu_s:.1f} CPU-s), score {told_s:.1f} s ({told_cpu_s:.1f} CPU-s)"


def costs(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows.parquet")
        rows = many_rows()
        rows.write_parquet(path)
        print(f"{rows.height:,} rows, {len(feature_names(rows))} features")
        for name in names:
            print(f"{name:10} {cost_of(__file__, name, '--path', path)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--models", default=",".join(MEASURED))
    parser.add_argument("--stages", default="all,eligible")
    parser.add_argument("--against", default=",".join(BASELINES), help="what the margins are taken against")
    parser.add_argument("--job")
    parser.add_argument("--path")
    args = parser.parse_args()
    names = args.models.split(",")
    if args.job:
        tell(lambda: fit_and_score(args.job, args.path))
    elif args.cost:
        costs(names)
    else:
        with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, tbl_hide_dataframe_shape=True, float_precision=4):
            for case in EARLIER if args.validate else CASES:
                judge(case, names, args.stages.split(","), args.against.split(","))


if __name__ == "__main__":
    main()
