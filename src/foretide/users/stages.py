"""Where the population goes: how many users will be in each lifecycle stage on each day of the horizon.

Three forecasts are told from what is known, and weighed by their errors at earlier origins:

- *walks* let every user act or not, day by day, with the chance of users like them, and let new users arrive; stages
  follow from the rule of the lifecycle itself (``foretide.users.walk``);
- the *chain* takes the mean daily moves between stages for the moves of all days to come, with the same arrivals;
- the *series* are the shares of the stages, forecast as any other series.

The flows of users are those of the walks, brought to the weighed mix, so that the account of growth adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import OUTSIDE
from foretide.forecast.engine import checked
from foretide.schema import Floats
from foretide.users.growth import account_ahead
from foretide.users.mix_weights import MODELS, PRIOR, honest_mixes, mixed, weights_of_models
from foretide.users.population import Past, as_mix, chain, direct, read_past, setting
from foretide.users.stage_tables import Dates, intervals_of, quality_table, stage_table
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


@dataclass(frozen=True)
class Basis:
    """The forecast before it was put into tables."""

    dates: Dates  # (h,)
    setting: Setting
    weights: Floats  # (n_models,)
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
    quality: pl.DataFrame  # stage_tables.QUALITY, empty without a backtest
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
    tried = backtest(past, seed)
    basis = basis_of(past, tried.weights if FAR * past.tested >= horizon_days else PRIOR, seed)
    bounds = intervals_of(basis.mix, tried.honest, tried.happened, wanted, past.users[-1].sum())
    return StageOutlook(
        stage_table(basis.dates, basis.total, basis.mix, bounds),
        account_ahead(basis.dates, basis.users, basis.mix, basis.walked),
        pl.DataFrame({"model": MODELS, "weight": basis.weights}),
        quality_table(tried.told, tried.honest, tried.happened),
        notes(past),
        basis,
    )


@dataclass(frozen=True)
class Tried:
    """What would have been told at each origin of the backtest."""

    told: list[Floats]  # (n_models, h, n_stages)
    happened: list[Floats]  # (h, n_stages)
    honest: list[Floats]  # (h, n_stages) weighed by what was known at the origin

    @property
    def weights(self) -> Floats:
        """How much each model counts now, ``(n_models,)``."""
        return weights_of_models(self.told, self.happened)


def backtest(past: Past, seed: int) -> Tried:
    """Tell the mix from every origin but the last one, which is now."""
    origins, h = past.origins[:-1], past.tested
    told = [models_from(past, origin, h, flows(setting(past, origin, h, seed))) for origin in origins]
    happened = [past.shares[origin : origin + h] for origin in origins]
    return Tried(told, happened, honest_mixes(told, happened, origins, h))


def basis_of(past: Past, weights: Floats, seed: int) -> Basis:
    """Tell the mix from now on."""
    start = setting(past, past.n_days, past.h, seed)
    walked = flows(start)
    mix = mixed(weights, models_from(past, past.n_days, past.h, walked))
    return Basis(past.dates[past.n_days :], start, weights, mix, walked, past.users[-1])


def models_from(past: Past, origin: int, h: int, walked: Floats) -> Floats:
    """Return the mixes that the models tell from an origin, ``(n_models, h, n_stages)`` in the order of ``MODELS``."""
    new = walked[:, OUTSIDE].sum(axis=1)
    moved = chain(past, origin, h, arrivals=new)
    return np.stack([as_mix(walked.sum(axis=1)[:, 1:]), moved, direct(past, origin, h)])


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
