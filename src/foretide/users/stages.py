"""Where the population goes: how many users will be in each lifecycle stage on each day of the horizon.

Three forecasts are told from what is known, and weighed by their errors at earlier origins:

- *walks* let every user act or not, day by day, with the chance of users like them, and let new users arrive; stages
  follow from the rule of the lifecycle itself (``foretide.users.walk``);
- the *chain* takes the mean daily moves between stages for the moves of all days to come;
- the *series* are the shares of the stages, forecast as any other series.

The flows of users are those of the walks, brought to the weighed mix, so that the account of growth adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import OUTSIDE
from foretide.forecast.engine import checked
from foretide.forecast.intervals import pooled_quantiles
from foretide.schema import STAGES, Floats
from foretide.users.growth import account_ahead
from foretide.users.mix_weights import MODELS, PRIOR, TOGETHER, honest_mixes, mixed, weights_of_models
from foretide.users.population import Past, as_mix, chain, direct, read_past, setting
from foretide.users.walk import Setting, flows

USUAL_RULE = LifecycleRule()
#: A backtest over the horizon divided by this, or more, says how much each forecast counts.
FAR = 2
#: Fewer users than this make shares that chance alone moves by some points.
FEW_USERS = 100
#: Without anybody new for so many days there are said to be no arrivals.
ARRIVAL_DAYS = 28

#: Codes of what a reader must know, in words under users.note of the catalogue.
NOTES = (
    "no_backtest",
    "short_backtest",
    "horizon_longer_than_history",
    "never_churned",
    "stage_never_seen",
    "no_arrivals",
    "few_users",
)

#: Mean absolute error of the shares in points, over origins and stages: of the last day tested, of all days.
QUALITY = pl.Schema({"model": pl.String(), "last_day": pl.Float64(), "all_days": pl.Float64()})


@dataclass(frozen=True)
class Basis:
    """The forecast before it was put into tables."""

    dates: np.ndarray[tuple[int], np.dtype[np.datetime64]]  # (h,)
    setting: Setting
    mix: Floats  # (h, n_stages) weighed
    walked: Floats  # (h, N_PLACES, N_PLACES) flows of the walks
    users: Floats  # (n_stages,) now

    @property
    def total(self) -> Floats:
        """All users at the end of each day, ``(h,)``."""
        return self.users.sum() + np.cumsum(self.walked[:, OUTSIDE].sum(axis=1))


@dataclass(frozen=True)
class StageOutlook:
    """The stages ahead, the account of growth, and how far they can be trusted."""

    stages: pl.DataFrame  # ds, stage, users, share, users-lo-80, share-lo-80, ...; users are expected, not whole
    accounting: pl.DataFrame  # growth.ACCOUNTING_AHEAD
    weights: pl.DataFrame  # model, weight
    quality: pl.DataFrame  # QUALITY, empty without a backtest
    notes: tuple[str, ...]  # of NOTES
    basis: Basis  # what a what-if starts from


def stage_outlook(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    rule: LifecycleRule = USUAL_RULE,
    levels: Sequence[int] = (80, 95),
    *,
    engine: Engine | None = None,
    seed: int = 0,
) -> StageOutlook:
    """Tell how many users will be in each stage on each day of the horizon.

    Parameters
    ----------
    buckets
        The events.
    as_of
        End of what is known (exclusive), in UTC; the horizon begins after the last whole local day before it.
    horizon_days
        Days ahead.
    rule
        The lifecycle rule.
    levels
        Of the intervals, in percent.
    engine
        Where buckets are counted; threads if None.
    seed
        Of the walks.

    Raises
    ------
    UsageError
        If the horizon or a level is out of range.
    NotEnoughDataError
        If fewer than two whole days are known.
    """
    wanted = checked(horizon_days, levels)
    past = read_past(buckets, as_of, horizon_days, rule, engine)
    told = [told_from(past, origin, past.tested, seed) for origin in past.origins[:-1]]  # (n_models, h, n_stages) each
    happened = [past.shares[origin : origin + past.tested] for origin in past.origins[:-1]]
    far = FAR * past.tested >= horizon_days
    weights = weights_of_models(told, happened) if far else PRIOR
    start = setting(past, past.n_days, horizon_days, seed)
    walked = flows(start)
    now = models_from(past, past.n_days, horizon_days, walked)
    basis = Basis(past.dates[past.n_days :], start, mixed(weights, now), walked, past.users[-1])
    honest = honest_mixes(told, happened, past.origins[:-1], past.tested)
    return StageOutlook(
        stage_table(basis, intervals_of(basis.mix, honest, happened, wanted, past.users[-1].sum())),
        account_ahead(basis.dates, basis.users, basis.mix, walked),
        pl.DataFrame({"model": MODELS, "weight": weights}),
        quality_table(told, honest, happened),
        notes(past),
        basis,
    )


def models_from(past: Past, origin: int, h: int, walked: Floats) -> Floats:
    """Return the mixes that the models tell from an origin, ``(n_models, h, n_stages)`` in the order of ``MODELS``."""
    return np.stack([as_mix(walked.sum(axis=1)[:, 1:]), chain(past, origin, h), direct(past, origin, h)])


def told_from(past: Past, origin: int, h: int, seed: int) -> Floats:
    """Return ``models_from`` an origin of the backtest."""
    return models_from(past, origin, h, flows(setting(past, origin, h, seed)))


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


def stage_table(basis: Basis, intervals: Mapping[int, tuple[Floats, Floats]]) -> pl.DataFrame:
    """Return the stages of each day in the order of ``schema.STAGES``, users and shares with their intervals."""
    total = np.repeat(basis.total, len(STAGES))
    columns = {
        "ds": np.repeat(basis.dates, len(STAGES)),
        "stage": STAGES * len(basis.dates),
        "users": total * basis.mix.ravel(),
        "share": basis.mix.ravel(),
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


def notes(past: Past) -> tuple[str, ...]:
    """Return the codes, of ``NOTES``, of what a reader must know."""
    tried = len(past.origins) > 1
    facts = (
        not tried,
        tried and past.tested < past.h,
        past.h > past.n_days,
        not past.users[:, -1].any(),
        not past.users[:, :-1].any(axis=0).all(),
        not past.new[-ARRIVAL_DAYS:].any(),
        past.users[-1].sum() < FEW_USERS,
    )
    return tuple(code for code, holds in zip(NOTES, facts, strict=True) if holds)
