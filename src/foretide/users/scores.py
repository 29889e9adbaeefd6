"""How good chances of no activity were: scores against what happened, by stage, beside the simple rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
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
        "accuracy": pl.Float64(),  # from here on: a chance of at least THRESHOLD is taken for "inactive"
        "precision": pl.Float64(),  # null where nobody has such a chance
        "recall": pl.Float64(),  # null where nobody was inactive
        "f1": pl.Float64(),  # null where neither is
    }
)
#: A row for each decile of the chance, for a reliability chart.
RELIABILITY = pl.Schema(
    {
        "n": pl.Int64(),
        "chance": pl.Float64(),  # mean
        "frequency": pl.Float64(),
        "lo": pl.Float64(),  # 95 % interval of the frequency (Wilson)
        "hi": pl.Float64(),
    }
)
CALIBRATION_GROUPS = 10
#: From this chance on a user is said to become inactive.
THRESHOLD = 0.5
#: Two-sided 95 % point of the normal distribution.
Z_95 = 1.959964
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
    accuracy: float
    precision: float | None
    recall: float | None
    f1: float | None


def scores(happened: Floats, chance: Floats) -> Scores:
    """Return the scores of chances ``(n_users,)`` against what happened, 0 or 1; at least one user."""
    return Scores(
        len(happened),
        float(happened.mean()),
        float(log_losses(happened, chance).mean()),
        auc(happened, chance),
        float(np.mean((chance - happened) ** 2)),
        calibration_error(happened, chance),
        *verdicts(happened, chance),
    )


def log_losses(happened: Floats, chance: Floats) -> Floats:
    """Return the log-loss of each user, of the shape of ``chance``."""
    clipped = np.clip(chance, CLIP, 1 - CLIP)
    return -np.where(happened > 0, np.log(clipped), np.log1p(-clipped))


def verdicts(happened: Floats, chance: Floats) -> tuple[float, float | None, float | None, float | None]:
    """Return accuracy, precision, recall and F1 of saying yes from a chance of ``THRESHOLD`` on."""
    yes = chance >= THRESHOLD
    right, said, there = int((yes & (happened > 0)).sum()), int(yes.sum()), int(happened.sum())
    accuracy = float(np.mean(yes == (happened > 0)))
    f1 = 2 * right / (said + there) if said + there else None
    return accuracy, right / said if said else None, right / there if there else None, f1


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
    surplus = np.bincount(deciles(chance), weights=chance - happened)
    return float(np.abs(surplus).sum() / len(chance))


def deciles(chance: Floats) -> NDArray[np.int64]:
    """Return the decile of each chance, 0 to 9; ties stay together, so that some may be empty."""
    return ((rankdata(chance) - 0.5) * CALIBRATION_GROUPS / len(chance)).astype(np.int64)


def reliability(happened: Floats, chance: Floats) -> pl.DataFrame:
    """Return ``RELIABILITY``: what was said and what happened in each decile of the chance, the lowest first."""
    told = pl.DataFrame({"decile": deciles(chance), "chance": chance, "happened": happened})
    table = told.group_by("decile").agg(
        pl.len().alias("n"), pl.col("chance").mean(), frequency=pl.col("happened").mean()
    )
    n, share = pl.col("n"), pl.col("frequency")
    middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * (share * (1 - share) / n + Z_95**2 / (4 * n**2)).sqrt()
    bounds = {"lo": (middle - half).clip(0, 1), "hi": (middle + half).clip(0, 1)}
    return (
        table.sort("decile")
        .with_columns(**bounds)
        .select(pl.col(name).cast(kind) for name, kind in RELIABILITY.items())
    )


def groups(seen: pl.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Return who is in each group that is not empty: all, the eligible (not churned), each stage; ``(n_users,)``."""
    stage = seen["stage"].to_numpy()
    found = {"all": np.full(len(stage), True), "eligible": stage != "churned"}
    found |= {name: stage == name for name in STAGES}
    return {name: rows for name, rows in found.items() if rows.any()}


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
    rows = [
        (name, model, *scores(happened[there], chance[there]))
        for name, there in groups(seen).items()
        for model, chance in chances.items()
    ]
    return pl.DataFrame(rows, schema=QUALITY, orient="row")
