"""The people of a simulated world: when they are there, what they like, when in the day they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.events.sources.simulator_domains import DOMAINS
from foretide.events.sources.simulator_scenario import Scenario
from foretide.schema import Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Country and minutes by which its clock is ahead of UTC; without summer time, so that an hour stays an hour.
COUNTRIES = (("US", -300), ("BR", -180), ("DE", 60), ("IN", 330), ("CN", 480))
COUNTRY_SHARES = (0.30, 0.10, 0.25, 0.15, 0.20)

#: Relative activity on Monday to Sunday before it is scaled to the strength: mean 0, range 2.
WEEKLY_SHAPE = np.array([-0.7, -0.9, -0.5, -0.1, 0.3, 1.1, 0.8])
YEARLY_PEAK_DAY = 350  # day of the year on which everyone is busiest
RATE_SHAPE = 1.5  # of the gamma distribution of users' activity: lower means more unequal
INTEREST_CONCENTRATION = 3.0  # of the Dirichlet distribution of interests: lower means narrower users
HOME_INTEREST = 0.5  # share that a planted drifter has in the category to be left
PEAK_SPREAD_H = 3.0  # standard deviation between users of their usual hour


@dataclass(frozen=True)
class People:
    """Who the users are and what is planted in them; a row a user."""

    arrival: Ints  # (n_users,) day; 0 for those who were there
    there: Bools  # (n_users, n_days)
    begins: Bools  # (n_users, n_days) an arrival or a return: at least one session is sure
    rate: Floats  # (n_users,) sessions a day in a mean season while there
    interests: Floats  # (2, n_users, n_categories) before and after the drift; rows add up to 1
    drifts: Bools  # (n_users,)
    peak_hour: Floats  # (n_users,) local, before the habit change
    moves: Bools  # (n_users,) the hours change
    country: Ints  # (n_users,) place in COUNTRIES


def draw_people(scenario: Scenario, rng: np.random.Generator) -> People:
    """Draw the users of a scenario."""
    n = scenario.n_users
    arrival = draw_arrivals(scenario, rng)
    there = draw_presence(scenario, arrival, rng)
    begins = there & ~np.pad(there, ((0, 0), (1, 0)))[:, :-1]
    begins[:, 0] = False  # whoever is there on the first day did not arrive on it
    mean_rate = DOMAINS[scenario.domain].sessions_per_day
    drifts, moves = (
        rng.random(n) < (0.0 if change is None else change.share) for change in (scenario.drift, scenario.habit_change)
    )
    return People(
        arrival,
        there,
        begins,
        rng.gamma(RATE_SHAPE, mean_rate / RATE_SHAPE, n),
        draw_interests(scenario, drifts, rng),
        drifts,
        (DOMAINS[scenario.domain].peak_hour + PEAK_SPREAD_H * rng.standard_normal(n)) % 24,
        moves,
        rng.choice(len(COUNTRIES), n, p=COUNTRY_SHARES),
    )


def draw_arrivals(scenario: Scenario, rng: np.random.Generator) -> Ints:
    """Return each user's first day, in order: some are there, the others come at an even rate."""
    n_new = round(scenario.newcomer_share * scenario.n_users) if scenario.n_days > 1 else 0
    days = np.zeros(scenario.n_users, dtype=np.int64)
    if n_new:
        days[-n_new:] = np.sort(rng.integers(1, scenario.n_days, n_new))
    return days


def draw_presence(scenario: Scenario, arrival: Ints, rng: np.random.Generator) -> Bools:
    """Return on which days each user is there: who stops may come back, on the next day at the earliest."""
    there = np.zeros((scenario.n_users, scenario.n_days), dtype=np.bool_)
    here = np.zeros(scenario.n_users, dtype=np.bool_)
    for day in range(scenario.n_days):
        chance = rng.random(scenario.n_users)
        returns = (arrival < day) & (chance < scenario.return_per_day)
        here = np.where(here, chance >= scenario.dropout_per_day, returns) | (arrival == day)
        there[:, day] = here
    return there


def popularity(n_categories: int) -> Floats:
    """Return the population's share of each category, falling slowly with its place."""
    weight = 1 / np.sqrt(1 + np.arange(n_categories))
    return np.asarray(weight / weight.sum())


def draw_interests(scenario: Scenario, drifts: Bools, rng: np.random.Generator) -> Floats:
    """Return interests before and after the drift, ``(2, n_users, n_categories)``."""
    popular = popularity(scenario.n_categories)
    before = rng.dirichlet(INTEREST_CONCENTRATION * popular, scenario.n_users)
    drift = scenario.drift
    if drift is None:
        return np.stack([before, before])
    before[drifts] *= 1 - HOME_INTEREST
    before[drifts, drift.from_category] += HOME_INTEREST
    after = before.copy()
    moved = drift.moved * before[drifts, drift.from_category]
    after[drifts, drift.from_category] -= moved
    after[drifts, drift.to_category] += moved
    return np.stack([before, after])


def season(scenario: Scenario) -> Floats:
    """Return the factor of week, year and trend on each day, ``(n_days,)``."""
    dates = np.datetime64(scenario.start) + np.arange(scenario.n_days)
    days = np.arange(scenario.n_days)
    weekday = (dates.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    weekly = 1 + scenario.weekly_strength * WEEKLY_SHAPE[weekday]
    day_of_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    yearly = 1 + scenario.yearly_strength * np.cos(2 * np.pi * (day_of_year - YEARLY_PEAK_DAY) / 365.25)
    return np.asarray(weekly * yearly * (1 + scenario.trend_per_year) ** (days / 365.25))
