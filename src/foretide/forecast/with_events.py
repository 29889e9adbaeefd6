"""Any forecasting method, made aware of known events, prices and promotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.forecast.baselines import SeasonalNaive
from foretide.forecast.covariates import covariate_steps, shared_slopes
from foretide.forecast.known_events import AROUND, EventEffects
from foretide.forecast.method import Ahead, Method
from foretide.schema import Floats


@dataclass
class WithEvents(Method):
    """Any method, made aware of known events, prices and promotions.

    At each origin, what events and covariates did is learnt from the days before it alone, and taken out of the
    past; the method forecasts what is left; the effects of what is known to come are put on its forecast. An event
    without a past has no effect (``EventEffects.unseen``), and one that is over is not forecast on.

    Parameters
    ----------
    method
        What forecasts the past without events.
    calendar
        Known events, ``CALENDAR``, past and to come.
    dates
        Day of the first step of the panels that it is asked about; a step is a day.
    ids
        Names of the series; needed for events of one category and for covariates of single series.
    covariates
        ``unique_id, ds, <name> ...``, see ``covariate_steps``; what is missing ahead stays as it was.
    season_length
        Steps of a season.
    around
        Days around an event that have effects of their own.
    """

    pools: ClassVar[bool] = True

    method: Method
    calendar: pl.DataFrame
    dates: date
    ids: Sequence[str] | None = None
    covariates: pl.DataFrame | None = None
    season_length: int = 7
    around: Sequence[int] = AROUND

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``."""
        told = [self._from(y[:, :origin], h) for origin in origins]
        return Ahead(*(np.stack([answer[k] for answer in told], axis=1) for k in range(2)))

    def effects(self, y: Floats, h: int) -> EventEffects:
        """Return what is known of events at the end of ``y``, as the forecast uses it."""
        return self._learnt(y, h)[1]

    def shifts(self, y: Floats, h: int) -> tuple[Floats, Floats]:
        """Return what events and what covariates add to the logarithms of the next steps, each ``(n_series, h)``.

        Covariates are held against their mean so far.
        """
        _, events, moves = self._learnt(y, h)
        past, ahead = np.split(moves, [y.shape[1]], axis=1)
        return events.ahead(h), ahead - past.mean(axis=1, keepdims=True)

    def slopes(self, y: Floats) -> dict[str, float]:
        """Return the slope of each covariate: of a price, its elasticity."""
        names, known = self._known(y, 0)
        slopes = shared_slopes(np.log1p(np.maximum(y, 0.0)), known, self.season_length)
        return dict(zip(names, slopes.tolist(), strict=True))

    def _from(self, y: Floats, h: int) -> tuple[Floats, Floats]:
        steady, events, moves = self._learnt(y, h)
        told = self.method.ahead(events.without_events(steady), [y.shape[1]], h)
        shift = events.ahead(h) + moves[:, y.shape[1] :]
        mean, median = (np.expm1(np.log1p(np.maximum(part[:, 0], 0.0)) + shift) for part in told)
        return np.maximum(mean, 0.0), np.maximum(median, 0.0)

    def _learnt(self, y: Floats, h: int) -> tuple[Floats, EventEffects, Floats]:
        """Return the past without what covariates did, what events did to that, and ``_moves``."""
        moves = self._moves(y, h)
        steady = self._steady(y, moves[:, : y.shape[1]])
        events = EventEffects.learn(steady, self.calendar, self.dates, h, self.ids, self.season_length, self.around)
        return steady, events, moves

    def _moves(self, y: Floats, h: int) -> Floats:
        """Return what covariates do beside where they stand at the end, ``(n_series, n_steps + h)``, as logs."""
        n_series, n_steps = y.shape
        if self.covariates is None:
            return np.zeros((n_series, n_steps + h))
        known = self._known(y, h)[1]
        slopes = shared_slopes(np.log1p(np.maximum(y, 0.0)), known[..., :n_steps], self.season_length)
        return np.tensordot(slopes, np.nan_to_num(known - known[..., n_steps - 1 : n_steps]), axes=1)

    def _known(self, y: Floats, h: int) -> tuple[list[str], Floats]:
        n_series, n_steps = y.shape
        if self.covariates is None:
            return [], np.empty((0, n_series, n_steps + h))
        names, known = covariate_steps(self.covariates, self.dates, n_steps + h, n_series, self.ids)
        return names, np.stack(known)

    @staticmethod
    def _steady(y: Floats, moves: Floats) -> Floats:
        return np.maximum(np.expm1(np.log1p(np.maximum(y, 0.0)) - moves), 0.0)


@dataclass(frozen=True)
class KnownEvents:
    """Events and covariates of a panel, past and to come; fields as of ``WithEvents``."""

    calendar: pl.DataFrame
    dates: date
    ids: Sequence[str]
    covariates: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Check that covariates of single series are those of some.

        Raises
        ------
        UsageError
            If none of their names is that of a series.
        """
        told = self.covariates
        if told is None or "unique_id" not in told.columns or told.is_empty():
            return
        if not told["unique_id"].is_in(list(self.ids)).any():
            wrong = f"no series is called {told['unique_id'][0]} or as any other of the covariates"
            raise UsageError(f"{wrong}; the first series is {self.ids[0]}")

    def around(
        self, methods: Mapping[str, Method], season_length: int, rows: NDArray[np.int64]
    ) -> dict[str, WithEvents]:
        """Return the methods made aware of what concerns the series at these places of the panel."""
        ids = [self.ids[row] for row in rows]
        return {
            name: WithEvents(method, self.calendar, self.dates, ids, self.covariates, season_length)
            for name, method in methods.items()
        }

    def shifts(self, y: Floats, h: int, groups: Sequence[tuple[NDArray[np.int64], int]]) -> dict[str, Floats]:
        """Return what events and covariates add to the logarithm of the forecast, each ``(n_series, h)``.

        Parameters
        ----------
        y
            ``(n_series, n_steps)``, the past without gaps.
        h
            Steps ahead.
        groups
            Places of the series that are forecast together, and the steps of their season.
        """
        added = {name: np.zeros((len(y), h)) for name in ("event", "covariate")}
        for rows, season_length in groups:
            aware = self.around({"": SeasonalNaive(season_length)}, season_length, rows)[""]
            added["event"][rows], added["covariate"][rows] = aware.shifts(y[rows], h)
        return added
