"""What a user will be interested in: the mix of categories expected in the horizon.

It is a blend of the user's own mixes at several memories with the population's mix, as it is and moved
along its trend. The weights of the blend are fitted by maximum likelihood on what users did in the last
whole horizon: a mixture of known mixes, which the EM algorithm solves exactly (its likelihood has one
maximum).

References
----------
Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm", JRSS B 39 (1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.lookup import homes
from foretide.events.records import Buckets
from foretide.schema import Floats
from foretide.users.cutoffs import LEAD_DAYS, horizon, shifted
from foretide.users.examples import sample
from foretide.users.mixes import HALF_LIVES_DAYS, N_COLUMNS, USUAL_DAYS, counted, decayed, own, population, totals

INTERESTS = pl.Schema(
    {
        "user_id": pl.String(),
        "category": pl.String(),
        "share_now": pl.Float64(),  # decayed with half-life 28 d, shrunk to the population
        "share_expected": pl.Float64(),  # in the horizon
    }
)
COLUMNS = ("user_id", "category", "ts")
#: Decayed counts of a category, and of a user's categories; then with the events of a horizon.
COUNTS = pl.Schema({"category": pl.String(), **dict.fromkeys(N_COLUMNS, pl.Float64())})
CELLS = pl.Schema({"user_id": pl.String(), **COUNTS})
CELLS_AHEAD = pl.Schema({**CELLS, "n": pl.Float64()})
#: Categories kept for a user; the rest is one row more.
KEPT_CATEGORIES = 20
OTHER = "(other)"
#: A remainder below this is rounding.
NEGLIGIBLE = 1e-9

#: The parts of the blend: own mixes from the shortest memory to the longest, the population now and moved.
PARTS = (*(f"own_{days}" for days in HALF_LIVES_DAYS), "pi_7", "pi_moved")
#: Weights where there is too little to fit them on.
PRIOR_WEIGHTS = (0.1, 0.1, 0.2, 0.2, 0.2, 0.2)
#: The prior weights count as much as this many events.
PRIOR_EVENTS = 100.0
#: Users' categories that the weights are fitted on, at most.
FITTING_ROWS = 100_000
EM_STEPS = 200
EM_TOLERANCE = 1e-6


def mixture_weights(parts: Floats, n: Floats, prior: Floats | None = None) -> Floats:
    """Return the maximum-likelihood weights of a mixture of known distributions.

    Parameters
    ----------
    parts
        ``(n_outcomes, n_parts)``: probability of each outcome under each part; no row is all zero.
    n
        ``(n_outcomes,)``: how often it was seen.
    prior
        ``(n_parts,)``: events that are added to the parts beforehand; none if None.

    Returns
    -------
    numpy.ndarray
        ``(n_parts,)``, non-negative, adds to one.
    """
    pseudo = np.zeros(parts.shape[1]) if prior is None else prior
    weights = np.full(parts.shape[1], 1 / parts.shape[1])
    for _ in range(EM_STEPS):
        blend = parts @ weights  # (n_outcomes,)
        events = weights * (parts.T @ (n / blend)) + pseudo  # (n_parts,)
        before, weights = weights, events / events.sum()
        if np.abs(weights - before).max() < EM_TOLERANCE:
            break
    return weights


def fit_weights(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int,
    rng: int | np.random.Generator = 0,
    engine: Engine | None = None,
) -> Floats:
    """Return the weights of ``PARTS`` that would have told best what users did in the last whole horizon.

    Parameters
    ----------
    buckets
        The events; nothing at or after ``as_of`` is looked at.
    as_of
        End of what is known.
    horizon_days
        Length of the horizon.
    rng
        Seed or generator for the thinning of large sets.
    engine
        Where buckets are read; threads if None.
    """
    prior = np.array(PRIOR_WEIGHTS)
    cutoff = shifted(as_of, -LEAD_DAYS - horizon_days, buckets.timezone)
    seen = ahead_parts(buckets, cutoff, horizon_days, engine)
    if seen.height > FITTING_ROWS:
        seen = seen.sample(FITTING_ROWS, seed=int(np.random.default_rng(rng).integers(2**32)))
    if seen.is_empty():
        return prior
    return mixture_weights(seen.select(PARTS).to_numpy(), seen["n"].to_numpy(), prior * PRIOR_EVENTS)


def ahead_parts(buckets: Buckets, cutoff: datetime, horizon_days: int, engine: Engine | None = None) -> pl.DataFrame:
    """Return how often users turned to each category in a horizon, with its chance under each of ``PARTS``.

    Only users who are known at the cut-off, and categories that are: nobody could tell the others. Threads read the
    buckets if there is no engine.

    Returns
    -------
    pl.DataFrame
        ``user_id, category, n`` and a column for each of ``PARTS``, in the order of user and category.
    """
    job = partial(ahead_part, cutoff=cutoff, window=horizon(cutoff, horizon_days, buckets.timezone))
    both = concat_buckets(job, buckets, CELLS_AHEAD, engine)
    past = both.filter(pl.sum_horizontal(N_COLUMNS) > 0).drop("n")
    ahead = both.filter(pl.col("n") > 0).select("user_id", "category", "n").join(past, on="user_id", how="semi")
    told = with_parts(ahead, past, population(past, middle(horizon_days)))
    return told.filter(pl.sum_horizontal(PARTS) > 0).sort("user_id", "category")


def ahead_part(buckets: Buckets, i: int, cutoff: datetime, window: tuple[datetime, datetime]) -> pl.DataFrame:
    """Return ``CELLS_AHEAD`` of a bucket."""
    events = buckets.bucket(i, COLUMNS, until=window[1])
    return counted(events, cutoff, window, ["user_id", "category"])


def middle(horizon_days: int) -> float:
    """Return how many days ahead the middle of the horizon is."""
    return LEAD_DAYS + horizon_days / 2


def with_parts(pairs: pl.DataFrame, past: pl.DataFrame, mixes: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of user and category with the share of the category in each of ``PARTS``."""
    return (
        pairs.join(mixes, on="category")
        .join(past, on=["user_id", "category"], how="left")
        .join(totals(past), on="user_id", how="left")
        .with_columns(own(days).alias(f"own_{days}") for days in HALF_LIVES_DAYS)
        .select(pairs.columns + list(PARTS))
    )


