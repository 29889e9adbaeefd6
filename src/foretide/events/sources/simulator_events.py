"""Draws the events of a simulated world: sessions, then what is done in each, when and to what.

Everything is drawn for all events at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from foretide.events.sources.simulator_domains import DOMAINS
from foretide.events.sources.simulator_people import COUNTRIES, Bools, Ints, People, popularity
from foretide.events.sources.simulator_scenario import Scenario
from foretide.events.sources.simulator_truth import Rates, dates_of
from foretide.schema import EVENTS, Floats

HOUR_SPREAD_H = 2.0  # standard deviation of a user's sessions around the usual hour
PAUSE_S = 75.0  # mean time between two events of a session
N_FAVOURITES = 3  # items a user keeps going back to in each category
DAY_MS = 86_400_000

#: Answers, and how likely a user agrees: chance = low + range * affinity, affinity in 0 to 1.
RATING_CHANCE = (0.3, 0.5)
SURVEY_CHANCE = (0.0, 1.0)
FEEDBACK_CHANCE = (0.2, 0.6)
N_STEPS = 4  # ratings and survey answers go from 1 to 1 + N_STEPS


@dataclass(frozen=True)
class Drawn:
    """Events while they are drawn: a row an event."""

    user: Ints  # (n_events,)
    day: Ints  # (n_events,)
    session: Ints  # (n_events,)
    place: Ints  # (n_events,) in the session, from 0


def draw_events(
    scenario: Scenario, people: People, rate: Rates, items: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Draw the log, ``schema.EVENTS`` in the order of time."""
    drawn = draw_sessions(people, rate, rng)
    category, affinity = draw_categories(drawn, rate, rng)
    item = draw_items(scenario, drawn, category, rng)
    types, values = draw_types(scenario, affinity, rng)
    ts = draw_times(scenario, people, drawn, rng)
    frame = pl.DataFrame(
        {
            "user_id": user_ids(scenario).gather(drawn.user),
            "item_id": items["item_id"].gather(item),
            "event_type": pl.Series(type_names(scenario)).gather(types),
            "ts": pl.Series(ts).cast(pl.Datetime("ms", "UTC")),
            "tz_offset_min": offsets()[people.country[drawn.user]],
            "value": values,
            "session_id": drawn.session,
            "category": pl.Series(scenario.categories).gather(category),
        }
    )
    return finish(frame)


