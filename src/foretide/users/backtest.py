"""The test of an outlook: what it would have told one horizon ago, against what users did since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from foretide.users.activity import ActivityModel
from foretide.users.cutoffs import LEAD_DAYS, Pair, shifted
from foretide.users.examples import of_pairs, training_pairs
from foretide.users.models import UserModel
from foretide.users.rates import Rates
from foretide.users.scores import QUALITY, quality

MODEL, STAGE_RATE, POPULATION_RATE = "foretide", "stage rate", "population rate"


@dataclass(frozen=True)
class Trial:
    """One horizon ago: the pairs that were over by then, and the pair to tell about."""

    training: Sequence[Pair]
    test: Pair

    @property
    def pairs(self) -> list[Pair]:
        """All pairs whose examples the trial needs; none if there was nothing to learn from."""
        return [*self.training, self.test] if self.training else []


def trial(first: datetime, as_of: datetime, horizon_days: int, timezone: str) -> Trial:
    """Return the trial on the last whole horizon before ``as_of``."""
    cutoff = shifted(as_of, -LEAD_DAYS - horizon_days, timezone)
    return Trial(training_pairs(first, cutoff, horizon_days, timezone), (cutoff, horizon_days))


def backtest(rows: pl.DataFrame, of: Trial, make: Callable[[int], UserModel] = ActivityModel) -> pl.DataFrame:
    """Return the scores of the model and of simple rates in a trial.

    All learn from what was over by the cut-off of the trial; where the log was then too short for the
    horizon, they carry shorter ones on.

    Parameters
    ----------
    rows
        The examples of the trial's pairs; others are left out.
    of
        The trial.
    make
        What makes the model for a horizon in days.

    Returns
    -------
    pl.DataFrame
        ``QUALITY``; empty if there was nothing to learn from, or nobody to test on.
    """
    seen, test = of_pairs(rows, of.training), of_pairs(rows, [of.test])
    if seen.is_empty() or test.is_empty():
        return pl.DataFrame(schema=QUALITY)
    days = of.test[1]
    chances = {MODEL: make(days).fit(seen).predict(test)["p_inactive"].to_numpy()}
    for name, by in ((STAGE_RATE, "stage"), (POPULATION_RATE, None)):
        chances[name] = Rates(by).fit(seen).predict(test, days)[0]
    return quality(test, chances)
