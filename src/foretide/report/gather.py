"""Everything that a report shows, asked of a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError
from foretide.features.change_points import change_points
from foretide.features.cohorts import Kind, retention, stickiness
from foretide.features.drift import drift
from foretide.features.effects import effects
from foretide.features.habits import habits
from foretide.features.moves import transition_matrices
from foretide.features.now import midnight
from foretide.features.series import OTHER, last_day
from foretide.forecast.engine import Run, run, run_shares
from foretide.forecast.frames import SEASONS
from foretide.forecast.shares import as_shares
from foretide.outlook import Outlook
from foretide.report.ahead import Ahead, looking_ahead
from foretide.report.data import ReportData
from foretide.report.html import check_place, write_report
from foretide.schema import Panel
from foretide.text import say, speaking
from foretide.workspace import Workspace

#: Interests are drawn one by one up to this many; the smaller ones together.
DRAWN_INTERESTS = 10
#: Moves between stages are told over this many days.
MOVE_DAYS = 28
#: Retention that counts days.
BY_DAY: tuple[Kind, ...] = ("n-day", "bracket", "unbounded")
#: The interests drawn are the largest of this many last days.
RECENT_DAYS = 84


def make_report(
    place: Workspace,
    path: Path | str,
    horizon_days: int = 28,
    as_of: datetime | None = None,
    lang: str = "en",
    models: Sequence[str] = (),
) -> Path:
    """Write the report on a workspace, as known at ``as_of``, to one HTML file; ``models`` as ``trials.tried``."""
    check_place(Path(path))
    with speaking(lang):
        if place.default_measure() == "series":
            data = gather_series(place, horizon_days, as_of)
        else:
            data = gather_events(place, horizon_days, as_of, models=models)
    return write_report(data, Path(path), lang)


def gather_series(place: Workspace, horizon_days: int, as_of: datetime | None) -> ReportData:
    """Return the figures of a workspace that has ready-made series only."""
    history = place.history("series", as_of=as_of)
    ahead = run(history, horizon_days, season_length=SEASONS["day"])
    return ReportData(
        **frame_of(place, end_of(history, place.settings.timezone), horizon_days),
        activity_history=history.to_frame(),
        activity_forecast=ahead.frame,
        backtests={"series": ahead.backtest},
        notes=(*worded(ahead), say("ahead.series_only")),
    )


def gather_events(
    place: Workspace,
    horizon_days: int,
    as_of: datetime | None,
    seen: Outlook | None = None,
    models: Sequence[str] = (),
) -> ReportData:
    """Return the figures of a workspace with events; ``seen`` is the outlook of all users if at hand."""
    moment = place.moment(as_of)
    measures = ("events", "users", *(("value",) if place.has_values(moment) else ()))
    activity = together({what: place.history(what, as_of=moment) for what in measures})
    interests = largest(place.history("interests", as_of=moment), DRAWN_INTERESTS)
    stages = place.history("stages", as_of=moment)
    known = place.calendar(moment, days_ahead=horizon_days)
    events = None if known.is_empty() else known
    runs = {"activity": run(activity, horizon_days, season_length=SEASONS["day"], models=(), events=events)}
    if told := shares(interests, horizon_days):
        runs["interests"] = told
    ahead = looking_ahead(place, moment, horizon_days, seen, models)
    return ReportData(
        **frame_of(place, moment, horizon_days),
        n_events=int(np.nansum(activity.y[0])),
        n_users=int(stages.y[:, -1].sum()),
        activity_history=activity.to_frame(),
        activity_forecast=runs["activity"].frame,
        stage_history=stages.to_frame().select("ds", stage="unique_id", users=pl.col("y").cast(pl.Int64)),
        accounting=place.growth(moment),
        interest_history=Panel(interests.ids, interests.dates, as_shares(interests.y)).to_frame(),
        interest_forecast=told.frame if told else None,
        **ahead.tables,
        habits=habits(place.store, moment, place.engine),
        **coming_back(place, moment),
        **evolution(place, moment),
        **effects_of(place, moment, [name for name in interests.ids if name != OTHER]),
        backtests={what: each.backtest for what, each in runs.items()},
        findings=place.check(),
        notes=remarks(runs, told, ahead),
    )


def remarks(runs: Mapping[str, Run], shares: Run | None, ahead: Ahead) -> tuple[str, ...]:
    """Return what limits the forecasts, each remark once."""
    few = "ahead.few_days" if "stage_forecast" in ahead.tables else "forecast.note.few_days"
    short = [] if shares else [say(few)]
    every = [*short, *(note for each in runs.values() for note in worded(each)), *ahead.notes]
    return tuple(dict.fromkeys(every))


def evolution(place: Workspace, moment: datetime) -> dict[str, Any]:
    """Return what the sections on change show."""
    last = last_day(moment, place.settings.timezone)
    first = last - timedelta(days=MOVE_DAYS)
    store, engine = place.store, place.engine
    return {
        "moves": transition_matrices(store, first, last, place.rule, engine),
        "move_days": MOVE_DAYS,
        "drift": drift(store, moment, "interests", engine=engine),
        "habit_drift": drift(store, moment, "habits", engine=engine),
        "change_points": change_points(store, moment, place.rule, engine=engine, calendar=place.calendar(moment)),
    }


def coming_back(place: Workspace, moment: datetime) -> dict[str, Any]:
    """Return who came back, by weeks and by days, and users of a day, a week and a month."""
    store, rule, engine = place.store, place.rule, place.engine
    return {
        "retention": retention(store, moment, rule, engine=engine),
        "retention_by_day": {kind: retention(store, moment, rule, kind, engine=engine) for kind in BY_DAY},
        "stickiness": stickiness(store, moment, rule, engine),
    }


def effects_of(place: Workspace, moment: datetime, interests: Sequence[str]) -> dict[str, Any]:
    """Return what the events that the settings name did to what each is about, and to single interests."""
    calendar = place.calendar(moment)
    if calendar.is_empty():
        return {}
    key = ["event", "ds", "end"]
    named = calendar.drop_nulls("category")
    segments = list(dict.fromkeys([*interests, *named["category"]]))
    whole = effects(place.store, calendar, moment, engine=place.engine).join(named, on=key, how="anti")
    single = effects(place.store, calendar, moment, "category", segments=segments, engine=place.engine)
    about = single.join(named, on=key, how="semi")
    return {
        "calendar": calendar,
        "effects": pl.concat([whole, about]),
        "interest_effects": single.join(named, on=key, how="anti"),
    }


def shares(panel: Panel, horizon_days: int) -> Run | None:
    """Return the forecast of shares; None where too few days are known."""
    try:
        return run_shares(panel, horizon_days)
    except NotEnoughDataError:
        return None


def end_of(panel: Panel, timezone: str) -> datetime:
    """Return the local midnight after the last day of a panel."""
    return midnight((panel.dates[-1] + np.timedelta64(1, "D")).item(), timezone)


def frame_of(place: Workspace, moment: datetime, horizon_days: int) -> dict[str, Any]:
    """Return what every report states about itself."""
    return {
        "title": place.path.resolve().name,
        "as_of": moment,
        "horizon_days": horizon_days,
        "timezone": place.settings.timezone,
    }


def together(panels: Mapping[str, Panel]) -> Panel:
    """Stack panels of one series each, on one grid, under new names."""
    first = next(iter(panels.values()))
    return Panel(list(panels), first.dates, np.concatenate([panel.y for panel in panels.values()]))


def largest(panel: Panel, n: int) -> Panel:
    """Keep the ``n`` largest series of the recent past, largest first; add up the others as ``OTHER``."""
    recent = np.nansum(panel.y[:, -RECENT_DAYS:], axis=1)
    recent[[name == OTHER for name in panel.ids]] = -1.0
    order = np.argsort(-recent, kind="stable")
    kept, rest = order[:n], order[n:]
    ids, y = [panel.ids[i] for i in kept], panel.y[kept]
    if rest.size:
        ids, y = [*ids, OTHER], np.vstack([y, np.nansum(panel.y[rest], axis=0)])
    return Panel(ids, panel.dates, y)


def worded(ahead: Run) -> tuple[str, ...]:
    """Return the notes of a forecast in words."""
    return tuple(say(f"forecast.note.{code}") for code in ahead.notes)
