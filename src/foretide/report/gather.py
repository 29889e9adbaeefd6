"""Everything that a report shows, asked of a workspace."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from foretide.features.habits import habits
from foretide.features.population import accounting, retention
from foretide.forecast.engine import Run
from foretide.report.data import ReportData
from foretide.report.html import write_report
from foretide.text import say, speaking
from foretide.workspace import Workspace


def make_report(
    place: Workspace,
    path: Path | str,
    horizon_days: int = 28,
    as_of: datetime | None = None,
    lang: str = "en",
) -> Path:
    """Write the report on a workspace, as known at ``as_of``, to one HTML file."""
    with speaking(lang):
        data = gather(place, horizon_days, as_of)
    return write_report(data, Path(path), lang)


def gather(place: Workspace, horizon_days: int = 28, as_of: datetime | None = None) -> ReportData:
    """Return the figures of a report."""
    gatherer = gather_series if place.default_measure() == "series" else gather_events
    return gatherer(place, horizon_days, as_of)


def gather_series(place: Workspace, horizon_days: int, as_of: datetime | None) -> ReportData:
    """Return the figures of a workspace that has ready-made series only."""
    run = place.forecast("series", h=horizon_days, as_of=as_of)
    return ReportData(
        title=place.path.resolve().name,
        as_of=place.moment(as_of),
        horizon_days=horizon_days,
        timezone=place.settings.timezone,
        activity_history=place.history("series", as_of=as_of).to_frame(),
        activity_forecast=run.frame,
        backtests={"series": run.backtest},
        notes=worded(run),
    )


def gather_events(place: Workspace, horizon_days: int, as_of: datetime | None) -> ReportData:
    """Return the figures of a workspace with events."""
    moment = place.moment(as_of)
    runs = {what: place.forecast(what, h=horizon_days, as_of=moment) for what in WHATS}
    seen = place.outlook(horizon_days=horizon_days, as_of=moment)
    return ReportData(
        title=place.path.resolve().name,
        as_of=moment,
        horizon_days=horizon_days,
        timezone=place.settings.timezone,
        findings=place.check(),
    )


def worded(run: Run) -> tuple[str, ...]:
    """Return the notes of a forecast in words."""
    return tuple(say(f"forecast.note.{code}") for code in run.notes)
