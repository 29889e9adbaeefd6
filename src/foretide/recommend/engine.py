"""Recommendations: candidates of several sources, blended and put in order.

A user's own repeats, what everybody is taking now, and what goes with the user's last baskets each propose
items; ``blend`` learns from the data how much each counts; ``rerank`` lifts what the user's interests are
heading for.

Of equal scores the item that more occasions speak for comes first, then the smaller item id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.recommend.blend import Blend, learn
from foretide.recommend.candidates import Recommender
from foretide.recommend.histories import NOT_INTEREST, Codes, Histories, item_counts, n_users
from foretide.recommend.item_knn import SeqItemKNN
from foretide.recommend.reasons import evidence, in_words
from foretide.recommend.repeats import Repeats
from foretide.recommend.rerank import DIVERSITY_STRENGTH, INTEREST_STRENGTH, interest_lift, pick
from foretide.recommend.trend import Trend
from foretide.schema import RECOMMENDATIONS
from foretide.text import say

RECOMMENDERS: Mapping[str, type[Recommender]] = {"repeats": Repeats, "trend": Trend, "neighbours": SeqItemKNN}
#: What a score is made of, in the order in which it is told.
PARTS = (*RECOMMENDERS, "interests", "diversity")
#: Where people come back to the same things. A film is watched once.
REPEATS_BY_DOMAIN = {"ecommerce": True, "social": True, "video": False, "risk": False}
#: Users scored at a time; it bounds memory.
CHUNK_USERS = 4096
#: Unknown users named in a note.
EXAMPLES = 3


@dataclass(frozen=True)
class Advice:
    """What to show, and why."""

    items: pl.DataFrame  # schema.RECOMMENDATIONS, users in the order asked for, best first
    parts: pl.DataFrame  # the same rows: PARTS, which add up to the score, and the columns of ``evidence``
    weights: Mapping[str, float]  # how much each source counts
    notes: Sequence[str]  # what a reader should know: unknown users, too little data

    def explained(self) -> pl.DataFrame:
        """Return the items with the parts of their scores and the reason in words."""
        reasons = [in_words(row) for row in self.parts.iter_rows(named=True)]
        return self.items.hstack(self.parts.select(PARTS)).with_columns(pl.Series("reason", reasons, pl.String))


@dataclass(frozen=True)
class Wish:
    """How the items to show are to be chosen; the fields are those of ``advise``."""

    as_of: datetime
    k: int
    repeats: bool
    interests: pl.DataFrame | None = None
    interest_strength: float = INTEREST_STRENGTH
    diversity: float = DIVERSITY_STRENGTH


def recommend(
    buckets: Buckets,
    as_of: datetime,
    users: Sequence[str] | None = None,
    k: int = 10,
    *,
    repeats: bool | None = None,
    domain: str = "ecommerce",
    interests: pl.DataFrame | None = None,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return the ``k`` items to show each user, ``schema.RECOMMENDATIONS``; parameters as in ``advise``."""
    return advise(buckets, as_of, users, k, repeats=repeats, domain=domain, interests=interests, engine=engine).items


def advise(
    buckets: Buckets,
    as_of: datetime,
    users: Sequence[str] | None = None,
    k: int = 10,
    *,
    repeats: bool | None = None,
    domain: str = "ecommerce",
    interests: pl.DataFrame | None = None,
    engine: Engine | None = None,
) -> Advice:
    """Recommend items and say why.

    Parameters
    ----------
    buckets
        The events.
    as_of
        Only events with ``ts < as_of`` count.
    users
        Who is asked about; all users with a history if None. One who is not known gets what is popular now,
        and a note says so.
    k
        Items per user; as many as there are if that is fewer.
    repeats
        Whether items that a user has had may come back; by ``REPEATS_BY_DOMAIN`` if None.
    domain
        One of ``REPEATS_BY_DOMAIN``.
    interests
        ``user_id, category, share_now, share_expected`` of the users; left out if None.
    engine
        Where buckets are read; threads if None.

    Raises
    ------
    UsageError
        If ``k`` is below 1 or the domain is unknown.
    NotEnoughDataError
        If nobody has done anything with any item before ``as_of``.
    """
    if k < 1:
        raise UsageError(f"k is {k}; ask for at least 1 item")
    if domain not in REPEATS_BY_DOMAIN:
        raise UsageError(f"domain {domain!r} is not one of {', '.join(REPEATS_BY_DOMAIN)}")
    histories = Histories.from_buckets(buckets, as_of, engine=engine)
    if histories.n_items == 0:
        raise NotEnoughDataError(
            f"there is nothing to recommend: no event before {as_of:%Y-%m-%d %H:%M} names an item "
            "that anybody took; import events with an item, or ask for a later time"
        )
    allowed = REPEATS_BY_DOMAIN[domain] if repeats is None else repeats
    told = choose(histories, users, Wish(as_of, k, allowed, interests))
    left_out = n_users(buckets, as_of, engine) - histories.n_users if users is None else 0
    if not left_out:
        return told
    why = say("recommend.note.left_out", n=f"{left_out:,}", types=", ".join(NOT_INTEREST))
    return replace(told, notes=[*told.notes, why])


