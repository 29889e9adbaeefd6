"""What else is expected of users: the stage at the end of the horizon, and the value in it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.cutoffs import Pair
from foretide.users.examples import of_pairs
from foretide.users.models import UserModel
from foretide.users.next_stage import CHANCES, NextStageModel, with_stages_ahead
from foretide.users.value import ValueModel, spending

FURTHER = pl.Schema(
    {
        "user_id": pl.String(),
        **dict.fromkeys(CHANCES, pl.Float64()),  # of each stage at the end of the horizon
        "expected_value": pl.Float64(),  # in the horizon; null if no event has a value
    }
)


def further(
    buckets: Buckets,
    training: Buckets,
    rows: pl.DataFrame,
    pairs: Sequence[Pair],
    model: UserModel,
    users: pl.DataFrame,
    rule: LifecycleRule,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return ``FURTHER`` of users.

    Parameters
    ----------
    buckets
        All events.
    training
        Those of the users that are learnt from.
    rows
        ``foretide.users.examples.examples`` of these users at the pairs.
    pairs
        Cut-offs and horizons that are over; of these the longest horizon is learnt from.
    model
        What tells the chance of no activity and the active days; fitted.
    users
        Rows of a feature table at the moment that is told of, at least one.
    rule
        The lifecycle rule.
    engine
        Where buckets are read; threads if None.
    """
    longest = max(days for _, days in pairs)
    chosen = [pair for pair in pairs if pair[1] == longest]
    seen = of_pairs(rows, chosen)
    told = model.predict(users)
    staged = with_stages_ahead(seen, training, chosen, rule, engine)
    stages = NextStageModel(model.horizon_days, rule).fit(staged).predict(users, told["p_inactive"].to_numpy())
    now = users["as_of"][0]
    past = spending(training, [cutoff for cutoff, _ in chosen] + [now], rule, engine)
    days = model.predict(seen)["expected_active_days"].to_numpy() * (longest / model.horizon_days)
    worth = ValueModel().fit(seen, days, past)
    value = worth.predict(users, told["expected_active_days"].to_numpy(), spending(buckets, [now], rule, engine))
    return pl.concat([users.select("user_id"), stages, value.select("expected_value")], how="horizontal")
