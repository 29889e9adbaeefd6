"""Several models of what a user will do, weighed by how well each told what came after an earlier cut-off.

A late cut-off inside the training pairs is an exam: the members learn from what was over by then and tell what came.
Their log-odds of no activity are averaged with the weights that would have told best, drawn to equal ones; so are
their expected active days. If on users whom the weights were not fitted to the average did no better than the best
member, that member is taken alone. Then all members learn anew, from everything.

References
----------
Wolpert (1992), Stacked generalization, Neural Networks 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import polars as pl
from scipy.special import expit, logit

from foretide.users.averaging import Told, Weights, equal, weighed
from foretide.users.contributions import Contributions
from foretide.users.cutoffs import CLOCK_CHANGE, LEAD_DAYS, Pair
from foretide.users.examples import of_pairs
from foretide.users.models import UserModel, coarse, needs_of, user_model

#: Members.
MEMBERS = ("glm", "hazard", "bgnbd", "lightgbm")
#: Chances are kept this far from 0 and 1.
CLIP = 1e-4
#: A member with less weight than this has no reasons of its own.
LEAST_WEIGHT = 1e-6


def exam(pairs: Sequence[Pair]) -> tuple[list[Pair], Pair] | None:
    """Return the latest pair with the longest horizon by which others were over, and those; None if there is none."""
    for cutoff, days in sorted(pairs, key=lambda pair: (pair[1], pair[0]), reverse=True):
        over = [(c, d) for c, d in pairs if c + timedelta(days=LEAD_DAYS + d) + CLOCK_CHANGE <= cutoff]
        if over:
            return over, (cutoff, days)
    return None


def told(members: Sequence[UserModel], users: pl.DataFrame) -> Told:
    """Return what trained members tell of the rows of a feature table."""
    tables = [member.predict(users) for member in members]
    chances = np.array([table["p_inactive"] for table in tables])
    days = np.array([table["expected_active_days"] for table in tables])
    return Told(logit(np.clip(chances, CLIP, 1 - CLIP)), days)


@dataclass
class Stack:
    """Chance of no activity and expected active days of users, from several models.

    Where the training pairs leave no room for an exam, all members count alike.

    Parameters
    ----------
    horizon_days
        The horizon to tell about.
    members
        Names of ``foretide.users.models.USER_MODELS``.
    rng
        Seed or generator for the halves of the users.
    """

    horizon_days: int
    members: Sequence[str] = MEMBERS
    rng: int | np.random.Generator = 0
    weights_: Weights = field(init=False)
    members_: list[UserModel] = field(init=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """What one of the members needs beside the features."""
        return needs_of(user_model(name, self.horizon_days) for name in self.members)

    def fit(self, examples: pl.DataFrame) -> Stack:
        """Learn from the rows of ``foretide.users.examples.examples``, at least one."""
        self.weights_ = self._weights(examples)
        self.members_ = self._learnt(examples, self.horizon_days)
        return self

    def predict(self, users: pl.DataFrame) -> pl.DataFrame:
        """Return ``p_inactive, expected_active_days`` of each row of a feature table, in its order."""
        answers = told(self.members_, users)
        p = expit(self.weights_.odds @ answers.odds)
        days = np.clip(self.weights_.days @ answers.days, 1 - p, self.horizon_days)
        return pl.DataFrame({"p_inactive": p, "expected_active_days": days})

    def contributions(self, users: pl.DataFrame) -> Contributions:
        """Return the parts of all members by their weights; they add up as those of the members do."""
        shares = [(weight, member.contributions(users)) for weight, member in self._counting()]
        names = [name for _, told in shares for name in told.names]
        parts = np.hstack([weight * told.parts for weight, told in shares])
        return Contributions(names, parts, np.sum([weight * told.base for weight, told in shares], axis=0))

    def coarse(self, users: pl.DataFrame) -> bool:
        """Tell whether a member that counts gives some of the users the rates of their stage."""
        return any(coarse(member, users) for _, member in self._counting())

    def _counting(self) -> list[tuple[float, UserModel]]:
        """Return the members that count, with their weights."""
        pairs = zip(self.weights_.odds, self.members_, strict=True)
        return [(float(weight), member) for weight, member in pairs if weight >= LEAST_WEIGHT]

    def _weights(self, examples: pl.DataFrame) -> Weights:
        found = exam(examples.select("as_of", "horizon_days").unique(maintain_order=True).rows())
        if found is None:
            return equal(len(self.members))
        over, pair = found
        seen = of_pairs(examples, [pair])
        members = self._learnt(of_pairs(examples, over), pair[1])
        return weighed(told(members, seen), seen, np.random.default_rng(self.rng))

    def _learnt(self, examples: pl.DataFrame, horizon_days: int) -> list[UserModel]:
        return [user_model(name, horizon_days).fit(examples) for name in self.members]
