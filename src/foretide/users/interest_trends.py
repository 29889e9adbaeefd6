"""Which interests rise and fall, in the population and in each segment: shares now, expected, and how sure.

A segment's mix in the horizon is a blend of its own mixes at several memories with the population's, as it is
and moved along its trend: what ``foretide.users.interests`` does for a user. The weights are fitted, and the
errors measured, on the horizons that are over. A share comes out different from what was expected of it because
few events are counted, and because tastes drift: an interval measures past errors in units of both together.

A segment is the users who are in it now; in the past too they are looked at together. Weights and errors are
learnt from the sample of users that the other models learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from math import log

import numpy as np
import polars as pl

from foretide.events.engine import Engine, concat_buckets
from foretide.events.records import Buckets
from foretide.features.population import FIRST, first_part
from foretide.schema import TS, Floats
from foretide.users.cutoffs import LEAD_DAYS, horizon, trainable_horizon, training_cutoffs
from foretide.users.examples import sample
from foretide.users.interests import COLUMNS, PARTS, PRIOR_EVENTS, PRIOR_WEIGHTS, mixture_weights
from foretide.users.mixes import HALF_LIVES_DAYS, N_COLUMNS, SECONDS_A_DAY, USUAL_DAYS, counted, moved, own

TRENDS = pl.Schema(
    {
        "segment": pl.String(),
        "category": pl.String(),
        "share_now": pl.Float64(),  # decayed with half-life 28 d, shrunk to the population
        "share_expected": pl.Float64(),  # in the horizon
        "lo": pl.Float64(),  # between these it will be in 80 of 100 cases; null if too few events tell
        "hi": pl.Float64(),
        "direction": pl.String(),  # rising or falling if the share of now is outside; else steady; null if not told
    }
)
#: Of a bucket: decayed counts at a cut-off, and events ``n`` in the horizon after it.
KEYS = {"segment": pl.String(), "as_of": TS, "category": pl.String()}
COUNTED = pl.Schema({**KEYS, **dict.fromkeys((*N_COLUMNS, "n"), pl.Float64())})
MIXES = pl.Schema({**KEYS, **dict.fromkeys((*PARTS, f"total_{USUAL_DAYS}", "n"), pl.Float64())})
EVERYBODY = "all"
LEVEL = 0.8
WEIGHTS = tuple(f"weight_{part}" for part in PARTS)
#: Past horizons that teach, at most.
TRIALS = 6
#: A horizon counts half of one so many days later in what the weights are fitted to.
WEIGHTS_HALF_LIFE_DAYS = 28
#: Fewer errors of a segment than these make no interval.
LEAST_ERRORS = 20
#: Keeps the usual size of an error above zero.
LEAST_NOISE = 1e-6
#: A share is judged if it stands for this many events in the horizon.
LEAST_EVENTS = 5.0


def interest_trends(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    members: pl.DataFrame | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return what happens to each interest of the population and of each segment, ``TRENDS``.

    Parameters
    ----------
    buckets
        The events; nothing at or after ``as_of`` is looked at.
    as_of
        End of what is known.
    horizon_days
        Length of the horizon; where fewer days are over, the errors are those of a shorter one.
    members
        ``user_id, segment``, in any number of segments each; only the population, ``EVERYBODY``, if None.
    engine
        Where buckets are counted; threads if None.
    """
    trials, days = past_trials(buckets, as_of, horizon_days, engine)
    past = mixes(sample(buckets, as_of, engine), trials, days, members, as_of, engine)
    weights = segment_weights(past)
    now = mixes(buckets, [as_of], horizon_days, members, as_of, engine)
    return directions(with_intervals(blended(now, weights, horizon_days), blended(past, weights, days)))


def segment_weights(past: pl.DataFrame) -> pl.DataFrame:
    """Return the weight of each of ``PARTS`` for each segment: a large one is told by a short memory."""
    age_days = (pl.col("as_of").max() - pl.col("as_of")).dt.total_seconds() / SECONDS_A_DAY
    recent = past.with_columns(pl.col("n") * 0.5 ** (age_days / WEIGHTS_HALF_LIFE_DAYS))
    seen = recent.filter(pl.col("n") > 0, pl.sum_horizontal(PARTS) > 0)
    prior = np.array(PRIOR_WEIGHTS) * PRIOR_EVENTS
    rows = [
        (name, *mixture_weights(some.select(PARTS).to_numpy(), some["n"].to_numpy(), prior))
        for (name,), some in seen.group_by("segment", maintain_order=True)
    ]
    return pl.DataFrame(rows, schema={"segment": pl.String, **dict.fromkeys(WEIGHTS, pl.Float64)}, orient="row")


