"""Why the outlook says what it says: what drives a chance of no activity, and what would turn it.

The reasons are parts of the log-odds (``foretide.users.reasons``) of whichever model tells the outlook. What would
turn the chance is found by trying (``foretide.users.turning``).

All of this explains the model, not the world: that those who came yesterday come back does not mean that whoever is
made to come will.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.lifecycle import LifecycleRule
from foretide.outlook import USUAL_MODEL, USUAL_RULE, fallbacks, learnt_for, weighed_users
from foretide.text import say
from foretide.users.models import Chosen, UserModel
from foretide.users.reasons import USUAL, importance, reasons
from foretide.users.turning import LIKELY, turning, unknown


@dataclass(frozen=True)
class Explanation:
    """Why a user's chance of no activity is what it is."""

    user_id: str
    model: str  # its name
    horizon_days: int
    p_inactive: float
    reasons: pl.DataFrame  # reason, says, log_odds, p_without; the strongest first
    usual: float  # log-odds of the usual user; with those of the reasons it adds up to the chance
    turning: pl.DataFrame  # TURNS
    likely: float  # the chance that is to be crossed
    notes: tuple[str, ...] = ()  # what a reader should know about the chance

    @property
    def turns(self) -> str:
        """What would turn the outlook, in words."""
        last = self.turning.row(-1, named=True)
        end = "_never" if not last["turns"] else "_one" if last["n"] == 1 else ""
        p, likely = in_percent(last["p_inactive"], 1), in_percent(self.likely, 0)
        return say(f"explain.{last['kind']}{end}", n=last["n"], p=p, likely=likely)


def in_percent(share: float, digits: int) -> str:
    """Return a share as a reader of the language of the moment writes it."""
    return say("report.format.percent", n=f"{100 * share:.{digits}f}")


def explain(
    buckets: Buckets,
    as_of: datetime,
    user: str,
    horizon_days: int = 28,
    rule: LifecycleRule = USUAL_RULE,
    likely: float = LIKELY,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> Explanation:
    """Explain the outlook of a user, as the model that was chosen tells it.

    Parameters
    ----------
    buckets, as_of, horizon_days, rule
        As of ``outlook``.
    user
        The user's id.
    likely
        Above this chance of no activity a user is expected to stay away.
    chosen
        The model.
    engine
        Where buckets are read; threads if None.

    Raises
    ------
    UnknownIdError
        If nothing is known of the user.
    UsageError, NotEnoughDataError
        As ``outlook``, if ``likely`` is not between 0 and 1.
    """
    learnt, known = learnt_for(buckets, as_of, horizon_days, rule, chosen, engine)
    row = known.filter(pl.col("user_id") == user)
    if row.is_empty():
        raise unknown(user, as_of)
    told = explained(learnt.model, chosen.name, row, buckets, rule, likely, engine)
    return replace(told, notes=tuple(fallbacks(learnt, row)))


def explained(
    model: UserModel,
    name: str,
    row: pl.DataFrame,
    buckets: Buckets,
    rule: LifecycleRule,
    likely: float = LIKELY,
    engine: Engine | None = None,
) -> Explanation:
    """Explain what a fitted model, called ``name``, tells of a user: one row of a feature table with what it needs."""
    user, as_of = row["user_id"].item(), row["as_of"].item()
    parts = reasons(model, row)
    turns = turning(model, buckets, as_of, user, rule, likely, engine)
    usual = parts.filter(reason=USUAL)["log_odds"].item()
    p = float(model.predict(row)["p_inactive"].item())
    words = in_words(row, parts).drop("user_id")
    return Explanation(user, name, model.horizon_days, p, words, usual, turns, likely)


def explain_users(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    rule: LifecycleRule = USUAL_RULE,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return the reasons of every user in words, as ``in_words``; what is given, and errors, as of ``explain``."""
    learnt, known = learnt_for(buckets, as_of, horizon_days, rule, chosen, engine)
    return in_words(known, reasons(learnt.model, known))


def explain_model(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    rule: LifecycleRule = USUAL_RULE,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return ``IMPORTANCE`` of the reasons over users; errors as of ``explain``."""
    learnt, known = learnt_for(buckets, as_of, horizon_days, rule, chosen, engine)
    return importance(reasons(learnt.model, weighed_users(known)))


def in_words(users: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return the reasons of users in words: ``user_id, reason, says, log_odds, p_without``.

    Parameters
    ----------
    users
        Rows of a feature table at one moment.
    parts
        ``PARTS`` of these users.

    Returns
    -------
    pl.DataFrame
        Users in their order, the strongest reason of each first.
    """
    rows = {row["user_id"]: row for row in users.iter_rows(named=True)}
    figures = {user: shown(row) for user, row in rows.items()}
    order = pl.col("user_id").replace_strict(list(rows), range(len(rows)), return_dtype=pl.Int64)
    told = parts.filter(pl.col("reason") != USUAL).sort(order, pl.col("log_odds").abs(), descending=[False, True])
    words = [
        say(f"explain.{worded(reason, rows[user])}", **figures[user])
        for user, reason in told.select("user_id", "reason").iter_rows()
    ]
    return told.select("user_id", "reason", pl.Series("says", words, pl.String), "log_odds", "p_without")


def shown(row: dict[str, object]) -> dict[str, object]:
    """Return what is known of a user as words have it: whole figures, and the stage in the language of the moment."""
    figures = {name: f"{x:,.0f}" if isinstance(x, float) and np.isfinite(x) else x for name, x in row.items()}
    return figures | {"stage": say(f"stage.{row['stage']}")}


def worded(reason: str, row: dict[str, object]) -> str:
    """Return the key of the words of a reason: another one where a user has no rhythm yet."""
    gap = row["gap_mean_days"]
    return "no_rhythm" if reason == "rhythm" and not (isinstance(gap, float) and np.isfinite(gap)) else reason
