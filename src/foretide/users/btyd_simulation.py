"""Users who behave as a buy-till-you-die model says: to see what a fit recovers, and whether it looks like the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from foretide.schema import Floats
from foretide.users.btyd import BuyTillYouDie
from foretide.users.btyd_summaries import Visits


def simulate(model: BuyTillYouDie, ages: Sequence[float] | Floats, rng: int | np.random.Generator) -> pl.DataFrame:
    """Return ``frequency, recency, age`` of a user of each age, in the unit of the model's parameters."""
    return pl.DataFrame(simulate_spans(model, [ages], rng)[0]._asdict())


def simulate_spans(
    model: BuyTillYouDie, ends: Sequence[Sequence[float] | Floats], rng: int | np.random.Generator
) -> list[Visits]:
    """Return what is known of the same users at several later and later ages.

    Parameters
    ----------
    model
        A model with parameters.
    ends
        ``(n_moments, n_users)`` ages, each row at least the one before.
    rng
        Seed or generator.
    """
    rng = np.random.default_rng(rng)
    spans = np.asarray(ends, dtype=np.float64)
    n_users = spans.shape[1]
    r, alpha = model.theta_[:2]
    mean_gap = 1 / np.maximum(rng.gamma(r, 1 / alpha, n_users), np.finfo(np.float64).tiny)
    most, leaves = model.leaving.ends(model.theta_, n_users, rng)
    clock, count = np.zeros(n_users), np.zeros(n_users)
    known = [Visits(np.zeros(n_users), np.zeros(n_users), span) for span in spans]
    there = np.arange(n_users)
    while there.size:
        clock[there] += rng.exponential(mean_gap[there])
        count[there] += 1
        there = there[(count <= most)[there] & (clock <= np.minimum(leaves, spans[-1]))[there]]
        for seen in known:
            now = there[clock[there] <= seen.age[there]]
            seen.frequency[now], seen.recency[now] = count[now], clock[now]
    return known