def past_trials(
    buckets: Buckets, as_of: datetime, horizon_days: int, engine: Engine | None = None
) -> tuple[list[datetime], int]:
    """Return cut-offs whose horizon is over, and its length."""
    known = concat_buckets(partial(first_part, until=as_of), buckets, FIRST, engine)["ts"].min()
    first = known if isinstance(known, datetime) else as_of
    days = trainable_horizon((as_of - first).days, horizon_days)
    return (training_cutoffs(first, as_of, days, buckets.timezone, TRIALS) if days else []), days


def mixes(
    buckets: Buckets,
    cutoffs: Sequence[datetime],
    horizon_days: int,
    members: pl.DataFrame | None,
    until: datetime,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return the mixes of segments at cut-offs, with a row for each category that anybody knew then.

    Returns
    -------
    pl.DataFrame
        ``segment, as_of, category``, the share in each of ``PARTS``, the segment's decayed events ``total_28``,
        and events ``n`` of the category in the horizon before ``until``.
    """
    job = partial(mixes_part, cutoffs=cutoffs, horizon_days=horizon_days, members=members, until=until)
    counts = concat_buckets(job, buckets, COUNTED, engine) if cutoffs else COUNTED.to_frame()
    found = [MIXES.to_frame()]
    for cutoff in cutoffs:
        whole = (
            counts.filter(pl.col("as_of") == cutoff).group_by("segment", "category").agg(pl.col(*N_COLUMNS, "n").sum())
        )
        table = in_parts(whole, LEAD_DAYS + horizon_days / 2).with_columns(as_of=pl.lit(cutoff, TS))
        found.append(table.select(pl.col(name).cast(dtype) for name, dtype in MIXES.items()))
    return pl.concat(found)


def mixes_part(
    buckets: Buckets,
    i: int,
    cutoffs: Sequence[datetime],
    horizon_days: int,
    members: pl.DataFrame | None,
    until: datetime,
) -> pl.DataFrame:
    """Return ``COUNTED`` of a bucket at one or more cut-offs."""
    events = in_segments(buckets.bucket(i, COLUMNS, until=until), members)
    parts = []
    for cutoff in cutoffs:
        window = horizon(cutoff, horizon_days, buckets.timezone)
        parts.append(counted(events, cutoff, window, ["segment", "category"]).with_columns(as_of=pl.lit(cutoff, TS)))
    return pl.concat(parts).select(COUNTED.names())


def in_segments(events: pl.DataFrame, members: pl.DataFrame | None) -> pl.DataFrame:
    """Return events with a category, once for everybody and once for each segment of their user."""
    told = events.filter(pl.col("category").is_not_null())
    everybody = told.select("category", "ts", segment=pl.lit(EVERYBODY))
    if members is None:
        return everybody
    of_segment = told.join(members, on="user_id").select(everybody.columns)
    return pl.concat([everybody, of_segment])


def in_parts(counts: pl.DataFrame, ahead_days: float) -> pl.DataFrame:
    """Return the shares of ``PARTS`` of each segment in each category that anybody knew."""
    population = counts.filter(pl.col("segment") == EVERYBODY, pl.sum_horizontal(N_COLUMNS) > 0)
    pi = population.select(
        "category", *((pl.col(f"n_{d}") / pl.col(f"n_{d}").sum()).alias(f"pi_{d}") for d in HALF_LIVES_DAYS)
    )
    pi = pi.with_columns(moved(ahead_days).alias("pi_moved")).with_columns(
        pl.col("pi_moved") / pl.col("pi_moved").sum()
    )
    total = [pl.col(f"n_{d}").sum().over("segment").alias(f"total_{d}") for d in HALF_LIVES_DAYS]
    return (
        counts.select("segment")
        .unique()
        .join(pi, how="cross")
        .join(counts, on=["segment", "category"], how="left")
        .with_columns(pl.col("n", *N_COLUMNS).fill_null(0.0))
        .with_columns(total)
        .with_columns(own(d).alias(f"own_{d}") for d in HALF_LIVES_DAYS)
        .sort("segment", "category")
    )


def blended(table: pl.DataFrame, weights: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """Return the mixes of segments at moments with what is expected of them.

    Returns
    -------
    pl.DataFrame
        ``segment, as_of, category, share_now, share_expected, share_ahead`` (what happened), and the ``events``
        of the horizon that the expected share stands for.
    """
    keys = ["segment", "as_of"]
    usual = [pl.col(name).fill_null(w) for name, w in zip(WEIGHTS, PRIOR_WEIGHTS, strict=True)]
    expected = pl.sum_horizontal(pl.col(part) * weight for part, weight in zip(PARTS, usual, strict=True))
    events_a_day = pl.col(f"total_{USUAL_DAYS}") * log(2) / USUAL_DAYS
    told = table.join(weights, on="segment", how="left", maintain_order="left").select(
        *keys,
        "category",
        pl.col(f"own_{USUAL_DAYS}").alias("share_now"),
        (expected / expected.sum().over(keys)).alias("share_expected"),
        (pl.col("n") / pl.col("n").sum().over(keys)).alias("share_ahead"),
        (events_a_day * horizon_days).alias("events"),
    )
    return told.with_columns(pl.col("events") * pl.col("share_expected"))


def with_intervals(now: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """Return what is expected now with ``lo, hi``, by the errors of each segment in the past."""
    enough = pl.col("events") >= LEAST_EVENTS
    ratio = pl.col("share_ahead") / pl.col("share_expected")
    errors = past.filter(enough, ratio.is_not_nan()).select("segment", "events", error=ratio - 1)
    told = [banded(some, errors.filter(pl.col("segment") == name)) for (name,), some in now.group_by("segment")]
    nothing = now.clear().with_columns(lo=pl.lit(None, pl.Float64), hi=pl.lit(None, pl.Float64))
    return pl.concat([nothing, *told]).with_columns(pl.when(enough).then(pl.col("lo", "hi")))


def banded(now: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Return a segment's shares with ``lo, hi``: quantiles of its errors, measured in their usual size."""
    nothing = pl.lit(None, pl.Float64)
    if errors.height < LEAST_ERRORS:
        return now.with_columns(lo=nothing, hi=nothing)
    events, error = errors["events"].to_numpy(), errors["error"].to_numpy()
    noise, drift = spread(events, error)
    size = np.sqrt(noise / np.maximum(now["events"].to_numpy(), LEAST_EVENTS) + drift)
    scaled = error / np.sqrt(noise / events + drift)
    lo, hi = (now["share_expected"].to_numpy() * (1 + quantile(scaled, q) * size) for q in tails())
    return now.with_columns(lo=pl.Series(np.maximum(lo, 0.0)), hi=pl.Series(np.minimum(hi, 1.0)))


def spread(events: Floats, error: Floats) -> tuple[float, float]:
    """Return the variance of relative errors as that of counting, divided by the events, and that of drift.

    Non-negative least squares on ``events * error ** 2``, as a rare category's error says little.
    """
    from scipy.optimize import nnls

    (noise, drift), _ = nnls(np.stack([np.ones(len(events)), events], axis=1), events * error**2)
    return max(float(noise), LEAST_NOISE), float(drift)


def tails() -> tuple[float, float]:
    """Return the levels of the two ends of an interval."""
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2


def quantile(errors: Floats, q: float) -> float:
    """Return the quantile, a little outside for few errors: the next one counts as one of them."""
    outside = q + (q - 0.5) * 2 / len(errors)
    return float(np.quantile(errors, np.clip(outside, 0, 1)))


def directions(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``TRENDS``: large shares first in each segment."""
    now = pl.col("share_now")
    direction = (
        pl.when(pl.col("lo").is_null())
        .then(None)
        .when(pl.col("lo") > now)
        .then(pl.lit("rising"))
        .when(pl.col("hi") < now)
        .then(pl.lit("falling"))
        .otherwise(pl.lit("steady"))
    )
    told = table.with_columns(direction=direction).select(pl.col(n).cast(t) for n, t in TRENDS.items())
    return told.sort("segment", "share_expected", "category", descending=[False, True, False])
