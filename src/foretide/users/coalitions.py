"""What each reason adds to the log-odds of a model that can only be asked: exact Shapley values.

The features of a reason go together. For each coalition of reasons, users keep their own features where the reason is
in it and have those of the usual user where it is not, and the model is asked for the chance of no activity. A reason's
part is what it adds to the log-odds when it joins, mean over all orders in which the reasons may join. So the parts add
up to the difference between a user and the usual one, exactly. Some of the users in between could not be: what is told
is how the model answers, as with every reason.

References
----------
Shapley (1953), A value for n-person games. Lundberg and Lee (2017), A unified approach to interpreting model
predictions, NIPS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import factorial

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import logit

from foretide.schema import Floats
from foretide.users.contributions import Contributions
from foretide.users.reasons import reason_of

#: Chances are kept this far from 0 and 1, so that they have log-odds.
CLIP = 1e-4
#: A model is asked for about this many rows at a time.
ROWS_AT_ONCE = 100_000

#: Tells ``p_inactive`` of each row of a feature table.
Ask = Callable[[pl.DataFrame], pl.DataFrame]


def usual_user(examples: pl.DataFrame, figures: Sequence[str]) -> pl.DataFrame:
    """Return one row: the median of each figure, taken from a user that there is, and the most frequent ``stage``."""
    medians = [pl.col(name).filter(pl.col(name).is_not_nan()).quantile(0.5, "nearest") for name in figures]
    stage = examples["stage"].value_counts().sort("count", "stage", descending=[True, False])["stage"][0]
    return examples.select(*(median.fill_null(np.nan) for median in medians), stage=pl.lit(stage))


def contributions_of(ask: Ask, users: pl.DataFrame, usual: pl.DataFrame) -> Contributions:
    """Return what each reason adds to the log-odds of no activity, beside the usual user.

    Parameters
    ----------
    ask
        The model.
    users
        Rows of a feature table.
    usual
        One row with the columns that the model looks at.
    """
    groups: dict[str, list[str]] = {}
    for column in usual.columns:
        groups.setdefault(reason_of(column), []).append(column)
    inside = np.array(list(product((False, True), repeat=len(groups))))  # (n_coalitions, n_reasons)
    n_at_once = max(1, ROWS_AT_ONCE // len(inside))
    pieces = [users[begin : begin + n_at_once] for begin in range(0, users.height, n_at_once)]
    odds = [log_odds(ask, piece, usual, list(groups.values()), inside) for piece in pieces]
    told = np.hstack(odds) if odds else np.zeros((len(inside), 0))  # (n_coalitions, n_users)
    return Contributions(list(groups), told.T @ joining(inside), told[0])


def log_odds(
    ask: Ask, users: pl.DataFrame, usual: pl.DataFrame, groups: Sequence[Sequence[str]], inside: NDArray[np.bool_]
) -> Floats:
    """Return the log-odds of no activity of each user in each coalition, ``(n_coalitions, n_users)``."""
    row = usual.row(0, named=True)
    mixed = [
        users.with_columns(
            pl.lit(row[name], users.schema[name]).alias(name)
            for group, own in zip(groups, coalition, strict=True)
            for name in ([] if own else group)
        )
        for coalition in inside
    ]
    chances = ask(pl.concat(mixed))["p_inactive"].to_numpy()
    return logit(np.clip(chances, CLIP, 1 - CLIP)).reshape(len(inside), users.height)


def joining(inside: NDArray[np.bool_]) -> Floats:
    """Return how the log-odds of coalitions count for each reason, ``(n_coalitions, n_reasons)``."""
    n, size = inside.shape[1], inside.sum(axis=1, keepdims=True)
    shares = np.array([factorial(others) * factorial(n - 1 - others) / factorial(n) for others in range(n)])
    return np.where(inside, shares[np.maximum(size - 1, 0)], -shares[np.minimum(size, n - 1)])
