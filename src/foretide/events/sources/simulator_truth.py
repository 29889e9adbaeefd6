"""What is true of a simulated world, known without looking at its events.

A user who is there starts a Poisson number of sessions a day, and one more on the day of arrival or return.
A session has one event and a Poisson number of further ones. Each event's category is drawn from the
user's interests of that day, tilted by the social event. So the mean and the spread of every daily count
are known exactly, given who is there: no forecast can be better than this mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.events.sources.simulator_domains import DOMAINS
from foretide.events.sources.simulator_people import Ints, People, season
from foretide.events.sources.simulator_scenario import Scenario
from foretide.schema import Floats


@dataclass(frozen=True)
class Rates:
    """How much everyone does and of what."""

    sessions: Floats  # (n_users, n_days) mean of the Poisson number of sessions
    events_per_session: float
    phase: Ints  # (n_days,) which interests hold: + 1 after the drift, + 2 during the social event
    mix: Floats  # (4, n_users, n_categories) share of each category in a user's events by phase
    social_factor: Floats  # (n_users, n_days) what the social event does to a user's number of sessions


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Parameters
    ----------
    users
        A row a user: ``user_id, arrival`` (first day), ``rate`` (sessions a day in a mean season),
        ``peak_hour`` (local), ``habit_day, habit_hours`` (null where the hours stay), ``drift_day,
        drift_from, drift_to, drift_size`` (share of all interest that moves; null where there is no drift).
    spells
        A row for each time a user was there: ``user_id, begin, end``; ``end`` is the day of dropping out, the
        first on which the user was not there any more, null at the end of the log. A later spell begins
        with the return.
    daily
        A row a day: ``ds, mean_events, sd_events`` (the oracle), ``mean_active_users`` (with an event that
        day), ``there`` (users who have not dropped out), ``arrivals``, ``season`` (factor of week, year and
        trend), ``social_factor`` (mean number of events over what it would be without the social event).
    categories
        A row a day and category: ``ds, category, mean_events, share``.
    """

    users: pl.DataFrame
    spells: pl.DataFrame
    daily: pl.DataFrame
    categories: pl.DataFrame


def rates(scenario: Scenario, people: People) -> Rates:
    """Work out how much everyone does and of what."""
    tilt = np.ones(scenario.n_categories)
    days = np.arange(scenario.n_days)
    phase = np.zeros(scenario.n_days, dtype=np.int64)
    if scenario.drift is not None:
        phase += days >= scenario.day(scenario.drift.day)
    if scenario.social_event is not None:
        tilt[scenario.social_event.category] = scenario.social_event.size
        first = scenario.day(scenario.social_event.day)
        phase += 2 * ((days >= first) & (days < first + scenario.social_event.duration_days))
    appetite = np.concatenate([people.interests, people.interests * tilt])  # (4, n_users, n_categories)
    total = appetite.sum(axis=2)  # (4, n_users)
    social_factor = total[phase].T  # (n_users, n_days)
    calm = people.rate[:, None] * season(scenario) * people.there
    per_session = DOMAINS[scenario.domain].events_per_session
    return Rates(calm * social_factor, per_session, phase, appetite / total[:, :, None], social_factor)


def tell_truth(scenario: Scenario, people: People, rate: Rates, user_ids: pl.Series) -> Truth:
    """Write down what is true of a world."""
    return Truth(
        planted_users(scenario, people, user_ids),
        spells(scenario, people, user_ids),
        daily_truth(scenario, people, rate),
        category_truth(scenario, people, rate),
    )


def dates_of(scenario: Scenario) -> NDArray[np.datetime64]:
    """Return the days of the log, ``(n_days,)``."""
    return np.asarray(np.datetime64(scenario.start) + np.arange(scenario.n_days))