def choose(histories: Histories, users: Sequence[str] | None, wish: Wish) -> Advice:
    """Recommend items out of histories that have been read; ``advise`` without the checks."""
    blend = learn(sources(wish), histories, wish.as_of, wish.repeats).refit(histories, wish.as_of)
    asked = histories.users if users is None else pl.Series("user_id", users, pl.String).unique(maintain_order=True)
    by_count = np.lexsort((np.arange(histories.n_items), -item_counts(histories.until(wish.as_of))))
    priority = np.argsort(by_count).astype(np.int32)
    chunks = [
        _shown(blend, histories.of(asked.slice(start, CHUNK_USERS)), priority, wish)
        for start in range(0, max(asked.len(), 1), CHUNK_USERS)
    ]
    items, parts = (pl.concat(frames) for frames in zip(*chunks, strict=True))
    weights = dict(zip(blend.sources, blend.weights.tolist(), strict=True))
    return Advice(items, parts, weights, list(_notes(blend, histories, asked, items, wish)))


def sources(wish: Wish) -> dict[str, Recommender]:
    """Return the recommenders that may propose items, with enough candidates for the wish."""
    proposing: dict[str, Recommender] = {
        "repeats": Repeats(n_candidates=max(wish.k, Repeats.n_candidates)),
        "trend": Trend(n_candidates=max(wish.k, Trend.n_candidates)),
        "neighbours": SeqItemKNN(n_candidates=max(wish.k, SeqItemKNN.n_candidates)),
    }
    return {name: source for name, source in proposing.items() if wish.repeats or name != "repeats"}


def _shown(blend: Blend, histories: Histories, priority: Codes, wish: Wish) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the items to show to the users of ``histories``, and their parts with the evidence."""
    found, parts = blend.score(histories, wish.as_of, wish.repeats)
    lift = interest_lift(found, histories, wish.interests, wish.interest_strength)
    picked = pick(found.scored(found.score * lift), priority, histories.category, wish.k, wish.diversity)
    shown = found.at(picked.place)
    items = pl.DataFrame(
        {
            "user_id": histories.users.gather(shown.user),
            "item_id": histories.items.gather(shown.item),
            "score": picked.score,
            "rank": picked.rank,
        },
        schema=RECOMMENDATIONS,
    )
    lifted = shown.score * lift[picked.place]
    columns = dict.fromkeys(PARTS, np.zeros(len(picked.place)))
    columns |= dict(zip(blend.sources, parts[picked.place].T, strict=True))
    columns |= {"interests": lifted - shown.score, "diversity": picked.score - lifted}
    return items, pl.DataFrame(columns).hstack(evidence(shown, histories, wish.as_of, blend.sources))


def _notes(blend: Blend, histories: Histories, asked: pl.Series, items: pl.DataFrame, wish: Wish) -> Iterator[str]:
    unknown = asked.filter(~asked.is_in(histories.users.implode()))
    if unknown.len():
        examples = ", ".join(unknown.head(EXAMPLES))
        yield say("recommend.note.unknown", n=unknown.len(), examples=examples)
    if not blend.learned:
        yield say("recommend.note.default_blend")
    short = asked.len() - items.filter(pl.col("rank") == wish.k).height
    if short:
        yield say("recommend.note.fewer", n=short, k=wish.k)
