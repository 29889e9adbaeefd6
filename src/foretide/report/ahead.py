"""What the report asks about the days ahead: population, standing questions to it, models, groups of users, items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from foretide.errors import NotEnoughDataError
from foretide.features.fold import feature_table
from foretide.outlook import Outlook
from foretide.report.explained import explained_users
from foretide.report.trials import trial_of_models
from foretide.text import say
from foretide.users.interest_scores import interest_quality
from foretide.users.interest_trends import interest_trends
from foretide.users.segment_members import THEMES
from foretide.users.segments import segment_outlook, worth_acting_on
from foretide.users.segments_found import found_segments
from foretide.users.stages import StageOutlook, stage_outlook
from foretide.users.whatif import push_of
from foretide.users.whatif_luck import ACTIVE_IF, active_if
from foretide.workspace import Workspace

#: The questions that every report puts to the population, with the change of each in percent.
SCENARIOS = {"reactivation": 10, "arrivals": -20, "retention": 5}
#: Recommendations are shown for this many users, and this many to each.
SAMPLE_USERS, SAMPLE_ITEMS = 5, 5
WHAT_IFS = pl.Schema({"scenario": pl.String(), "change": pl.Int64(), **ACTIVE_IF})  # the change in percent


class Ahead(NamedTuple):
    """Fields of a report's data, and remarks in words."""

    tables: dict[str, Any]
    notes: tuple[str, ...]


def looking_ahead(
    place: Workspace, moment: datetime, horizon_days: int, seen: Outlook | None, models: Sequence[str]
) -> Ahead:
    """Return what the sections on the days ahead show.

    Parameters
    ----------
    place, moment, horizon_days
        Of whom, as known when, and how far.
    seen
        The outlook of all users if at hand; where the log is too short for one, there are no models and no segments.
    models
        Models to compare, as of ``report.trials.tried``.
    """
    tables, notes = population(place, moment, horizon_days)
    seen = seen or expected(place, horizon_days, moment)
    if seen is None:
        return Ahead(tables, notes)
    tables |= {"outlook": seen.told, "outlook_quality": seen.quality, "importance": seen.importance}
    tables["interest_quality"] = interest_quality(seen.learnt.training, moment, horizon_days, engine=place.engine)
    tables |= trial_of_models(place, seen, horizon_days, models) | groups_of_users(place, moment, horizon_days, seen)
    tables["recommendations"] = shown_to(place, seen, moment)
    return Ahead(tables, (*notes, *seen.notes))


def expected(place: Workspace, horizon_days: int, moment: datetime) -> Outlook | None:
    """Return the outlook of all users; None where the log is too short to learn from."""
    try:
        return place.outlook(horizon_days=horizon_days, as_of=moment)
    except NotEnoughDataError:
        return None


def shown_to(place: Workspace, seen: Outlook, moment: datetime) -> pl.DataFrame | None:
    """Return what to show the users of whom most is expected; None where there are no items."""
    users = seen.users.sort("expected_active_days", descending=True)["user_id"][:SAMPLE_USERS]
    try:
        items = place.recommend(users.to_list(), SAMPLE_ITEMS, moment, interests=seen.interests).items
    except NotEnoughDataError:
        return None
    names = place.titled(items).select(pl.coalesce(pl.format("{} ({})", "title", "item_id"), "item_id"))
    return items.with_columns(item_id=names.to_series())


def population(place: Workspace, moment: datetime, horizon_days: int) -> Ahead:
    """Return the stages ahead, the account of growth, and the answers to ``SCENARIOS``; nothing if too short."""
    try:
        told = stage_outlook(place.store, moment, horizon_days, place.rule, engine=place.engine)
    except NotEnoughDataError:
        return Ahead({}, ())
    tables = {
        "stage_forecast": stage_frame(told.stages),
        "account_ahead": told.accounting,
        "mix_weights": told.weights,
        "mix_quality": told.quality,
        "what_ifs": what_ifs(told),
    }
    return Ahead(tables, tuple(say(f"users.note.{code}") for code in told.notes))


def stage_frame(stages: pl.DataFrame) -> pl.DataFrame:
    """Return the users in each stage ahead under the names of any forecast."""
    bounds = {name.removeprefix("users-"): name for name in stages.columns if name.startswith("users-")}
    return stages.select("ds", unique_id="stage", mean="users", **bounds)


def what_ifs(told: StageOutlook) -> pl.DataFrame:
    """Return ``WHAT_IFS``, a row for each of ``SCENARIOS``."""
    pushes = [push_of(**{name: change / 100}) for name, change in SCENARIOS.items()]
    asked = pl.DataFrame({"scenario": list(SCENARIOS), "change": list(SCENARIOS.values())})
    return pl.concat([asked, active_if(told, pushes)], how="horizontal").cast(WHAT_IFS)


def groups_of_users(place: Workspace, moment: datetime, horizon_days: int, seen: Outlook) -> dict[str, Any]:
    """Return the outlook of segments that are found, their interests, and the users worth acting on with reasons."""
    known = feature_table(place.store, [moment], place.rule, THEMES, engine=place.engine).sort("user_id")
    members = found_segments(known, seen.interests)
    worth = worth_acting_on(seen.told, seen.interests)
    return {
        "segments": segment_outlook(seen.told, members, seen.interests),
        "interest_trends": interest_trends(place.store, moment, horizon_days, members, place.engine),
        "worth": worth,
        "explained": explained_users(place, seen, known, worth["user_id"].to_list()),
    }