def daily_truth(scenario: Scenario, people: People, rate: Rates) -> pl.DataFrame:
    """Return the oracle of each day."""
    sure = people.begins.sum(axis=0)  # (n_days,)
    random = rate.sessions.sum(axis=0)
    mean = rate.events_per_session
    variance = random * (mean**2 + mean - 1) + sure * (mean - 1)  # compound Poisson; a sure session varies less
    events = (random + sure) * mean
    calm_events = ((rate.sessions / rate.social_factor).sum(axis=0) + sure) * mean
    active = np.where(people.begins, 1.0, -np.expm1(-rate.sessions)).sum(axis=0)
    return pl.DataFrame(
        {
            "ds": dates_of(scenario),
            "mean_events": events,
            "sd_events": np.sqrt(variance),
            "mean_active_users": active,
            "there": people.there.sum(axis=0),
            "arrivals": np.bincount(people.arrival[people.arrival > 0], minlength=scenario.n_days),
            "season": season(scenario),
            "social_factor": np.where(calm_events > 0, events / np.maximum(calm_events, 1e-300), 1.0),
        }
    )


def category_truth(scenario: Scenario, people: People, rate: Rates) -> pl.DataFrame:
    """Return the expected events of each category on each day."""
    sessions = rate.sessions + people.begins
    mean = np.empty((scenario.n_days, scenario.n_categories))
    for phase, mix in enumerate(rate.mix):
        days = rate.phase == phase
        mean[days] = rate.events_per_session * sessions[:, days].T @ mix
    total = np.maximum(mean.sum(axis=1, keepdims=True), 1e-300)
    return pl.DataFrame(
        {
            "ds": np.repeat(dates_of(scenario), scenario.n_categories),
            "category": scenario.categories * scenario.n_days,
            "mean_events": mean.ravel(),
            "share": (mean / total).ravel(),
        }
    )


def planted_users(scenario: Scenario, people: People, user_ids: pl.Series) -> pl.DataFrame:
    """Return what each user is like and what is planted in them."""
    lost = people.interests[0] - people.interests[1]  # (n_users, n_categories)
    frame = pl.DataFrame(
        {
            "user_id": user_ids,
            "arrival": dates_of(scenario)[people.arrival],
            "rate": people.rate,
            "peak_hour": people.peak_hour,
            "moves": people.moves,
            "drifts": people.drifts,
            "drift_size": lost.clip(min=0).sum(axis=1),
        }
    )
    return frame.select("user_id", "arrival", "rate", "peak_hour", *habit_columns(scenario), *drift_columns(scenario))


def habit_columns(scenario: Scenario) -> list[pl.Expr]:
    """Return when the hours of those who move change, and by how much; null for the others."""
    change = scenario.habit_change
    if change is None:
        return [pl.lit(None, pl.Date).alias("habit_day"), pl.lit(None, pl.Float64).alias("habit_hours")]
    day = scenario.start + timedelta(scenario.day(change.day))
    moves = pl.when("moves")
    return [moves.then(pl.lit(day)).alias("habit_day"), moves.then(pl.lit(change.hours)).alias("habit_hours")]


def drift_columns(scenario: Scenario) -> list[pl.Expr]:
    """Return when, from where to where and how far interests move; null for those whose interests stay."""
    drift, names = scenario.drift, scenario.categories
    if drift is None:
        types = {"day": pl.Date(), "from": pl.String(), "to": pl.String(), "size": pl.Float64()}
        return [pl.lit(None, dtype).alias(f"drift_{name}") for name, dtype in types.items()]
    planted = {
        "day": pl.lit(scenario.start + timedelta(scenario.day(drift.day))),
        "from": pl.lit(names[drift.from_category]),
        "to": pl.lit(names[drift.to_category]),
        "size": pl.col("drift_size"),
    }
    return [pl.when("drifts").then(value).alias(f"drift_{name}") for name, value in planted.items()]


def spells(scenario: Scenario, people: People, user_ids: pl.Series) -> pl.DataFrame:
    """Return each unbroken time in which a user was there."""
    edges = np.diff(np.pad(people.there.astype(np.int8), ((0, 0), (1, 1))), axis=1)  # (n_users, n_days + 1)
    user, begin = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)  # in the same order: each spell ends before the user's next begins
    dates = dates_of(scenario)
    after = np.append(dates, np.datetime64("NaT"))
    return pl.DataFrame({"user_id": user_ids.gather(user), "begin": dates[begin], "end": after[end]})
