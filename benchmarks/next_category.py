"""Which category a user turns to next: what the expected interests say of it, beside simple mixes, on two public logs.

Each log is cut once; the blend is fitted on the horizon before the cut. Judged is the first event with a category that
each known user has in the horizon: its log-loss under the expected shares, and how often the largest share was right.
Categories that nobody had before the cut are left out, as nobody could tell them.

Run: python benchmarks/next_category.py   (FORETIDE_DATA names the folder with the data; see its README)
"""

from __future__ import annotations

from datetime import UTC

import numpy as np
import polars as pl

from foretide.users.interest_scores import BASELINES
from foretide.users.interests import PARTS, ahead_parts, expected_interests, fit_weights
from foretide.users.targets import next_categories
from outlook_backtest import CASES, Case

RESAMPLES = 1000


def judge(case: Case) -> None:
    log, cutoff = case.read(), case.cutoff.astimezone(UTC)
    weights = fit_weights(log, cutoff, case.horizon_days)
    blend = pl.sum_horizontal(pl.col(part) * float(w) for part, w in zip(PARTS, weights, strict=True))
    came = next_categories(log, [(cutoff, case.horizon_days)]).rename({"next_category": "category"})
    shares = {"foretide": blend} | {name: pl.col(part) for name, part in BASELINES.items()}
    told = (
        ahead_parts(log, cutoff, case.horizon_days)
        .join(came, on=["user_id", "category"], how="semi")
        .select((-share.log()).alias(name) for name, share in shares.items())
    )
    print(f"\n{case.name}: {told.height:,} of {came.height:,} users whose next category was known before")
    best = min(BASELINES, key=lambda name: told[name].mean())
    lo, hi = interval((told["foretide"] - told[best]).to_numpy())
    print("log-loss", {name: round(told[name].mean(), 4) for name in shares}, f"; to {best}: [{lo:+.4f}, {hi:+.4f}]")
    expected = expected_interests(log, cutoff, case.horizon_days, weights).filter(pl.col("category") != "(other)")
    for name in ("share_expected", "share_now"):
        top = expected.sort("user_id", name, descending=[False, True]).unique(
            "user_id", keep="first", maintain_order=True
        )
        right = came.join(top.select("user_id", top="category"), on="user_id").select(
            pl.col("top") == pl.col("category")
        )
        print(f"largest {name} was right: {right.to_series().mean():.3f}")
    usual = log.frame.filter(pl.col("ts") < cutoff)["category"].drop_nulls().mode()[0]
    print(f"the commonest category of all: {(came['category'] == usual).mean():.3f}")


def interval(differences: np.ndarray) -> np.ndarray:
    rng, n = np.random.default_rng(0), len(differences)
    return np.quantile([differences[rng.integers(n, size=n)].mean() for _ in range(RESAMPLES)], (0.025, 0.975))


if __name__ == "__main__":
    for case in CASES[1:]:
        judge(case)
