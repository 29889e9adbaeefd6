"""Buy-till-you-die models: who still comes, how often, and who is gone without a word.

A user visits at random times, at a rate of their own, until they leave for good at a moment nobody sees. The models
differ in the leaving: BG/NBD after a repeat visit, MBG/NBD after any visit, Pareto/NBD at any time. Four parameters
for the whole population are learnt from three numbers a user (see ``btyd_summaries``), by maximum likelihood.

Inactivity is predicted by ``p_none``, not by ``p_alive``: somebody who is surely alive but comes once in two years
will most likely not come in the next month, and BG/NBD takes everybody without a repeat for alive.

Visits are points in time, so for those who come on most days active days ahead are overestimated; ``predict`` keeps
them within the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.schema import Floats
from foretide.users.btyd_fit import most_likely
from foretide.users.btyd_leaving import AfterVisits, AnyTime, Leaving
from foretide.users.btyd_summaries import (
    STATISTICS,
    Visits,
    checked_horizons,
    condensed,
    summaries_of,
    visits,
)
from foretide.users.cutoffs import LEAD_DAYS

#: Weight of the pull of the log-parameters to 1 (times: to the mean age), against that of all users together. It
#: moves estimates of a thousand users in the fourth digit, and keeps those finite that the data leave open.
PENALTY = 1e-3


@dataclass
class BuyTillYouDie:
    """What the models have in common; use one of its three kinds.

    Parameters
    ----------
    horizon_days
        The horizon that ``predict`` tells about; it wants a model that was fitted in days.
    penalty
        Half of it times the squared log-parameters is taken off the log-likelihood. Where all users are alike, or
        nobody came back, the likelihood has no maximum, and this pull decides.
    """

    leaving: ClassVar[Leaving]
    horizon_days: int = 28
    penalty: float = PENALTY
    n_users_: int = field(init=False)
    log_likelihood_: float = field(init=False)  # without the penalty

    def fit(self, summary: pl.DataFrame) -> Self:
        """Learn the parameters.

        Parameters
        ----------
        summary
            ``frequency, recency, age`` of each user, in one unit of time: days or weeks, which ``alpha_`` and
            ``beta_`` then have too. With a column ``weight``, a row stands for so many users.

        Raises
        ------
        NotEnoughDataError
            If there is no user.
        MappingError, DataError
            If a column is missing, or a row cannot be.
        """
        if not summary.height:
            raise NotEnoughDataError("there is no user to learn from; give a summary with at least one row")
        visits(summary)
        table = condensed(summary)
        users, weight = visits(table), table["weight"].to_numpy()
        mean_age = float(np.average(users.age, weights=weight)) or 1.0
        centre = np.where(self.leaving.times, mean_age, 1.0)
        self.theta_, self.log_likelihood_ = most_likely(self.leaving, users, weight, centre, self.penalty)
        self.n_users_ = round(weight.sum())
        return self

    def fit_examples(self, examples: pl.DataFrame) -> Self:
        """Learn from the users of a feature table, or of examples, as of its latest cut-off."""
        latest = examples.filter(pl.col("as_of") == pl.col("as_of").max()).unique("user_id")
        return self.fit(summaries_of(latest))

    @property
    def theta_(self) -> Floats:
        """The parameters, ``(4,)``, in the order of ``leaving.names``."""
        return np.array([getattr(self, name) for name in self.leaving.names])

    @theta_.setter
    def theta_(self, values: Floats) -> None:
        for name, value in zip(self.leaving.names, values, strict=True):
            setattr(self, name, float(value))

    def p_alive(self, summary: pl.DataFrame) -> Floats:
        """Return the chance that a user has not left, ``(n_users,)``."""
        return self.leaving.silences(self.theta_, visits(summary))[1]

    def p_none(self, summary: pl.DataFrame, horizons: Sequence[float]) -> Floats:
        """Return the chance of no visit in the time ahead, ``(n_users, n_horizons)``.

        Parameters
        ----------
        summary
            ``frequency, recency, age``, in the unit of the fit.
        horizons
            Lengths of time from now on, in the same unit.
        """
        users, place = distinct(summary)
        now, _ = self.leaving.silences(self.theta_, users)
        later = [
            self.leaving.silences(self.theta_, users._replace(age=users.age + horizon))[0]
            for horizon in checked_horizons(horizons)
        ]
        return np.exp(np.minimum(np.array(later).T - now[:, None], 0.0))[place]

    def expected(self, summary: pl.DataFrame, horizons: Sequence[float]) -> Floats:
        """Return the expected visits in the time ahead, ``(n_users, n_horizons)``; parameters as in ``p_none``."""
        users, place = distinct(summary)
        _, alive = self.leaving.silences(self.theta_, users)
        told = self.leaving.ahead(self.theta_, users, checked_horizons(horizons))
        return (alive[:, None] * told)[place]

    def expected_repeats(self, ages: Sequence[float]) -> Floats:
        """Return the expected repeats of a new user up to some ages, ``(n_ages,)``: the curve of a cohort."""
        newcomer = pl.DataFrame({name: [0.0] for name in STATISTICS})
        return self.expected(newcomer, ages)[0]

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order.

        The horizon begins ``LEAD_DAYS`` after the cut-off. The chance of any visit in it is that of a horizon of
        the same length from now, times what is left of the expected visits when it begins later.
        """
        if self.horizon_days < 1:
            raise UsageError(f"a horizon has at least 1 day, not {self.horizon_days}")
        summary, days = summaries_of(users), self.horizon_days
        lead, at_once, all_of_it = self.expected(summary, [LEAD_DAYS, days, LEAD_DAYS + days]).T
        ahead = all_of_it - lead
        left = np.divide(ahead, at_once, out=np.ones_like(ahead), where=at_once > 0)
        active = (1 - self.p_none(summary, [days])[:, 0]) * np.minimum(left, 1.0)
        return pl.DataFrame({"p_inactive": 1 - active, "expected_active_days": np.clip(ahead, active, days)})