def finish(frame: pl.DataFrame) -> pl.DataFrame:
    """Put events in the order of time, number them, name their sessions and the questions of surveys."""
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(8)
    question = pl.concat_str(pl.lit("interest: "), "category")
    survey = pl.col("event_type") == "survey"
    return (
        frame.sort("ts", maintain_order=True)
        .with_columns(
            pl.format("e{}", number).alias("event_id"),
            pl.when(survey).then(question).otherwise("item_id").alias("item_id"),
            pl.col("value").fill_nan(None),
            pl.format("s{}", "session_id").alias("session_id"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in EVENTS.items())
    )


def user_ids(scenario: Scenario) -> pl.Series:
    """Return the names of the users."""
    return numbered("user_id", "u", scenario.n_users)


def numbered(name: str, prefix: str, n: int) -> pl.Series:
    """Return ``u00001, u00002 ...``."""
    return pl.Series(name, [f"{prefix}{number:05d}" for number in range(1, n + 1)], dtype=pl.String)


def offsets() -> Ints:
    """Return the clocks' offsets from UTC by country, in minutes."""
    return np.array([offset for _, offset in COUNTRIES], dtype=np.int64)


def type_names(scenario: Scenario) -> list[str]:
    """Return the event types: the domain's, then the answers."""
    return [*DOMAINS[scenario.domain].event_shares, "rating", "survey", "feedback"]


def draw_sessions(people: People, rate: Rates, rng: np.random.Generator) -> Drawn:
    """Draw how many sessions each user has on each day and how many events each session has."""
    n_sessions = rng.poisson(rate.sessions) + people.begins  # (n_users, n_days)
    user, day = np.nonzero(n_sessions)
    repeats = n_sessions[user, day]
    user, day = np.repeat(user, repeats), np.repeat(day, repeats)  # a row a session
    length = 1 + rng.poisson(rate.events_per_session - 1, len(user))
    session = np.repeat(np.arange(len(user)), length)  # a row an event
    place = np.arange(len(session)) - np.repeat(np.cumsum(length) - length, length)
    return Drawn(user[session], day[session], session, place)


def draw_rows(weights: Floats, row: Ints, rng: np.random.Generator) -> Ints:
    """Draw a column for each row number; the rows of ``weights`` add up to 1.

    All rows are laid end to end on one line, so that one sorted search serves every draw.
    """
    n_columns = weights.shape[1]
    ends = np.cumsum(weights, axis=1)
    ends[:, -1] = 1.0
    line = (ends + np.arange(len(weights))[:, None]).ravel()
    found = np.searchsorted(line, row + rng.random(len(row)), side="right")
    return np.minimum(found - row * n_columns, n_columns - 1)


def draw_categories(drawn: Drawn, rate: Rates, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Draw each event's category; return with it the user's affinity, 0 to 1: a half for a mean interest."""
    _, n_users, n_categories = rate.mix.shape
    mix = rate.mix.reshape(-1, n_categories)
    row = rate.phase[drawn.day] * n_users + drawn.user
    category = draw_rows(mix, row, rng)
    share = mix[row, category]
    return category, share / (share + popularity(n_categories)[category])


def item_categories(scenario: Scenario) -> Ints:
    """Return each item's category, ``(n_items,)``, ascending: every category has one item at least."""
    spare = scenario.n_items - scenario.n_categories
    ends = np.round(np.cumsum(popularity(scenario.n_categories)) * spare).astype(np.int64)
    return np.repeat(np.arange(scenario.n_categories), 1 + np.diff(ends, prepend=0))


def draw_items(scenario: Scenario, drawn: Drawn, category: Ints, rng: np.random.Generator) -> Ints:
    """Draw each event's item: a favourite of the user's, or one by popularity within the category."""
    n_items = np.bincount(item_categories(scenario), minlength=scenario.n_categories)
    first = np.cumsum(n_items) - n_items
    column = np.arange(n_items.max())
    weights = np.where(column < n_items[:, None], 1 / (1.0 + column), 0.0)  # (n_categories, largest category)
    weights /= weights.sum(axis=1, keepdims=True)

    cells = np.tile(np.repeat(np.arange(scenario.n_categories), N_FAVOURITES), scenario.n_users)
    favourites = draw_rows(weights, cells, rng).reshape(scenario.n_users, scenario.n_categories, N_FAVOURITES)
    n_events = len(category)
    favourite = favourites[drawn.user, category, rng.integers(0, N_FAVOURITES, n_events)]
    loyal = rng.random(n_events) < scenario.loyalty
    return first[category] + np.where(loyal, favourite, draw_rows(weights, category, rng))


def draw_types(scenario: Scenario, affinity: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Draw each event's type and value; a type without a value has NaN."""
    domain = DOMAINS[scenario.domain]
    behaviour = (1 - scenario.answer_share) * np.array(list(domain.event_shares.values()))
    shares = [*behaviour, scenario.rating_share, scenario.survey_share, scenario.feedback_share]
    types = draw_rows(np.array([shares]), np.zeros(len(affinity), dtype=np.int64), rng)
    values = np.full(len(affinity), np.nan)
    for number, name in enumerate(type_names(scenario)):
        where = types == number
        if name in domain.amounts:
            amount = domain.amounts[name]
            values[where] = rng.lognormal(np.log(amount.median), amount.sigma, where.sum()).round(2)
        elif name not in domain.event_shares:
            values[where] = draw_answers(name, affinity[where], rng)
    return types, values


def draw_answers(kind: str, affinity: Floats, rng: np.random.Generator) -> Floats:
    """Draw ratings and survey answers of 1 to 5, or feedback of 0 or 1."""
    low, range_ = {"rating": RATING_CHANCE, "survey": SURVEY_CHANCE, "feedback": FEEDBACK_CHANCE}[kind]
    chance = low + range_ * affinity
    if kind == "feedback":
        return (rng.random(len(chance)) < chance).astype(np.float64)
    return 1.0 + rng.binomial(N_STEPS, chance).astype(np.float64)


def draw_times(scenario: Scenario, people: People, drawn: Drawn, rng: np.random.Generator) -> Ints:
    """Draw each event's moment, in milliseconds since 1970, within its day in UTC."""
    starts = drawn.place == 0
    user, day = drawn.user[starts], drawn.day[starts]  # a row a session
    usual = people.peak_hour[user] + moved_hours(scenario, people.moves[user], day)
    local_ms = (usual + HOUR_SPREAD_H * rng.standard_normal(len(user))) * 3_600_000
    begin = (local_ms - 60_000 * offsets()[people.country[user]]) % DAY_MS

    pause = np.where(starts, 0.0, 1000 * rng.exponential(PAUSE_S, len(starts)))
    run = np.cumsum(pause)
    since = run - run[starts][drawn.session]  # since the session's begin
    length = np.maximum.reduceat(since, np.flatnonzero(starts)) if len(since) else since
    begin = np.clip(np.minimum(begin, DAY_MS - 1 - length), 0, None)  # a session does not cross midnight
    midnight = dates_of(scenario).astype("datetime64[ms]").astype(np.int64)[drawn.day]
    return midnight + np.minimum(begin[drawn.session] + since, DAY_MS - 1).astype(np.int64)


def moved_hours(scenario: Scenario, moves: Bools, day: Ints) -> Floats:
    """Return by how many hours sessions are later because habits changed."""
    change = scenario.habit_change
    if change is None:
        return np.zeros(len(day))
    return change.hours * (moves & (day >= scenario.day(change.day))).astype(np.float64)
