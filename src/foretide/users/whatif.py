"""What would be, if churned users came back more often, fewer users arrived, or those who are there stayed.

The walks of an outlook are walked again, by the same luck, with the chances and arrivals of the question; what changes
between the two moves the weighed mix. It is a question to the model: nothing says that an action has this effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from foretide.errors import UsageError
from foretide.schema import STAGES, Floats
from foretide.users.growth import account_ahead
from foretide.users.population import as_mix
from foretide.users.stages import Basis, StageOutlook
from foretide.users.walk import Push, flows

#: A share of nobody is taken for this one where mixes are compared.
TINY = 1e-12

WHAT_IF = pl.Schema(
    {
        "ds": pl.Date(),
        "stage": pl.String(),
        "users": pl.Float64(),  # as the outlook expects
        "users_if": pl.Float64(),  # if it were so
        "share": pl.Float64(),
        "share_if": pl.Float64(),
    }
)


@dataclass(frozen=True)
class WhatIf:
    """An outlook beside what it would be."""

    stages: pl.DataFrame  # WHAT_IF
    accounting: pl.DataFrame  # growth.ACCOUNTING_AHEAD of the outlook
    accounting_if: pl.DataFrame  # the same, if it were so

    @property
    def both_accounts(self) -> pl.DataFrame:
        """The account of growth with that if it were so beside it: ``active, ..., active_if, ...``."""
        return self.accounting.join(self.accounting_if, on="ds", suffix="_if")


def what_if(
    outlook: StageOutlook, *, reactivation: float = 0.0, arrivals: float = 0.0, retention: float = 0.0
) -> WhatIf:
    """Tell how the stages ahead would change.

    Parameters
    ----------
    outlook
        What is expected.
    reactivation
        Change of the daily chance that a churned user comes back: .1 is 10 % more, -.2 is 20 % less.
    arrivals
        Change of the number of new users a day.
    retention
        Change of the daily chance that a user who is not churned acts.

    Raises
    ------
    UsageError
        If something would fall by more than all of it, or a figure is not finite.
    """
    basis = outlook.basis
    moved = pushed(basis, push_of(reactivation, arrivals, retention))
    rows = (basis.total[:, None] * basis.mix, moved.total[:, None] * moved.mix, basis.mix, moved.mix)
    days = [np.repeat(basis.dates, len(STAGES)), STAGES * len(basis.dates)]
    return WhatIf(
        pl.DataFrame([*days, *(table.ravel() for table in rows)], schema=WHAT_IF),
        outlook.accounting,
        account_ahead(moved.dates, moved.users, moved.mix, moved.walked),
    )


def push_of(reactivation: float = 0.0, arrivals: float = 0.0, retention: float = 0.0) -> Push:
    """Return the factors of the changes that ``what_if`` takes; errors as there."""
    changes = {"reactivation": reactivation, "arrivals": arrivals, "retention": retention}
    for name, change in changes.items():
        if not -1.0 <= change < np.inf:
            raise UsageError(f"the change {name}={change} is not possible; give -1 (none at all) or more, .1 for +10 %")
    return Push(returning=1.0 + reactivation, staying=1.0 + retention, arriving=1.0 + arrivals)


def pushed(basis: Basis, push: Push) -> Basis:
    """Return the forecast under a push: the mix moves by the ratio of the walks with it to those without."""
    walked = flows(basis.setting, push)
    ratio = (_mix(walked) + TINY) / (_mix(basis.walked) + TINY)
    return replace(basis, mix=as_mix(basis.mix * ratio), walked=walked)


def _mix(walked: Floats) -> Floats:
    return as_mix(walked.sum(axis=1)[:, 1:])
