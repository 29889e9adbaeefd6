"""What we expect of each user, by when: stage now, chance of no activity, active days, interests ahead.

The horizon of ``horizon_days`` begins one day after ``as_of`` (see ``foretide.users.cutoffs``). Everything
is learnt from what was over by ``as_of``, and tested on the last whole horizon before it with what was
known then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from foretide.errors import NotEnoughDataError, UnknownIdError, UsageError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import OUTLOOK
from foretide.text import say
from foretide.users.backtest import MODEL, STAGE_RATE, Trial, backtest, trial
from foretide.users.cutoffs import Pair
from foretide.users.examples import examples, history_begins, of_pairs, sample, training_pairs, with_beside
from foretide.users.further import FURTHER, further
from foretide.users.interests import expected_interests, fit_weights
from foretide.users.models import Chosen, UserModel, coarse
from foretide.users.rates import Rates
from foretide.users.reasons import IMPORTANCE, importance, reasons

#: All events keep a user alive; churned after four weeks without one.
USUAL_RULE = LifecycleRule()
USUAL_MODEL = Chosen()

#: A note names this many users.
NAMED = 3
#: How much each reason counts over all users is told from this many of them.
WEIGHED_USERS = 500


@dataclass(frozen=True)
class Outlook:
    """What is expected of users, and how far it can be trusted."""

    users: pl.DataFrame  # schema.OUTLOOK, one row a user
    further: pl.DataFrame  # users.further.FURTHER, one row a known user: stages at the end, value
    interests: pl.DataFrame  # users.interests.INTERESTS, a row a user and category
    quality: pl.DataFrame  # users.scores.QUALITY on the last whole horizon; empty if the log is too short
    importance: pl.DataFrame  # users.reasons.IMPORTANCE; empty if the model has no reasons
    notes: tuple[str, ...]  # what a reader should know, in the language of the moment
    learnt: Learnt  # what the model was learnt from, and tested on

    @property
    def told(self) -> pl.DataFrame:
        """``users`` with the columns of ``further``; null where a user is not known."""
        return self.users.join(self.further, on="user_id", how="left", maintain_order="left")


@dataclass(frozen=True)
class Question:
    """What an outlook is asked for, and what is known about the users when it is asked."""

    as_of: datetime
    horizon_days: int
    known: pl.DataFrame  # feature table of all users, with what the model needs beside it
    strangers: Sequence[str]  # those asked about who are not known

    @property
    def first(self) -> datetime:
        """When the first user came, as ``history_begins`` has it."""
        return history_begins(self.known["tenure_days"], self.as_of)


def outlook(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int = 28,
    rule: LifecycleRule = USUAL_RULE,
    users: Sequence[str] | None = None,
    *,
    fallback: bool = False,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> Outlook:
    """Tell what users will do in the horizon.

    Where the log is too short for the horizon, shorter ones are learnt from and carried on: the log-odds of
    no activity go on changing with the logarithm of the length as they did among those. A note says so.

    Parameters
    ----------
    buckets
        The events.
    as_of
        End of what is known (exclusive), in UTC.
    horizon_days
        Length of the horizon.
    rule
        Which events count as activity, and when a user is churned.
    users
        Only these; all with a critical event if None. The models learn from all in any case.
    fallback
        Tell what is expected of a new user where a user is not known; a note says so.
    chosen
        The model of chances and active days.
    engine
        Where buckets are read; threads if None.

    Raises
    ------
    UsageError
        If the horizon is shorter than a day.
    UnknownIdError
        If one of ``users`` has no critical event before ``as_of``, unless ``fallback``.
    NotEnoughDataError
        If the events cover too few days to learn from.
    """
    asked = question(buckets, as_of, horizon_days, rule, users, chosen, engine)
    if asked.strangers and not fallback:
        raise UnknownIdError(
            f"user {asked.strangers[0]!r} has no activity before {as_of:%Y-%m-%d %H:%M}; check the id and the time"
        )
    learnt = learn(buckets, asked, rule, chosen, engine)
    quality = backtest(learnt.rows, learnt.test, chosen.make)
    weights = fit_weights(learnt.training, as_of, learnt.longest, engine=engine)
    interests = expected_interests(buckets, as_of, horizon_days, weights, users, engine)
    told = expectations(asked, learnt, users)
    counts = counted(learnt.model, asked.known)
    known = asked.known if users is None else asked.known.filter(pl.col("user_id").is_in(list(users)))
    more = FURTHER.to_frame()
    if known.height:
        more = further(buckets, learnt.training, learnt.rows, learnt.pairs, learnt.model, known, rule, engine)
    said = tuple(notes(asked, learnt, interests, quality, counts, more))
    return Outlook(told, more, interests, quality, counts, said, learnt)


@dataclass(frozen=True)
class Learnt:
    """The model of an outlook, and what it was learnt from."""

    model: UserModel
    rates: Rates  # for users who are not known
    training: Buckets  # a sample of the users
    pairs: Sequence[Pair]  # cut-offs and horizons that were learnt from
    rows: pl.DataFrame  # examples of the training and of the test
    test: Trial

    @property
    def longest(self) -> int:
        """Longest horizon that was learnt from, in days."""
        return max(days for _, days in self.pairs)


def learn(
    buckets: Buckets,
    asked: Question,
    rule: LifecycleRule,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> Learnt:
    """Learn what the model of an outlook needs from what was over by its moment.

    Raises
    ------
    NotEnoughDataError
        If the events cover too few days to learn from.
    """
    training = sample(buckets, asked.as_of, engine)
    pairs = training_pairs(asked.first, asked.as_of, asked.horizon_days, buckets.timezone)
    if not pairs:
        raise NotEnoughDataError(
            f"the events before {asked.as_of:%Y-%m-%d %H:%M} cover less than three days; give an outlook more to "
            "learn from"
        )
    test = trial(asked.first, asked.as_of, asked.horizon_days, buckets.timezone)
    model = chosen.make(asked.horizon_days)
    rows = examples(training, sorted({*pairs, *test.pairs}), rule, engine, model.needs)
    seen = of_pairs(rows, pairs)
    return Learnt(model.fit(seen), Rates().fit(seen), training, pairs, rows, test)


def learnt_for(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int,
    rule: LifecycleRule,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> tuple[Learnt, pl.DataFrame]:
    """Return what an outlook learns, and ``Question.known``; errors as of ``outlook``."""
    asked = question(buckets, as_of, horizon_days, rule, None, chosen, engine)
    return learn(buckets, asked, rule, chosen, engine), asked.known


def counted(model: UserModel, known: pl.DataFrame) -> pl.DataFrame:
    """Return ``IMPORTANCE`` over ``weighed_users``; empty if the model has no reasons."""
    try:
        return importance(reasons(model, weighed_users(known)))
    except UsageError:
        return IMPORTANCE.to_frame()


def weighed_users(known: pl.DataFrame) -> pl.DataFrame:
    """Return ``WEIGHED_USERS`` rows of a feature table, always the same, or all of fewer."""
    return known.sample(min(known.height, WEIGHED_USERS), seed=0)


def question(
    buckets: Buckets,
    as_of: datetime,
    horizon_days: int,
    rule: LifecycleRule,
    users: Sequence[str] | None,
    chosen: Chosen = USUAL_MODEL,
    engine: Engine | None = None,
) -> Question:
    """Check what is asked, and look up who is known."""
    if horizon_days < 1:
        raise UsageError(f"the horizon is {horizon_days} days; give 1 or more")
    known = feature_table(buckets, [as_of], rule, engine=engine).sort("user_id")
    if known.is_empty():
        raise NotEnoughDataError(f"there is no activity before {as_of:%Y-%m-%d %H:%M}; give a later time")
    known = with_beside(known, buckets, rule, chosen.make(horizon_days).needs, engine)
    strangers = set(users or ()) - set(known["user_id"] if users else ())
    return Question(as_of, horizon_days, known, sorted(strangers))


def expectations(asked: Question, learnt: Learnt, users: Sequence[str] | None) -> pl.DataFrame:
    """Return ``schema.OUTLOOK`` of those asked about; a stranger is a new user without features."""
    wanted = asked.known if users is None else asked.known.filter(pl.col("user_id").is_in(list(users)))
    strangers = pl.DataFrame(
        {"user_id": asked.strangers, "stage": ["new"] * len(asked.strangers)},
        schema={"user_id": pl.String, "stage": pl.String},
    )
    ahead = pl.concat([learnt.model.predict(wanted), learnt.rates.told(strangers, asked.horizon_days)])
    rows = pl.concat(
        [
            wanted.select("user_id", "stage", known=pl.lit(value=True)),
            strangers.with_columns(known=pl.lit(value=False)),
        ]
    )
    return (
        pl.concat([rows, ahead], how="horizontal")
        .with_columns(as_of=pl.lit(asked.as_of), horizon_days=pl.lit(asked.horizon_days))
        .select(pl.col(name).cast(dtype) for name, dtype in OUTLOOK.items())
        .sort("user_id")
    )


def notes(
    asked: Question,
    learnt: Learnt,
    interests: pl.DataFrame,
    quality: pl.DataFrame,
    counts: pl.DataFrame,
    more: pl.DataFrame,
) -> Iterator[str]:
    """Yield what a reader should know about how the outlook came about."""
    yield from fallbacks(learnt, asked.known)
    if asked.strangers:
        yield say("outlook.new_users", n=len(asked.strangers), users=", ".join(asked.strangers[:NAMED]))
    if untold := more["p_churned"].null_count():
        yield say("outlook.no_next_stage", n=untold)
    if counts.is_empty():
        yield say("outlook.no_reasons")
    if interests.is_empty():
        yield say("outlook.no_categories")
    if quality.is_empty():
        yield say("outlook.no_backtest")
    elif (loss := losses(quality))[MODEL] > loss[STAGE_RATE]:
        yield say("outlook.no_better", loss=f"{loss[MODEL]:.3f}", rate=f"{loss[STAGE_RATE]:.3f}")


def fallbacks(learnt: Learnt, users: pl.DataFrame) -> Iterator[str]:
    """Yield what a reader should know about chances of rows of a feature table that little could be learnt for."""
    if learnt.longest < (asked := learnt.model.horizon_days):
        yield say("outlook.carried_on", asked=asked, longest=learnt.longest)
    if coarse(learnt.model, users):
        yield say("outlook.stage_rates")


def losses(quality: pl.DataFrame) -> dict[str, float]:
    """Return the log-loss of each model over all users."""
    return dict(quality.filter(pl.col("stage") == "all").select("model", "log_loss").iter_rows())
