"""The stages ahead as tables: users and shares with their intervals, and how far they were off at earlier origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from foretide.forecast.intervals import pooled_quantiles
from foretide.schema import STAGES, Floats
from foretide.users.mix_weights import MODELS, TOGETHER

Dates = np.ndarray[tuple[int], np.dtype[np.datetime64]]

#: Mean absolute error of the shares in points, over origins and stages: of the last day tested, of all days.
QUALITY = pl.Schema({"model": pl.String(), "last_day": pl.Float64(), "all_days": pl.Float64()})


def intervals_of(
    mix: Floats, honest: Sequence[Floats], happened: Sequence[Floats], levels: Sequence[int], n_users: float
) -> Mapping[int, tuple[Floats, Floats]]:
    """Return the intervals of shares, ``(h, n_stages)`` each, from the errors at the origins in units of ``spread``.

    Beyond the days that the backtest looked ahead they widen with the root of the days, as sums of chances do.
    """
    errors = [((came - said) / spread(said, n_users)).T for came, said in zip(happened, honest, strict=True)]
    scaled = np.stack(errors, axis=1) if errors else np.empty((mix.shape[1], 0, 0))  # (n_stages, n_origins, h)
    tails = [(100 - level) / 200 for level in levels]
    quantiles = pooled_quantiles(scaled, len(mix), [*tails, *(1 - tail for tail in tails)])  # (n_tails, h)
    wider = np.sqrt(np.maximum(np.arange(1, len(mix) + 1) / max(scaled.shape[2], 1), 1.0))
    bounds = np.clip(mix + spread(mix, n_users) * (quantiles * wider)[..., None], 0.0, 1.0)
    lows, highs = np.minimum(bounds[: len(tails)], mix), np.maximum(bounds[len(tails) :], mix)
    return dict(zip(levels, zip(lows, highs, strict=True), strict=True))


def spread(share: Floats, n_users: float) -> Floats:
    """Return how far one user's being in a stage or not lies from its share, at least that of one user in all."""
    return np.sqrt(share * (1.0 - share) + 1.0 / n_users)


def stage_table(
    dates: Dates, total: Floats, mix: Floats, intervals: Mapping[int, tuple[Floats, Floats]]
) -> pl.DataFrame:
    """Return the stages of each day in the order of ``schema.STAGES``, users and shares with their intervals.

    Parameters
    ----------
    dates, total
        The days and all users on each, ``(h,)``.
    mix, intervals
        Shares and their bounds, ``(h, n_stages)``.
    """
    total = np.repeat(total, len(STAGES))
    columns = {
        "ds": np.repeat(dates, len(STAGES)),
        "stage": STAGES * len(dates),
        "users": total * mix.ravel(),
        "share": mix.ravel(),
    }
    for level, (lo, hi) in intervals.items():
        columns |= {f"share-lo-{level}": lo.ravel(), f"share-hi-{level}": hi.ravel()}
        columns |= {f"users-lo-{level}": total * lo.ravel(), f"users-hi-{level}": total * hi.ravel()}
    return pl.DataFrame(columns)


def quality_table(told: Sequence[Floats], honest: Sequence[Floats], happened: Sequence[Floats]) -> pl.DataFrame:
    """Return ``QUALITY`` of the models and of the weighed mix."""
    if not told:
        return QUALITY.to_frame()
    all_told = np.concatenate([np.array(told), np.array(honest)[:, None]], axis=1)
    points = 100.0 * np.abs(all_told - np.array(happened)[:, None])  # (n_origins, n_models + 1, h, n_stages)
    last, every = points[:, :, -1].mean(axis=(0, 2)), points.mean(axis=(0, 2, 3))
    return pl.DataFrame([[*MODELS, TOGETHER], last, every], schema=QUALITY)