def expected_interests(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    weights: Floats | None = None,
    users: Sequence[str] | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return every user's interests now and as expected in the horizon, ``INTERESTS``.

    The ``KEPT_CATEGORIES`` with the largest expected share are rows, the others together one row ``OTHER``;
    the shares of a user add to one. A user without categories has the population's mix.

    Parameters
    ----------
    buckets
        The events.
    as_of
        End of what is known (exclusive).
    horizon_days
        Length of the horizon.
    weights
        Weights of ``PARTS``; fitted on the last whole horizon if None.
    users
        Only these, known or not; all with an event if None.
    engine
        Where buckets are read; threads if None.
    """
    if weights is None:
        weights = fit_weights(sample(buckets, as_of, engine), as_of, horizon_days, engine=engine)
    counts = concat_buckets(partial(counts_part, until=as_of), buckets, COUNTS, engine)
    mixes = population(counts, middle(horizon_days))
    job = partial(interests_part, as_of=as_of, users=users, mixes=mixes, weights=weights)
    found = concat_buckets(job, buckets if users is None else homes(buckets, users), INTERESTS, engine)
    if users is not None:
        asked = pl.DataFrame({"user_id": users}, schema={"user_id": pl.String}).unique()
        strangers = asked.join(found, on="user_id", how="anti")
        found = pl.concat([found, kept(blended(strangers, CELLS.to_frame(), mixes, weights))])
    return found.sort("user_id", maintain_order=True)


def counts_part(buckets: Buckets, i: int, until: datetime) -> pl.DataFrame:
    """Return ``COUNTS`` of a bucket."""
    return decayed(buckets.bucket(i, ["category", "ts"], until), until, ["category"])


def interests_part(
    buckets: Buckets, i: int, as_of: datetime, users: Sequence[str] | None, mixes: pl.DataFrame, weights: Floats
) -> pl.DataFrame:
    """Return ``INTERESTS`` of the users of a bucket, of all or of those named."""
    events = buckets.bucket(i, COLUMNS, until=as_of)
    if users is not None:
        events = events.filter(pl.col("user_id").is_in(users))
    past = decayed(events, as_of, ["user_id", "category"])
    return kept(blended(events.select("user_id").unique(), past, mixes, weights))


def blended(users: pl.DataFrame, past: pl.DataFrame, mixes: pl.DataFrame, weights: Floats) -> pl.DataFrame:
    """Return the shares of users in their own categories and in the population's usual ones."""
    usual = mixes.top_k(KEPT_CATEGORIES, by="pi_7").select("category")
    pairs = pl.concat([past.select("user_id", "category"), users.join(usual, how="cross")]).unique()
    expected = pl.sum_horizontal(pl.col(part) * float(w) for part, w in zip(PARTS, weights, strict=True))
    return with_parts(pairs, past, mixes).select(
        "user_id",
        "category",
        pl.col(f"own_{USUAL_DAYS}").alias("share_now"),
        expected.alias("share_expected"),
    )


def kept(shares: pl.DataFrame) -> pl.DataFrame:
    """Return each user's largest expected shares, and a row for the remainder where there is one."""
    top = (
        shares.sort("user_id", "share_expected", "category", descending=[False, True, False])
        .group_by("user_id", maintain_order=True)
        .head(KEPT_CATEGORIES)
    )
    rest = (
        top.group_by("user_id", maintain_order=True)
        .agg((1 - pl.col(name).sum()).alias(name) for name in ("share_now", "share_expected"))
        .filter(pl.max_horizontal("share_now", "share_expected") > NEGLIGIBLE)
        .with_columns(pl.col("share_now", "share_expected").clip(lower_bound=0.0), category=pl.lit(OTHER))
    )
    return pl.concat([top, rest.select(top.columns)])
