"""The forecast of a panel: candidates, weights from a backtest, intervals, all series at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from foretide.errors import NotEnoughDataError, UsageError
from foretide.evaluate.backtest import score_table
from foretide.features.calendar import CALENDAR
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage, SeasonalWindowMedian
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.forecast.forest import Forest
from foretide.forecast.intermittent import TSB, Adida, Croston
from foretide.forecast.kinds import ODD, Answer, Kind, Request, all_series, answer, kinds
from foretide.forecast.method import Method, check_horizon, dates_ahead, without_gaps
from foretide.forecast.oddities import without_spikes
from foretide.forecast.parts import parts
from foretide.forecast.pooled import PooledSeason
from foretide.forecast.shares import as_shares, normalised
from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.theta import Theta
from foretide.forecast.with_events import KnownEvents
from foretide.schema import Floats, Forecast, Panel

FORECASTERS: dict[str, type[Method]] = {
    "SeasonalNaive": SeasonalNaive,
    "SeasonalWindowAverage": SeasonalWindowAverage,
    "SeasonalWindowMedian": SeasonalWindowMedian,
    "HoltWinters": HoltWinters,
    "PooledSeason": PooledSeason,
    "Croston": Croston,
    "TSB": TSB,
    "Adida": Adida,
    "Theta": Theta,
}
ENSEMBLE = "Ensemble"
#: The rows of a backtest that are about all series.
ALL = "all"


@dataclass(frozen=True)
class Run:
    """A forecast and why it may be trusted."""

    forecast: Forecast
    backtest: pl.DataFrame  # series, model, mase, rmsse, mse, rmse, mae, r2, coverage_80, ...; empty without a backtest
    weights: pl.DataFrame  # unique_id, model, weight
    notes: tuple[str, ...] = ()  # codes, in words under forecast.note of the catalogue
    season_length: int = 7
    shifts: Mapping[str, Floats] = field(default_factory=dict)  # event, covariate: (n_series, h), see ``parts``

    @property
    def parts(self) -> pl.DataFrame:
        """What the medians are made of, as ``foretide.forecast.parts.parts``."""
        return parts(self.forecast, self.season_length, self.shifts)

    @property
    def frame(self) -> pl.DataFrame:
        """The forecast as a long table."""
        return self.forecast.to_frame()


def run(
    panel: Panel,
    h: int,
    levels: Sequence[int] = (80, 95),
    season_length: int | Sequence[int] = 7,
    *,
    models: Sequence[str] = BY_DEFAULT,
    events: pl.DataFrame | None = None,
    covariates: pl.DataFrame | None = None,
    forests: Mapping[int, Forest] | None = None,
) -> Run:
    """Forecast every series of a panel.

    Every candidate is tried at rolling origins; each series' ensemble weighs them by their errors, shrunk
    towards the errors of the whole panel. A candidate that clearly beats the ensemble is used alone. Boosted trees that
    learn from all series count half beside that, where there is enough to learn from. Series with many zeros are a kind
    of their own, without trees (``foretide.forecast.kinds``). With less than three weeks or so of history there
    is no backtest: smoothing around the season of the panel is used (``trial.TRUSTED``), the intervals follow from the
    changes seen so far, and a note says so.

    Parameters
    ----------
    panel
        The series. What is missing inside one is taken for the value before it.
    h
        Steps ahead, at least 1.
    levels
        Of the intervals, in percent.
    season_length
        Steps of a season, 1 for none; of several, each series has the one with the least error in the backtest, and
        all have the first where there is none (``seasons``).
    models
        What to try beside the candidates: ``catalogue.TREES``, which cost one or two seconds and little more for
        many series, and those of ``on_request``, which take seconds to minutes. Nothing, ``()``, is fast.
    events
        Known events, past and to come, ``CALENDAR``; steps must be days.
    covariates
        ``unique_id, ds, <name> ...``, see ``covariates.covariate_steps``; steps must be days.
    forests
        What the trees have learnt from more series on the same steps, see ``trees.taught``; from these if None.

    Raises
    ------
    UsageError
        If the horizon or a level is out of range, a model is unknown, or events are given and steps are not days.
    MissingExtraError
        If a model needs a library that is not installed.
    NotEnoughDataError
        If no series has a single value.
    """
    seasons = [season_length] if isinstance(season_length, int) else season_length
    known = known_events(panel, events, covariates)
    asked = Request(h, checked(h, levels), seasons, models, known, forests)
    y = without_gaps(panel.y)
    answers: list[tuple[Kind, Answer]] = []
    found, y = kinds(y), without_spikes(y)
    for kind in found:
        answers.append((kind, answer(y, kind, asked, seasons)))
        seasons = [answers[0][1].season_length]
    now = all_series([(kind.rows, told.now) for kind, told in answers], len(y))
    return Run(
        Forecast(panel.ids, dates_ahead(panel, h), now.mean, now.median, now.intervals),
        backtest_table(y, answers, asked.levels),
        pl.concat(weights_of(panel.ids, kind, told) for kind, told in answers),
        notes(panel.y, h, answers),
        seasons[0],
        {} if known is None else known.shifts(y, h, [(kind.rows, told.season_length) for kind, told in answers]),
    )


def known_events(panel: Panel, events: pl.DataFrame | None, covariates: pl.DataFrame | None) -> KnownEvents | None:
    """Return what is known of the days of a panel; None if nothing is.

    Raises
    ------
    UsageError
        If steps are not days.
    """
    if events is None and covariates is None:
        return None
    if panel.dates.dtype == "datetime64[M]" or panel.step != np.timedelta64(1, "D"):
        raise UsageError("events and covariates are known by day; bring the series to daily figures first")
    calendar = CALENDAR.to_frame() if events is None else events
    return KnownEvents(calendar, panel.dates[0].astype("datetime64[D]").item(), panel.ids, covariates)


def run_shares(panel: Panel, h: int, levels: Sequence[int] = (80, 95), season_length: int = 7) -> Run:
    """Forecast the share of each series in the sum of all: they add up to one on every day; without trees, fast.

    Parameters
    ----------
    panel
        What is not negative, such as users by stage or events by category; NaN counts as zero.
    h, levels, season_length
        As in ``run``.

    Raises
    ------
    UsageError
        As ``run``.
    NotEnoughDataError
        If less than a season is known: shares of a population that has just begun say nothing about the next days.
    """
    checked(h, levels)
    n_steps = int(np.isfinite(panel.y).any(axis=0).sum())
    if n_steps < season_length:
        raise NotEnoughDataError(
            f"shares are forecast from {season_length} days on, but {n_steps} are known; import more, or forecast "
            "events or users"
        )
    without_gaps(panel.y)
    raw = run(Panel(panel.ids, panel.dates, as_shares(panel.y)), h, levels, season_length, models=())
    return replace(raw, forecast=normalised(raw.forecast))


def checked(h: int, levels: Sequence[int]) -> tuple[int, ...]:
    """Return the levels in ascending order, each once.

    Raises
    ------
    UsageError
        If the horizon or a level is out of range.
    """
    check_horizon(h)
    for level in levels:
        if not 1 <= level <= 99:
            raise UsageError(f"a level is a percentage from 1 to 99, not {level}")
    return tuple(sorted(set(levels)))


def backtest_table(y: Floats, answers: Sequence[tuple[Kind, Answer]], levels: Sequence[int]) -> pl.DataFrame:
    """Return ``series`` and the columns of ``score_table``: of all series, and of each kind if there are several."""
    m, origins = answers[0][1].season_length, answers[0][1].trial.origins
    by_kind = [(kind, {**told.said, ENSEMBLE: told.together} if told.together else {}) for kind, told in answers]
    shared = [name for name in by_kind[0][1] if all(name in said for _, said in by_kind)]
    whole = {name: all_series([(kind.rows, said[name]) for kind, said in by_kind], len(y)) for name in shared}
    tables = [score_table(y, origins, whole, levels, m).select(pl.lit(ALL).alias("series"), pl.all())]
    if len(by_kind) > 1:
        for kind, said in by_kind:
            told = score_table(y[kind.rows], origins, said, levels, m)
            tables.append(told.select(pl.lit(kind.name).alias("series"), pl.all()))
    return pl.concat(tables)


def weights_of(ids: Sequence[str], kind: Kind, told: Answer) -> pl.DataFrame:
    """Return ``unique_id, model, weight`` of the series of a kind."""
    names = list(told.said)
    return pl.DataFrame(
        {
            "unique_id": np.repeat(np.asarray(ids, dtype=object)[kind.rows], len(names)),
            "model": names * kind.rows.size,
            "weight": told.weights.T.ravel(),
        },
        schema={"unique_id": pl.String, "model": pl.String, "weight": pl.Float64},
    )


def notes(y: Floats, h: int, answers: Sequence[tuple[Kind, Answer]]) -> tuple[str, ...]:
    """Return the codes of what a reader must know."""
    trial = answers[0][1].trial
    facts = {
        "no_backtest": not trial.origins,
        "short_backtest": bool(trial.origins) and trial.h < h,
        "horizon_longer_than_history": h > y.shape[1],
        "empty_series": bool((~np.isfinite(y)).all(axis=1).any()),
        "sparse_series": any(kind.sparse for kind, _ in answers),
        "odd_series": any(kind.name == ODD for kind, _ in answers),
        "below_zero": bool((y < 0).any()),
    }
    return tuple(code for code, holds in facts.items() if holds)
