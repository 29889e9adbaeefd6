"""How well users' expected interests told what they turned to in the last whole horizon, beside simple mixes.

The score is the log-loss of a single event's category. The best simple mix is the one with the least loss on the very
events it is judged by, which is hard on the model.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.schema import Floats
from foretide.users.cutoffs import LEAD_DAYS, shifted
from foretide.users.interests import PARTS, ahead_parts, fit_weights
from foretide.users.mixes import USUAL_DAYS

#: The blend of ``foretide.users.interests``.
MODEL = "foretide"
#: Simple mixes by the part of the blend that each is alone: the user's own of the last days, and of the last weeks, and
#: that of all users.
BASELINES = {"last mix": "own_7", "decayed mix": f"own_{USUAL_DAYS}", "population mix": "pi_7"}
RESAMPLES = 1000

INTEREST_QUALITY = pl.Schema(
    {
        "model": pl.String(),
        "users": pl.Int64(),
        "events": pl.Int64(),
        "log_loss": pl.Float64(),  # of an event
        "baseline": pl.String(),  # the best one
        "margin": pl.Float64(),  # log-loss less that of the best baseline: below 0 the model is better
        "margin_lo": pl.Float64(),  # 95 % interval, users resampled
        "margin_hi": pl.Float64(),
    }
)


def interest_quality(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    rng: int | np.random.Generator = 0,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return ``INTEREST_QUALITY`` of the blend and of each simple mix; empty if nobody could be told of.

    The weights of the blend are fitted on the horizon before the one that is judged.

    Parameters
    ----------
    buckets
        The events; nothing at or after ``as_of`` is looked at.
    as_of
        End of what is known, and of the horizon that is judged.
    horizon_days
        Length of the horizon.
    rng
        Seed or generator of the bootstrap.
    engine
        Where buckets are read; threads if None.
    """
    cutoff = shifted(as_of, -LEAD_DAYS - horizon_days, buckets.timezone)
    seen = ahead_parts(buckets, cutoff, horizon_days, engine)
    if seen.is_empty():
        return INTEREST_QUALITY.to_frame()
    weights = fit_weights(buckets, cutoff, horizon_days, engine=engine)
    blend = pl.sum_horizontal(pl.col(part) * float(w) for part, w in zip(PARTS, weights, strict=True))
    shares = {MODEL: blend} | {name: pl.col(part) for name, part in BASELINES.items()}
    losses = {name: (-share.log() * pl.col("n")).sum() for name, share in shares.items()}
    by_user = seen.group_by("user_id", maintain_order=True).agg(pl.col("n").sum(), **losses)
    return judged(by_user, np.random.default_rng(rng))


def judged(by_user: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return ``INTEREST_QUALITY`` of sums over each user's events: ``n`` and the losses of each model."""
    names = [MODEL, *BASELINES]
    n, losses = by_user["n"].to_numpy(), by_user.select(names).to_numpy()  # (n_users,), (n_users, n_models)
    mean = losses.sum(axis=0) / n.sum()
    best = 1 + int(mean[1:].argmin())
    lo, hi = interval_of_ratio(losses - losses[:, [best]], n, rng)
    margin = mean - mean[best]
    told = pl.DataFrame({"model": names, "log_loss": mean, "margin": margin, "margin_lo": lo, "margin_hi": hi})
    whole = told.with_columns(users=pl.lit(by_user.height), events=pl.lit(n.sum()), baseline=pl.lit(names[best]))
    return whole.select(pl.col(name).cast(dtype) for name, dtype in INTEREST_QUALITY.items())


def interval_of_ratio(sums: Floats, n: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the 95 % bootstrap interval of ``sums / n``, users resampled together: ``(n_models,)`` twice."""
    users = len(n)
    counts = (np.bincount(rng.integers(users, size=users), minlength=users) for _ in range(RESAMPLES))
    ratios = np.array([(count @ sums) / (count @ n) for count in counts])  # (RESAMPLES, n_models)
    lo, hi = np.quantile(ratios, (0.025, 0.975), axis=0)
    return lo, hi
