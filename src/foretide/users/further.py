"""What else is expected of users: stage at the end of the horizon, value in it, how widely interests will spread."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import Floats
from foretide.users.cutoffs import Pair
from foretide.users.examples import of_pairs
from foretide.users.interest_breadth import BreadthModel, known_breadth, with_breadth
from foretide.users.models import UserModel
from foretide.users.next_stage import CHANCES, NextStageModel, with_stages_ahead
from foretide.users.value import ValueModel, spending

FURTHER = pl.Schema(
    {
        "user_id": pl.String(),
        **dict.fromkeys(CHANCES, pl.Float64()),  # of each stage at the end of the horizon; null if not told
        "expected_value": pl.Float64(),  # in the horizon; null if no event has a value
        "expected_hill_1": pl.Float64(),  # effective number of categories of who comes; null without any
        "p_new_category": pl.Float64(),  # chance of an event in a category that is new to the user; null without any
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
    silent, days = (told[name].to_numpy() for name in ("p_inactive", "expected_active_days"))
    staged = with_stages_ahead(seen, training, chosen, rule, engine)
    spread = with_breadth(seen, training, chosen, rule, engine)
    known = known_breadth(buckets, [users["as_of"][0]], longest, rule, engine)
    known = users.join(known, on=["user_id", "as_of"], how="left", maintain_order="left")
    parts = [
        users.select("user_id"),
        stages_told(NextStageModel(model.horizon_days, rule).fit(staged), users, silent),
        value_ahead(buckets, training, seen, model, users, days, rule, engine),
        BreadthModel(model.horizon_days).fit(spread).predict(known, silent),
    ]
    return pl.concat(parts, how="horizontal").cast(FURTHER)


def stages_told(model: NextStageModel, users: pl.DataFrame, p_inactive: Floats) -> pl.DataFrame:
    """Return ``CHANCES`` of users, null where a horizon so long was not seen for users like them."""
    told = model.predict(users, p_inactive)
    return told.with_columns(pl.when(pl.Series(model.borne_out(users))).then(pl.col(CHANCES)))


def value_ahead(
    buckets: Buckets,
    training: Buckets,
    seen: pl.DataFrame,
    model: UserModel,
    users: pl.DataFrame,
    expected_active_days: Floats,
    rule: LifecycleRule,
    engine: Engine | None,
) -> pl.DataFrame:
    """Return ``expected_value`` of users, learnt from examples of one length of horizon; else as of ``further``."""
    now, longest = users["as_of"][0], seen["horizon_days"][0]
    past = spending(training, [*seen["as_of"].unique(), now], rule, engine)
    days = model.predict(seen)["expected_active_days"].to_numpy() * (longest / model.horizon_days)
    worth = ValueModel().fit(seen, days, past)
    return worth.predict(users, expected_active_days, spending(buckets, [now], rule, engine)).select("expected_value")
