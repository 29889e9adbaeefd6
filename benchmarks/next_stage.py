"""What else is told of each user: next stage, value, breadth of interests, a new category, and rising interests.

Each log is cut once; every model knows what was over by the cut and is judged on the 28 days after the day that
follows it, beside simple baselines. The choices in ``foretide.users`` were made on cuts 28 to 112 days earlier
(``--validate 28`` shows one). Intervals: paired bootstrap over users of the difference to the best baseline.

Run: python benchmarks/next_stage.py [--validate DAYS]   (FORETIDE_DATA names the folder with the data)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.schema import STAGES, Floats
from foretide.users.activity import ActivityModel
from foretide.users.backtest import MODEL, Trial, trial
from foretide.users.cutoffs import LEAD_DAYS, horizon, shifted
from foretide.users.examples import examples, of_pairs
from foretide.users.interest_breadth import BreadthModel, codes, rates, with_breadth
from foretide.users.interest_trends import EVERYBODY, interest_trends, mixes
from foretide.users.next_stage import NextStageModel, with_stages_ahead
from foretide.users.next_stage import codes as stage_codes
from foretide.users.next_stage_scores import baselines, stage_quality, surprise
from foretide.users.scores import CLIP, scores
from foretide.users.value import ValueModel, spending
from outlook_backtest import CASES, RULE, Case

RESAMPLES = 2_000
DAYS_A_MONTH = 28


def judge(case: Case, cutoff: datetime) -> None:
    log = case.read()
    h, first = case.horizon_days, log.frame["ts"].min()
    test = trial(first, shifted(cutoff, LEAD_DAYS + h, log.timezone), h, log.timezone)
    print(f"\n{case.name}: cut {cutoff:%Y-%m-%d}, horizon {h} d")
    rows = examples(log, test.pairs, RULE)
    activity = ActivityModel(h).fit(of_pairs(rows, test.training))
    judge_stages(with_stages_ahead(rows, log, test.pairs, RULE), test, activity)
    judge_value(rows, log, test, activity)
    judge_breadth(with_breadth(rows, log, test.pairs, RULE), test, activity)
    judge_trends(log, cutoff, h)


def judge_stages(rows: pl.DataFrame, test: Trial, activity: ActivityModel) -> None:
    seen, asked = of_pairs(rows, test.training), of_pairs(rows, [test.test])
    p_inactive = activity.predict(asked)["p_inactive"].to_numpy()
    chances = baselines(seen, asked)
    chances[MODEL] = NextStageModel(test.test[1]).fit(seen).predict(asked, p_inactive).to_numpy()
    print(stage_quality(asked, chances))
    losses = {name: surprise(stage_codes(asked["stage_ahead"]), chance) for name, chance in chances.items()}
    told("next stage, log-loss", losses)
    for stage in STAGES:
        here = (asked["stage"] == stage).to_numpy()
        if here.any():
            told(f"  of {here.sum()} now {stage}", {name: loss[here] for name, loss in losses.items()})


def judge_value(rows: pl.DataFrame, log: FrameBuckets, test: Trial, activity: ActivityModel) -> None:
    cutoff, h = test.test
    whole = of_pairs(rows, [pair for pair in test.training if pair[1] == h])
    asked = of_pairs(rows, [test.test])
    spent = spending(log, [*whole["as_of"].unique(), cutoff], RULE)
    now = spent.filter(pl.col("as_of") == cutoff)
    model = ValueModel().fit(whole, activity.predict(whole)["expected_active_days"].to_numpy(), spent)
    days = activity.predict(asked)["expected_active_days"].to_numpy()
    begin = shifted(cutoff, -h, log.timezone)
    last = log.frame.filter(pl.col("ts") < cutoff, pl.col("ts") >= begin).group_by("user_id").agg(last=pl.sum("value"))
    past = log.frame.filter(pl.col("ts") < cutoff).group_by("user_id").agg(own=pl.sum("value"))
    known = asked.join(last, on="user_id", how="left", maintain_order="left")
    known = known.join(past, on="user_id", how="left", maintain_order="left")
    own = pl.col("own") / pl.col("tenure_days").clip(lower_bound=DAYS_A_MONTH) * h
    said = {
        "last period": known["last"].fill_null(0.0).to_numpy(),
        "own mean": known.select(own).to_series().to_numpy(),
        "population mean": np.full(asked.height, whole["value"].mean()),
        MODEL: model.predict(asked, days, now)["expected_value"].to_numpy(),
    }
    happened = asked["value"].to_numpy()
    print(f"half-life {model.half_life_days_} d, kappa {model.kappa_}")
    for name, value in said.items():
        error = np.abs(value - happened).mean()
        print(f"  {name:16} mean absolute error {error:.2f}, sum {value.sum() / happened.sum() - 1:+.1%}")
    told("value, RMSE", {name: (value - happened) ** 2 for name, value in said.items()}, np.sqrt)


def judge_breadth(rows: pl.DataFrame, test: Trial, activity: ActivityModel) -> None:
    seen, asked = of_pairs(rows, test.training), of_pairs(rows, [test.test])
    ahead = BreadthModel(test.test[1]).fit(seen).predict(asked, activity.predict(asked)["p_inactive"].to_numpy())
    happened = asked["hill_1_ahead"].to_numpy()
    came = np.isfinite(happened)
    mix = asked["categories_hill_1"].fill_nan(None).fill_null(1.0)
    said = {
        "last period": asked["hill_1_last"].fill_null(mix).to_numpy(),
        "decayed mix": mix.to_numpy(),
        "population mean": np.full(asked.height, seen["hill_1_ahead"].mean()),
        MODEL: ahead["expected_hill_1"].to_numpy(),
    }
    told("breadth, RMSE", {name: (hill - happened)[came] ** 2 for name, hill in said.items()}, np.sqrt)
    judge_new_category(seen, asked, ahead["p_new_category"].to_numpy(), test.test[1])


def judge_new_category(seen: pl.DataFrame, asked: pl.DataFrame, chance: Floats, horizon_days: int) -> None:
    happened = asked["entered_ahead"].to_numpy().astype(np.float64)
    events = asked["events_decayed_28"].to_numpy() * np.log(2) / DAYS_A_MONTH * horizon_days
    explores = asked["new_category_expected"].fill_nan(0.0).to_numpy()
    entered = seen["entered_last"].fill_null(value=False)
    again = np.array([seen.filter(entered == yes)["entered_ahead"].mean() for yes in (False, True)])
    said = {
        "rate of the stage": rates(seen)[codes(asked)],
        "as last period": again[asked["entered_last"].fill_null(value=False).cast(pl.Int64).to_numpy()],
        "exploration formula": 1 - (1 - explores) ** events,
        MODEL: chance,
    }
    losses = {}
    for name, p in said.items():
        s = scores(happened, p)
        figures = f"AUC {s.auc:.3f}, Brier {s.brier:.4f}, calibration error {s.calibration_error:.3f}"
        print(f"  {name:20} base rate {s.base_rate:.3f}, {figures}")
        clipped = np.clip(p, CLIP, 1 - CLIP)
        losses[name] = -np.where(happened > 0, np.log(clipped), np.log1p(-clipped))
    told("new category, log-loss", losses)


def judge_trends(log: FrameBuckets, cutoff: datetime, horizon_days: int) -> None:
    stages = feature_table(log, [cutoff], RULE, themes=()).select("user_id", segment="stage")
    trends = interest_trends(log, cutoff, horizon_days, stages).filter(pl.col("lo").is_not_null())
    past = mixes(log, [cutoff], horizon_days, stages, cutoff).select("segment", "category", share_of_7_d="own_7")
    begin, end = horizon(cutoff, horizon_days, log.timezone)
    ahead = log.frame.filter(pl.col("ts") >= begin, pl.col("ts") < end, pl.col("category").is_not_null())
    for who in (stages.select("user_id", segment=pl.lit(EVERYBODY)), stages):
        counts = ahead.join(who, on="user_id").group_by("segment", "category").agg(share=pl.len())
        happened = counts.with_columns(pl.col("share") / pl.col("share").sum().over("segment"))
        here = trends.join(past, on=["segment", "category"]).join(who.select("segment").unique(), on="segment")
        both = here.join(happened, on=["segment", "category"], how="left")
        tell_trends(both.with_columns(pl.col("share").fill_null(0.0)))


def tell_trends(both: pl.DataFrame) -> None:
    n = both["segment"].n_unique()
    names = ("share_expected", "share_now", "share_of_7_d")
    errors = {name: (both[name] - both["share"]).abs().sum() / n for name in names}
    inside = both.select(pl.col("share").is_between("lo", "hi").mean()).item()
    moved = both.filter(pl.col("direction") != "steady")
    right = ((moved["direction"] == "rising") == (moved["share"] > moved["share_now"])).sum()
    print(f"shares of {n} segment(s), sum of absolute errors each:", {k: round(v, 4) for k, v in errors.items()})
    print(f"  {both.height} intervals of 80 %: {inside:.1%} hold; {moved.height} told to move, {right} did so")


def told(what: str, errors: Mapping[str, Floats], scale: Callable[[float], float] = float) -> None:
    """Print the mean error of each model, and the interval of the difference to the best baseline."""
    means = {name: scale(error.mean()) for name, error in errors.items()}
    rival = min((name for name in means if name != MODEL), key=means.__getitem__)
    rng = np.random.default_rng(0)
    mine, theirs = errors[MODEL], errors[rival]
    picks = (rng.integers(0, len(mine), len(mine)) for _ in range(RESAMPLES))
    gains = [scale(mine[pick].mean()) - scale(theirs[pick].mean()) for pick in picks]
    lo, hi = np.quantile(gains, [0.025, 0.975])
    print(f"{what}:", ", ".join(f"{name} {mean:.4f}" for name, mean in means.items()))
    print(f"  against {rival}: {means[MODEL] - means[rival]:+.4f} [{lo:+.4f}, {hi:+.4f}]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validate", type=int, default=0, help="cut so many days earlier")
    back = parser.parse_args().validate
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=140, tbl_hide_dataframe_shape=True, float_precision=4):
        for case in CASES[1:]:
            judge(case, shifted(case.cutoff.astimezone(UTC), -back, str(case.cutoff.tzinfo)))


if __name__ == "__main__":
    main()