@dataclass
class BetaGeoNBD(BuyTillYouDie):
    """BG/NBD: users may leave after each repeat visit, so nobody leaves before the first one.

    References
    ----------
    Fader, Hardie, Lee (2005): "Counting your customers" the easy way. Marketing Science 24(2).
    """

    leaving = AfterVisits(flips=0)
    r_: float = field(init=False)  # shape of the rates of visits over users
    alpha_: float = field(init=False)  # rate of these, a time
    a_: float = field(init=False)  # the chance to leave after a visit is Beta(a, b)
    b_: float = field(init=False)


@dataclass
class ModifiedBetaGeoNBD(BuyTillYouDie):
    """MBG/NBD: users may leave after each visit, the first one included.

    References
    ----------
    Batislam, Denizel, Filiztekin (2007): Empirical validation and comparison of models for customer base analysis.
    International Journal of Research in Marketing 24(3).
    """

    leaving = AfterVisits(flips=1)
    r_: float = field(init=False)  # shape of the rates of visits over users
    alpha_: float = field(init=False)  # rate of these, a time
    a_: float = field(init=False)  # the chance to leave after a visit is Beta(a, b)
    b_: float = field(init=False)


@dataclass
class ParetoNBD(BuyTillYouDie):
    """Pareto/NBD: users may leave at any time.

    References
    ----------
    Schmittlein, Morrison, Colombo (1987): Counting your customers. Management Science 33(1).
    """

    leaving = AnyTime()
    r_: float = field(init=False)  # shape of the rates of visits over users
    alpha_: float = field(init=False)  # rate of these, a time
    s_: float = field(init=False)  # shape of the rates of leaving over users
    beta_: float = field(init=False)  # rate of these, a time


#: The kinds by the name under which they are reported.
BUY_TILL_YOU_DIE: dict[str, type[BuyTillYouDie]] = {
    "BG/NBD": BetaGeoNBD,
    "MBG/NBD": ModifiedBetaGeoNBD,
    "Pareto/NBD": ParetoNBD,
}


def distinct(summary: pl.DataFrame) -> tuple[Visits, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the distinct statistics of users, and for each user the place of theirs, ``(n_users,)``."""
    visits(summary)
    groups = summary.select(STATISTICS).with_row_index("row").group_by(STATISTICS).agg("row")
    place = np.empty(summary.height, np.int64)
    place[groups["row"].explode().to_numpy()] = np.repeat(np.arange(groups.height), groups["row"].list.len())
    return visits(groups), place
