"""Everything that a report shows, asked of a workspace."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from foretide.features.habits import habits
from foretide.features.population import retention
from foretide.forecast.engine import Run
from foretide.report.data import ReportData
from foretide.schema import STAGE_COUNTS, Panel
from foretide.workspace import Workspace


def gather(place: Workspace, horizon_days: int = 28, as_of: datetime | None = None) -> ReportData:
    """Return the figures of a report on a workspace, as known at ``as_of``."""
    if place.default_measure() == "series":
        return gather_series(place, horizon_days, as_of)
    return gather_events(place, horizon_days, as_of)


def gather_series(place: Workspace, horizon_days: int, as_of: datetime | None) -> ReportData:
    """Return the figures of a workspace that has ready-made series only."""
    panel = place.history("series", as_of=as_of)
    run = place.forecast("series", h=horizon_days, as_of=as_of)
    return ReportData(
        title=place.path.resolve().name,
        as_of=panel.end,
        horizon_days=horizon_days,
        timezone=place.settings.timezone,
        activity_history=panel.to_frame(),
        activity_forecast=run.forecast.to_frame(),
        backtests={"series": run.backtest},
        notes=run.notes,
    )


def gather_events(place: Workspace, horizon_days: int, as_of: datetime | None) -> ReportData:
    """Return the figures of a workspace with events."""
    moment = place.moment(as_of)
    panels = {what: place.history(what, as_of=moment) for what in ("events", "users", "value")}
    runs = {what: place.forecast(what, h=horizon_days, as_of=moment) for what in ("stages", "interests")}
    raise SystemExit(panels, runs)
