"""How good chances of no activity were: scores against what happened, by stage, beside the simple rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import rankdata

from foretide.schema import STAGES, Floats

QUALITY = pl.Schema(
    {
        "stage": pl.String(),  # a stage, "eligible" for all but the churned, or "all"
        "model": pl.String(),
        "n": pl.Int64(),
        "base_rate": pl.Float64(),  # share that was inactive
        "log_loss": pl.Float64(),
        "auc": pl.Float64(),  # null where all or none were inactive
        "brier": pl.Float64(),
        "calibration_error": pl.Float64(),
    }
)
CALIBRATION_GROUPS = 10
#: Chances are kept this far from 0 and 1 in the log-loss.
CLIP = 1e-6


class Scores(NamedTuple):
    """Scores of the chances of one group of users; the columns of ``QUALITY`` from ``n`` on."""

    n: int
    base_rate: float
    log_loss: float
    auc: float | None
    brier: float
    calibration_error: float


def scores(happened: Floats, chance: Floats) -> Scores:
    """Return the scores of chances ``(n_users,)`` against what happened, 0 or 1; at least one user."""
    clipped = np.clip(chance, CLIP, 1 - CLIP)
    surprise = -np.where(happened > 0, np.log(clipped), np.log1p(-clipped))
    return Scores(
        n=len(happened),
        base_rate=float(happened.mean()),
        log_loss=float(surprise.mean()),
        auc=auc(happened, chance),
        brier=float(np.mean((chance - happened) ** 2)),
        calibration_error=calibration_error(happened, chance),
    )


def auc(happened: Floats, chance: Floats) -> float | None:
    """Return the chance that one to whom it happened ranks above one to whom it did not; ties count half."""
    n_yes = int(happened.sum())
    n_no = len(happened) - n_yes
    if not n_yes or not n_no:
        return None
    rank_sum = rankdata(chance)[happened > 0].sum()
    return float((rank_sum - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def calibration_error(happened: Floats, chance: Floats) -> float:
    """Return the mean distance of chance and frequency over deciles of the chance; ties stay together."""
    group = ((rankdata(chance) - 0.5) * CALIBRATION_GROUPS / len(chance)).astype(np.int64)
    surplus = np.bincount(group, weights=chance - happened)
    return float(np.abs(surplus).sum() / len(chance))


def quality(seen: pl.DataFrame, chances: Mapping[str, Floats]) -> pl.DataFrame:
    """Return ``QUALITY``: the scores of each model for all, for the eligible and for each stage.

    Parameters
    ----------
    seen
        ``stage, inactive`` of each user.
    chances
        ``(n_users,)`` for each model.
    """
    happened = seen["inactive"].to_numpy().astype(np.float64)
    stage = seen["stage"].to_numpy()
    groups = {"all": np.full(len(stage), True), "eligible": stage != "churned"}
    groups |= {name: stage == name for name in STAGES}
    rows = [
        (name, model, *scores(happened[rows], chance[rows]))
        for name, rows in groups.items()
        if rows.any()
        for model, chance in chances.items()
    ]
    return pl.DataFrame(rows, schema=QUALITY, orient="row")
