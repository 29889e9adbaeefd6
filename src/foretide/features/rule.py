"""The lifecycle rule: which events keep a user alive, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from foretide.errors import UsageError


@dataclass(frozen=True)
class LifecycleRule:
    """What counts as alive, and for how long.

    Parameters
    ----------
    window_days
        W.
    critical_events
        Event types that count; None for all.
    """

    window_days: int = 7
    critical_events: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.window_days < 1:
            raise UsageError(f"the lifecycle window has at least 1 day, not {self.window_days}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the events that tell which are critical."""
        return () if self.critical_events is None else ("event_type",)

    @property
    def critical(self) -> pl.Expr:
        """Whether an event is critical; reads ``columns``."""
        return pl.lit(value=True) if self.critical_events is None else pl.col("event_type").is_in(self.critical_events)

    def counts(self, event_type: str | None) -> bool:
        """Tell whether events of a type are critical."""
        return self.critical_events is None or event_type in self.critical_events

    @property
    def new_days(self) -> int:
        """Age at which a user stops being new (N = 2 W)."""
        return 2 * self.window_days

    @property
    def at_risk_days(self) -> int:
        """Gap after which a user is at risk (R = 2 W)."""
        return 2 * self.window_days

    @property
    def churned_days(self) -> int:
        """Gap after which a user is churned (D = 4 W)."""
        return 4 * self.window_days

    @property
    def resurrected_days(self) -> int:
        """Time for which a user who came back is resurrected (S = 2 W)."""
        return 2 * self.window_days
