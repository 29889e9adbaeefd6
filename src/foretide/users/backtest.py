"""The test of an outlook: what it would have told one horizon ago, against what users did since."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.activity import ActivityModel
from foretide.users.examples import examples, training_pairs
from foretide.users.rates import Rates
from foretide.users.scores import QUALITY, quality
from foretide.users.targets import LEAD_DAYS, shifted

MODEL, STAGE_RATE, POPULATION_RATE = "foretide", "stage rate", "population rate"


def backtest(
    buckets: Buckets, first: datetime, as_of: datetime, horizon_days: int, rule: LifecycleRule
) -> pl.DataFrame:
    """Return the scores of the model and of simple rates on the last whole horizon before ``as_of``.

    All learn from what was over by the beginning of that horizon's cut-off; where the log was then too short for
    the horizon, they carry shorter ones on.

    Returns
    -------
    pl.DataFrame
        ``QUALITY``; empty if there was nothing to learn from, or nobody to test on.
    """
    cutoff = shifted(as_of, -LEAD_DAYS - horizon_days, buckets.timezone)
    pairs = training_pairs(first, cutoff, horizon_days, buckets.timezone)
    seen = examples(buckets, pairs, rule) if pairs else pl.DataFrame()
    test = examples(buckets, [(cutoff, horizon_days)], rule) if pairs else seen
    if seen.is_empty() or test.is_empty():
        return pl.DataFrame(schema=QUALITY)
    chances = {MODEL: ActivityModel(horizon_days).fit(seen).predict(test)["p_inactive"].to_numpy()}
    for name, by in ((STAGE_RATE, "stage"), (POPULATION_RATE, None)):
        chances[name] = Rates(by).fit(seen).predict(test, horizon_days)[0]
    return quality(test, chances)
