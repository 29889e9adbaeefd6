"""The measures that are told and forecast day by day."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from foretide.errors import UsageError
from foretide.events.engine import Engine
from foretide.events.records import Buckets
from foretide.features.rule import LifecycleRule
from foretide.features.series import Measure, panel, stage_panel
from foretide.schema import Panel

#: Series that were aggregated elsewhere.
GIVEN = "series"
#: Those whose series are shares of a whole.
SHARES = ("stages", "interests")
MEASURES = ("events", "users", "value", *SHARES, GIVEN)


def check_measure(what: str) -> None:
    """Refuse what is none of ``MEASURES``.

    Raises
    ------
    UsageError
        If it is none.
    """
    if what not in MEASURES:
        raise UsageError(f"{what!r} is not one of {', '.join(MEASURES)}")


def measured(
    buckets: Buckets, what: str, by: str | None, as_of: datetime, rule: LifecycleRule, engine: Engine | None = None
) -> Panel:
    """Return the daily series of a measure of events, as ``series.panel``.

    ``stages`` are counts of users at the end of each day by ``rule``, ``interests`` events by category or by another
    column.
    """
    if what == "stages":
        from foretide.features.population import stage_counts  # kernels, which most measures do without

        return stage_panel(stage_counts(buckets, as_of, rule, engine=engine))
    if what == "interests":
        what, by = "events", by or "category"
    return panel(buckets, cast("Measure", what), by, as_of=as_of, engine=engine)
