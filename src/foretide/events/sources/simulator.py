"""A world that is made up, and therefore known: events with the truth behind them.

For tests, which ask whether what was planted is found again, and for trying foretide without data. Planted
are seasons of week and year, a trend, a social event, interests that drift, habits that change, users who
arrive, drop out and come back. Ratings, survey answers and feedback on recommendations are among the
events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from foretide.events.sources.simulator_domains import DOMAINS
from foretide.events.sources.simulator_events import draw_events, item_categories, numbered, user_ids
from foretide.events.sources.simulator_files import DIRT, Written, write_files
from foretide.events.sources.simulator_people import COUNTRIES, People, draw_people
from foretide.events.sources.simulator_scenario import Drift, HabitChange, Scenario, SocialEvent
from foretide.events.sources.simulator_truth import Truth, rates, tell_truth
from foretide.schema import Floats

__all__ = [
    "DIRT", "Drift", "HabitChange", "Scenario", "Simulation", "SocialEvent", "Truth", "Written",
    "scenario_defaults", "simulate", "write_files",
]  # fmt: skip

#: A world for each domain.
scenario_defaults: dict[str, Scenario] = {domain: Scenario(domain) for domain in DOMAINS}
scenario_defaults["risk"] = replace(scenario_defaults["risk"], rating_share=0.0, yearly_strength=0.05)

SEGMENTS = ("light", "regular", "heavy")


@dataclass(frozen=True)
class Simulation:
    """A simulated log and what is true of it.

    Parameters
    ----------
    scenario
        What was asked for.
    events
        ``schema.EVENTS`` in the order of time. The question of a survey is its ``item_id``.
    items
        ``item_id, title, category``.
    users
        ``user_id, country, segment``; the segments are thirds of the users by their rate.
    truth
        What was planted.
    """

    scenario: Scenario
    events: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    truth: Truth


def simulate(scenario: Scenario) -> Simulation:
    """Make up a world.

    Parameters
    ----------
    scenario
        What the world is like; the same scenario gives the same world.
    """
    rng = np.random.default_rng(scenario.seed)
    people = draw_people(scenario, rng)
    rate = rates(scenario, people)
    items = item_table(scenario)
    return Simulation(
        scenario,
        draw_events(scenario, people, rate, items, rng),
        items,
        user_table(scenario, people),
        tell_truth(scenario, people, rate, user_ids(scenario)),
    )


def item_table(scenario: Scenario) -> pl.DataFrame:
    """Return the items: those of a category are numbered by popularity."""
    category = pl.Series("category", scenario.categories).gather(item_categories(scenario))
    frame = pl.DataFrame([numbered("item_id", "i", scenario.n_items), category])
    number = pl.int_range(1, pl.len() + 1).over("category")
    return frame.select("item_id", pl.format("{} {}", "category", number).alias("title"), "category")


def user_table(scenario: Scenario, people: People) -> pl.DataFrame:
    """Return the users with their country and segment."""
    countries = pl.Series([name for name, _ in COUNTRIES])
    segments = pl.Series(SEGMENTS)
    return pl.DataFrame(
        {
            "user_id": user_ids(scenario),
            "country": countries.gather(people.country),
            "segment": segments.gather(thirds(people.rate)),
        }
    )


def thirds(rate: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return 0, 1 or 2 by the place of each rate among all."""
    rank = np.argsort(np.argsort(rate, kind="stable"), kind="stable")
    return 3 * rank // len(rate)
