"""Why some users may fall silent, and what would turn it: the first of those worth acting on, one by one."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretide.explain import Explanation, explained
from foretide.outlook import Outlook
from foretide.text import say
from foretide.users.examples import with_beside
from foretide.workspace import Workspace

#: Users who are explained, and the reasons that are told of each.
MOST_USERS, MOST_REASONS = 5, 2

EXPLAINED = pl.Schema(
    {
        "user_id": pl.String(),
        "p_inactive": pl.Float64(),
        "why": pl.String(),  # the strongest reasons, in words
        "turns": pl.String(),  # what would turn it, in words
    }
)


def explained_users(place: Workspace, seen: Outlook, known: pl.DataFrame, users: Sequence[str]) -> pl.DataFrame:
    """Return ``EXPLAINED`` of the first of some users; nothing if the model has no reasons.

    Parameters
    ----------
    place, seen
        The events, and the outlook whose model is explained.
    known
        Feature table of all users at the moment of the outlook.
    users
        Whom to explain, in their order.
    """
    if seen.importance.is_empty():
        return EXPLAINED.to_frame()
    model = seen.learnt.model
    rows = known.filter(pl.col("user_id").is_in(list(users[:MOST_USERS])))
    rows = with_beside(rows, place.store, place.rule, model.needs, place.engine)
    told = [
        in_words(explained(model, "", rows.filter(user_id=user), place.store, place.rule, engine=place.engine))
        for user in users[:MOST_USERS]
    ]
    return pl.DataFrame(told, schema=EXPLAINED, orient="row")


def in_words(told: Explanation) -> tuple[str, float, str, str]:
    """Return a row of ``EXPLAINED``."""
    strongest = told.reasons.head(MOST_REASONS).select("log_odds", "says")
    why = [say(f"ahead.reasons.{'raises' if x > 0 else 'lowers'}", reason=words) for x, words in strongest.iter_rows()]
    return told.user_id, told.p_inactive, say("report.format.between_sentences").join(why), told.turns
