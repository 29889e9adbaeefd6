"""What the report asks about the days ahead: population, standing questions to it, models, groups of users, items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from foretide.errors import NotEnoughDataError
from foretide.features.fold import feature_table
from foretide.outlook import Outlook
from foretide.report.trials import trial_of_models
from foretide.text import say
from foretide.users.segment_members import THEMES
from foretide.users.segments import segment_outlook, worth_acting_on
from foretide.users.segments_found import found_segments
from foretide.users.stages import StageOutlook, stage_outlook
from foretide.users.walk import Push
from foretide.users.whatif import pushed
from foretide.users.whatif_luck import spread_of_differences
from foretide.workspace import Workspace

#: The questions that every report puts to the population, with the change of each in percent.
SCENARIOS = {
    "reactivation": (10, Push(returning=1.1)),
    "arrivals": (-20, Push(arriving=0.8)),
    "retention": (5, Push(staying=1.05)),
}
#: Recommendations are shown for this many users, and this many to each.
SAMPLE_USERS, SAMPLE_ITEMS = 5, 5
#: Two-sided 80 % point of the normal distribution.
Z_80 = 1.281552
WHAT_IFS = pl.Schema(
    {
        "scenario": pl.String(),
        "change": pl.Int64(),  # percent
        "active": pl.Float64(),  # users who are not churned at the end of the horizon
        "active_if": pl.Float64(),
        "difference": pl.Float64(),
        "lo": pl.Float64(),  # 80 % interval of the difference
        "hi": pl.Float64(),
    }
)


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
    tables |= {"outlook": seen.users, "outlook_quality": seen.quality, "importance": seen.importance}
    tables |= trial_of_models(place, seen, horizon_days, models) | groups_of_users(place, moment, seen)
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
    basis = told.basis
    pushes = [push for _, push in SCENARIOS.values()]
    active = float(basis.total[-1] * basis.mix[-1, :-1].sum())
    moved = [pushed(basis, push) for push in pushes]
    active_if = [float(each.total[-1] * each.mix[-1, :-1].sum()) for each in moved]
    reach = Z_80 * spread_of_differences(told, pushes)
    rows = [
        (name, change, active, then, then - active, then - active - room, then - active + room)
        for (name, (change, _)), then, room in zip(SCENARIOS.items(), active_if, reach, strict=True)
    ]
    return pl.DataFrame(rows, schema=WHAT_IFS, orient="row")


def groups_of_users(place: Workspace, moment: datetime, seen: Outlook) -> dict[str, Any]:
    """Return the outlook of segments that are found, and the users worth acting on."""
    known = feature_table(place.store, [moment], place.rule, THEMES, engine=place.engine).sort("user_id")
    members = found_segments(known, seen.interests)
    return {
        "segments": segment_outlook(seen.told, members, seen.interests),
        "worth": worth_acting_on(seen.told, seen.interests),
    }
