"""What would turn a user's chance of no activity: found by trying, each trial asked of the model.

Visits are added to the user's own events (or days of silence), the features are made anew by the same fold, and the
same model is asked again. Nothing else of the past is changed: a visit is what a team can try to bring about, and
silence what it has to fear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from foretide.errors import UnknownIdError, UsageError
from foretide.events.engine import Engine
from foretide.events.lookup import events_of
from foretide.events.records import Buckets, FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import Floats
from foretide.users.examples import with_beside
from foretide.users.reasons import Explained

#: Most visits, this many days apart, and most days of silence that are tried.
MOST_VISITS, DAYS_APART, MOST_SILENCE = 8, 3, 90
#: What the features of a trial are made of, and what a model needs beside them.
READ, READ_BESIDE = ("user_id", "ts", "value"), ("tz_offset_min", "category")
#: A user with a chance above this is expected to stay away.
LIKELY = 0.5

TURNS = pl.Schema(
    {
        "kind": pl.String(),  # visits or silence
        "n": pl.Int64(),  # visits added, or days without one
        "p_inactive": pl.Float64(),  # the chance then
        "turns": pl.Boolean(),  # whether the user is then on the other side of LIKELY
    }
)


@dataclass(frozen=True)
class Trial:
    """A user's own events with visits added, or without any for some days."""

    kind: str
    n: int
    as_of: datetime
    visits: Sequence[datetime]


def turning(
    model: Explained,
    buckets: Buckets,
    as_of: datetime,
    user: str,
    rule: LifecycleRule,
    likely: float = LIKELY,
    engine: Engine | None = None,
) -> pl.DataFrame:
    """Return what would turn a user's outlook, ``TURNS``; each row was asked of the model.

    For a user who is expected to stay away: visits yesterday and every ``DAYS_APART`` days before, one, two and so on
    until it turns. For one who is expected to come: days without a visit. The last row turns, if any does; only rows
    up to it are there.

    Parameters
    ----------
    model
        What is asked.
    buckets, as_of, rule
        The events, what is known (exclusive, UTC), and which events count.
    user
        The user's id.
    likely
        The chance that is to be crossed.
    engine
        Where the user's bucket is read; by a thread if None.

    Raises
    ------
    UnknownIdError
        If nothing is known of the user.
    UsageError
        If the chance to be crossed is not between 0 and 1.
    """
    if not 0 < likely < 1:
        raise UsageError(f"the chance to be crossed is {likely}; give one between 0 and 1")
    columns = (*READ, *rule.columns, *(READ_BESIDE if model.needs else ()))
    own = events_of(buckets, [user], columns, as_of, engine)
    now = scored(model, own, [Trial("visits", 0, as_of, ())], buckets.timezone, rule)
    if not now.size:
        raise unknown(user, as_of)
    away = bool(now[0] > likely)
    trials = visiting(as_of) if away else staying_away(as_of)
    p = scored(model, own, trials, buckets.timezone, rule)
    turned = (p <= likely) if away else (p > likely)
    shown = int(np.argmax(turned)) + 1 if turned.any() else len(trials)
    return pl.DataFrame(
        {
            "kind": [trial.kind for trial in trials[:shown]],
            "n": [trial.n for trial in trials[:shown]],
            "p_inactive": p[:shown],
            "turns": turned[:shown],
        },
        schema=TURNS,
    )


def unknown(user: str, as_of: datetime) -> UnknownIdError:
    """Return the error that nothing is known of a user."""
    return UnknownIdError(f"user {user!r} has no activity before {as_of:%Y-%m-%d %H:%M}; check the id and the time")


def visiting(as_of: datetime) -> list[Trial]:
    """Return trials with one visit more each."""
    days = [as_of - timedelta(days=1 + DAYS_APART * k) for k in range(MOST_VISITS)]
    return [Trial("visits", n, as_of, days[:n]) for n in range(1, MOST_VISITS + 1)]


def staying_away(as_of: datetime) -> list[Trial]:
    """Return trials with one day of silence more each."""
    return [Trial("silence", n, as_of + timedelta(days=n), ()) for n in range(1, MOST_SILENCE + 1)]


def scored(model: Explained, own: pl.DataFrame, trials: Sequence[Trial], timezone: str, rule: LifecycleRule) -> Floats:
    """Return the chance of no activity in each trial, ``(n_trials,)``; none if the user is not known."""
    critical = own if rule.critical_events is None else own.filter(pl.col("event_type").is_in(rule.critical_events))
    if critical.is_empty():
        return np.empty(0)
    # a trial is a user of its own, so that all are folded in one pass; a visit is like the last one, without a value
    visit = critical.sort("ts").tail(1).with_columns(value=pl.lit(None, own.schema["value"]))
    names = [f"{place:04d}" for place in range(len(trials))]
    parts = []
    for name, trial in zip(names, trials, strict=True):
        added = [visit.with_columns(ts=pl.lit(moment, own.schema["ts"])) for moment in trial.visits]
        parts.append(pl.concat([own, *added]).with_columns(user_id=pl.lit(name)))
    log = FrameBuckets(pl.concat(parts).sort("user_id", "ts"), timezone)
    table = feature_table(log, [trial.as_of for trial in trials], rule)
    wanted = pl.DataFrame({"user_id": names, "as_of": [trial.as_of for trial in trials]}, schema_overrides=table.schema)
    rows = wanted.join(table, on=["user_id", "as_of"], how="left", maintain_order="left")
    return model.predict(with_beside(rows, log, rule, model.needs))["p_inactive"].to_numpy()
