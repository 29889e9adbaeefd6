"""What tuning wins over the defaults: on the folds where it chose, and once on the test cut-off that it never saw.

MovieTweetings, 28 days, cut as in ``outlook_backtest.py``. The test is on users who are not churned; the interval of
the difference is a bootstrap over them.

Run: python benchmarks/tuning.py [FOLDER]   (FORETIDE_DATA names the folder with the data; a FOLDER keeps the
leaderboards, and a second run goes on from there)
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from foretide.schema import Floats
from foretide.tune.run import Budget, tune
from foretide.tune.spaces import Parameters
from foretide.users.backtest import trial
from foretide.users.cutoffs import LEAD_DAYS, shifted
from foretide.users.examples import examples, of_pairs
from foretide.users.models import user_model
from foretide.users.scores import CLIP
from outlook_backtest import CASES, RULE

TRIALS = {"glm": 30, "tree": 30, "mbgnbd": 15, "lightgbm": 15}
RESAMPLES = 2000


def main(folder: Path) -> None:
    case = next(case for case in CASES if case.name == "MovieTweetings")
    log = case.read()
    as_of = shifted(case.cutoff, LEAD_DAYS + case.horizon_days, log.timezone)
    test = trial(log.frame["ts"].min(), as_of, case.horizon_days, log.timezone)
    assert test.test[0] == case.cutoff
    rows = examples(log, test.pairs, RULE)
    seen, ahead = of_pairs(rows, test.training), of_pairs(rows, [test.test]).filter("eligible")
    for model, n_trials in TRIALS.items():
        cpu = time.process_time()
        tuned = tune(log, as_of, folder, model, case.horizon_days, RULE, budget=Budget(n_trials))
        cpu = time.process_time() - cpu
        folds = [tuned.trials["log_loss"][0], tuned.trials.filter(trial=1)["log_loss"][0]]
        print(f"{model}: {tuned.trials.height} trials, {tuned.trials['pruned'].sum()} given up, {cpu:.0f} CPU-s")
        print(f"  best {tuned.best}; folds: tuned {folds[0]:.4f}, default {folds[1]:.4f}")
        tuned_loss, default = (surprises(model, p, case.horizon_days, seen, ahead) for p in (tuned.best, {}))
        low, high = interval(tuned_loss - default)
        print(f"  test: tuned {tuned_loss.mean():.4f}, default {default.mean():.4f}", end=", ")
        print(f"difference {(tuned_loss - default).mean():+.4f} [{low:+.4f}, {high:+.4f}]", flush=True)


def surprises(model: str, parameters: Parameters, days: int, seen: pl.DataFrame, ahead: pl.DataFrame) -> Floats:
    """Return the log-loss of each user, ``(n_users,)``."""
    chance = user_model(model, days, **parameters).fit(seen).predict(ahead)["p_inactive"].to_numpy()
    chance = np.clip(chance, CLIP, 1 - CLIP)
    return -np.log(np.where(ahead["inactive"].to_numpy(), chance, 1 - chance))


def interval(difference: Floats) -> Floats:
    """Return the bounds of a 95 % bootstrap interval of a mean, ``(2,)``."""
    rng = np.random.default_rng(0)
    means = [rng.choice(difference, len(difference)).mean() for _ in range(RESAMPLES)]
    return np.quantile(means, [0.025, 0.975])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as place:
            main(Path(place))
