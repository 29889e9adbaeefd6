"""What outlook models learn from: users at cut-offs, with what they did in horizons of several lengths.

A user is seen at several cut-offs, and from each over several horizons: shorter ones tell about more recent
behaviour than the horizon that is asked about, and how the chances change with its length. Nothing at or
after ``as_of`` is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import polars as pl

from foretide.events.engine import Engine, LocalEngine
from foretide.events.records import Buckets, FewBuckets
from foretide.features.fold import KEYS, feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import N_USERS, n_users_part
from foretide.schema import TS
from foretide.users.cutoffs import Pair, days_between, room_days, training_cutoffs
from foretide.users.sequence_windows import HISTORY, with_histories
from foretide.users.targets import TARGETS, targets_of_pairs

#: Horizons to learn from, as shares of the one that is asked about ...
HORIZON_SHARES = (0.25, 0.5, 1.0)
#: ... or, where the log is too short for that one, of the longest that fits: more lengths, as what changes with them is
#: carried on then, and longer ones, so that it is carried less far.
ROOM_SHARES = (0.1, 0.2, 0.4, 0.6, 0.8)
#: Cut-offs for each of them.
CUTOFFS_PER_HORIZON = 5
#: Whole buckets are read until they should hold this many users.
TRAINING_USERS = 25_000
#: The first users do not count for where history begins if they came so much earlier than the next that they double it:
#: most likely their dates are wrong (1970-01-01). At most one user in so many, and at most so many, are left out.
STRAYS_ONE_IN, MOST_STRAYS = 20, 30
#: The number of active days is a feature too, so the one that is to be told has another name.
AHEAD = {"active_days": "active_days_ahead"}
#: What some models need beside the features: column -> what adds it to a feature table or to examples.
BESIDE: dict[str, Callable[..., pl.DataFrame]] = {HISTORY: with_histories}


def sample(buckets: Buckets, as_of: datetime, engine: Engine | None = None) -> FewBuckets:
    """Return the first buckets that together hold ``TRAINING_USERS`` users known at ``as_of``, or all.

    Threads count the users if there is no engine.
    """
    ids = buckets.ids
    if len(ids) > 1:
        n_users = 0
        counts = (engine or LocalEngine()).map_buckets(partial(n_users_part, until=as_of), buckets, N_USERS)
        for n_buckets, part in enumerate(counts, start=1):
            n_users += int(part["users"].item())
            if n_users >= TRAINING_USERS:
                return FewBuckets(buckets, ids[:n_buckets])
    return FewBuckets(buckets, ids)


def history_begins(tenure_days: pl.Series, as_of: datetime) -> datetime:
    """Return when the first user came, but for a few strays long before all others.

    Parameters
    ----------
    tenure_days
        Days from the first event of each user to ``as_of``, at least one.
    as_of
        End of what is known.
    """
    n_strays = min(MOST_STRAYS, len(tenure_days) // STRAYS_ONE_IN)
    oldest = tenure_days.top_k(n_strays + 1).sort(descending=True).to_list()
    begins = [0, *(n for n, (age, next_age) in enumerate(pairwise(oldest), start=1) if age > 2 * next_age)]
    return as_of - timedelta(days=oldest[begins[-1]])


def training_pairs(first: datetime, as_of: datetime, horizon_days: int, timezone: str) -> list[Pair]:
    """Return pairs of cut-off and horizon that are over by ``as_of``; none if the log is too short."""
    return [
        (cutoff, days)
        for days in training_lengths(days_between(first, as_of, timezone), horizon_days)
        for cutoff in training_cutoffs(first, as_of, days, timezone, CUTOFFS_PER_HORIZON)
    ]


def training_lengths(history_days: int, horizon_days: int) -> list[int]:
    """Return the horizons to learn from, in days, the shortest first; none if the log is too short."""
    room = room_days(history_days)
    longest, shares = (horizon_days, HORIZON_SHARES) if horizon_days <= room else (room, ROOM_SHARES)
    return sorted({max(1, int(longest * share)) for share in shares}) if room else []


def examples(
    buckets: Buckets,
    pairs: Sequence[Pair],
    rule: LifecycleRule,
    engine: Engine | None = None,
    needs: Sequence[str] = (),
) -> pl.DataFrame:
    """Return features and targets of each user at each pair, in the order of user, cut-off and horizon.

    Threads read the buckets if there is no engine.

    Returns
    -------
    pl.DataFrame
        The columns of the feature table, ``horizon_days`` and those of ``TARGETS``, whose ``active_days`` is
        called ``active_days_ahead``; then those of ``BESIDE`` that a model ``needs``.
    """
    ahead = targets_of_pairs(buckets, pairs, rule, engine).rename(AHEAD)
    rows = (
        feature_table(buckets, [cutoff for cutoff, _ in pairs], rule, engine=engine)
        .join(ahead, on=["user_id", "as_of"])
        .sort("user_id", "as_of", "horizon_days")
    )
    return with_beside(rows, buckets, rule, needs, engine)


def with_beside(
    rows: pl.DataFrame, buckets: Buckets, rule: LifecycleRule, needs: Sequence[str], engine: Engine | None = None
) -> pl.DataFrame:
    """Return a feature table, or examples, with the columns of ``BESIDE`` that a model needs; in their order."""
    for name in needs:
        rows = BESIDE[name](rows, buckets, rule, engine=engine)
    return rows


def feature_names(rows: pl.DataFrame) -> list[str]:
    """Return the columns of examples, or of a feature table, that are figures known at the cut-off."""
    told = {*KEYS, *BESIDE, "horizon_days", *(AHEAD.get(name, name) for name in TARGETS)}
    return [name for name in rows.columns if name not in told]


def longest_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the examples with the longest horizon of each cut-off: each user at each cut-off once."""
    return rows.filter(pl.col("horizon_days") == pl.col("horizon_days").max().over("as_of"))


def of_pairs(rows: pl.DataFrame, pairs: Sequence[Pair]) -> pl.DataFrame:
    """Return the examples of some of the pairs."""
    wanted = pl.DataFrame(pairs, schema={"as_of": TS, "horizon_days": pl.Int32}, orient="row")
    return rows.join(wanted, on=["as_of", "horizon_days"], how="semi", maintain_order="left")
