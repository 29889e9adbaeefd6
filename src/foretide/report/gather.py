"""Everything that a report shows, asked of a workspace."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from foretide.features import habits, population
from foretide.forecast.engine import Run
from foretide.report.data import ReportData
from foretide.schema import FINDINGS, Panel
from foretide.workspace import Workspace

#: Interests are drawn one by one up to this many; the others together.
DRAWN_INTERESTS = 10


def gather(place: Workspace, horizon_days: int = 28, as_of: datetime | None = None) -> ReportData:
    """Return the figures of a report on a workspace at ``as_of``."""
    if place.default_measure() == "series":
        return gather_series(place, horizon_days, as_of)
    return gather_events(place, horizon_days, as_of)
