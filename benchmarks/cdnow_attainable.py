"""How much of CDNOW's 39 weeks can be told at all, beside what the default model tells of them.

Models of the same kind are trained on what customers did in these very weeks, and judged on customers they were not
shown (ten folds): not a forecast, as nobody knows it then, but a bound that a forecast with the same covariates will
not pass but for luck. How far luck goes is the standard error of each figure over customers, drawn anew with
replacement. The weekly sums are judged once more after the told curve was multiplied to the right sum of all weeks:
what is left is the shape of the year.

Run: python benchmarks/cdnow_attainable.py   (FORETIDE_DATA names the folder with the data; see its README)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from foretide.features.fold import feature_table
from foretide.schema import Floats
from foretide.users.activity import ActivityModel
from foretide.users.backtest import trial
from foretide.users.cutoffs import LEAD_DAYS, shifted
from foretide.users.examples import examples, of_pairs
from foretide.users.models import UserModel, user_model
from foretide.users.scores import auc, calibration_error, log_losses
from outlook_backtest import CASES
from outlook_cdnow import RULE, TEST, happened, of_any_length, read

CDNOW = CASES[0]
FIGURES = ("log-loss", "AUC", "calibration error", "RMSE", "sum bias %")
FOLDS = 10
RESAMPLES = 300


class Answers(NamedTuple):
    """What was told, or happened: chance of no activity and active days, ``(n_users,)`` each."""

    idle: Floats
    days: Floats


def answers(told: pl.DataFrame) -> Answers:
    return Answers(told["p_inactive"].to_numpy(), told["expected_active_days"].to_numpy())


def figures(seen: Answers, told: Answers) -> Floats:
    """Return ``FIGURES``, ``(n_figures,)``."""
    return np.array(
        [
            log_losses(seen.idle, told.idle).mean(),
            auc(seen.idle, told.idle) or np.nan,
            calibration_error(seen.idle, told.idle),
            np.sqrt(np.mean((told.days - seen.days) ** 2)),
            100 * (told.days.sum() / seen.days.sum() - 1),
        ]
    )


def of_the_answers(make: Callable[[int], UserModel], test: pl.DataFrame) -> Answers:
    """Tell each tenth of the customers by a model that was trained on what the others did."""
    fold = np.random.default_rng(0).permutation(test.height) % FOLDS
    told = np.empty((2, test.height))
    for k in range(FOLDS):
        model = make(CDNOW.horizon_days).fit(test.filter(pl.Series(fold != k)))
        told[:, fold == k] = answers(model.predict(test.filter(pl.Series(fold == k))))
    return Answers(*told)


def by_chance(seen: Answers, told: Mapping[str, Answers]) -> Floats:
    """Return the figures of each model for customers drawn anew, ``(n_resamples, n_models, n_figures)``."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(seen.idle), size=(RESAMPLES, len(seen.idle)))
    return np.array(
        [[figures(*(drawn(of, rows) for of in (seen, model))) for model in told.values()] for rows in draws]
    )


def drawn(of: Answers, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Answers:
    return Answers(of.idle[rows], of.days[rows])


def table(seen: Answers, told: Mapping[str, Answers]) -> pl.DataFrame:
    """Return the figures with their standard errors, and those of the differences to the first model."""
    there = np.array([figures(seen, model) for model in told.values()])
    drawn_anew = by_chance(seen, told)
    error, apart = drawn_anew.std(axis=0), (drawn_anew - drawn_anew[:, :1]).std(axis=0)
    return pl.DataFrame(
        (name, figure, there[i, j], error[i, j], there[i, j] - there[0, j], apart[i, j])
        for j, figure in enumerate(FIGURES)
        for i, name in enumerate(told)
    ).rename(dict(zip([f"column_{k}" for k in range(6)], COLUMNS, strict=True)))


COLUMNS = ("model", "figure", "value", "standard error", "to the default", "its standard error")


def weekly_sums() -> None:
    """Print the mean error of the cumulative weekly sums as told, and with the right sum of all weeks."""
    log, ahead = read(TEST)
    users = feature_table(log, [TEST.end], RULE)
    came = happened(users, ahead, TEST).sum(axis=0)
    told = of_any_length(ActivityModel)(log, users, TEST).days.sum(axis=0)
    for name, curve in {"as told": told, "with the right sum": told * came[-1] / told[-1]}.items():
        print(f"cumulative error, {name}: {100 * np.abs(curve / came - 1).mean():.1f} %")
    print("weeks 1, 5, 9 ...:", " ".join(f"{100 * error:+.1f}" for error in (told / came - 1)[::4]))


def main() -> None:
    log = CDNOW.read()
    end = shifted(CDNOW.cutoff, LEAD_DAYS + CDNOW.horizon_days, log.timezone)
    of = trial(log.frame["ts"].min(), end, CDNOW.horizon_days, log.timezone)
    rows = examples(log, of.pairs, RULE)
    seen, test = of_pairs(rows, of.training), of_pairs(rows, [of.test])
    default = answers(ActivityModel(CDNOW.horizon_days).fit(seen).predict(test))
    told = {"default, a forecast": default, "the same, of the answers": of_the_answers(ActivityModel, test)}
    told["LightGBM, of the answers"] = of_the_answers(lambda days: user_model("lightgbm", days), test)
    came = Answers(*(test[name].to_numpy().astype(np.float64) for name in ("inactive", "active_days_ahead")))
    with pl.Config(tbl_rows=-1, tbl_width_chars=130, tbl_hide_dataframe_shape=True, float_precision=4):
        print(table(came, told))
    weekly_sums()


if __name__ == "__main__":
    main()
