"""The sections of the report, in the order of the page.

Each is a function that takes the data and returns a heading, a sentence with figures, charts and tables; or None
where its tables are missing.
"""

from __future__ import annotations

from collections.abc import Callable

from foretide.report.activity import activity
from foretide.report.blocks import Section
from foretide.report.data import ReportData
from foretide.report.effects import effects
from foretide.report.evolution import changes, moves
from foretide.report.interests import interests
from foretide.report.lifecycle import stages
from foretide.report.models import models
from foretide.report.people import growth, habits
from foretide.report.population import population
from foretide.report.reasons import reasons
from foretide.report.reliability import reliability
from foretide.report.returning import retention, stickiness
from foretide.report.segments import segments
from foretide.report.trust import backtests, health, notes
from foretide.report.users import outlook, recommendations
from foretide.report.whatif import whatif

SECTIONS: tuple[Callable[[ReportData], Section | None], ...] = (
    stages,
    population,
    whatif,
    activity,
    interests,
    growth,
    moves,
    retention,
    stickiness,
    habits,
    effects,
    changes,
    outlook,
    reasons,
    models,
    reliability,
    segments,
    recommendations,
    backtests,
    health,
    notes,
)


def sections(data: ReportData) -> list[Section]:
    """Return the sections that the data allow."""
    return [section for build in SECTIONS if (section := build(data))]
