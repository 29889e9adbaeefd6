"""Steady, sparse and odd series, each forecast in its own way and put together again.

Of a steady series the medians of the candidates are weighed, beside the share of the trees, and intervals come from
past errors. Of a sparse one, most of whose medians are zero, the means are weighed; median and intervals are those of a
count with that mean and with the variance of past errors (of an amount, from the errors themselves). Odd ones
(``oddities``) are forecast as steady ones are, but without trees, and apart: the others do not learn from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.errors import UsageError
from foretide.evaluate.backtest import Said
from foretide.forecast.candidates import candidates, sparse
from foretide.forecast.catalogue import TREES
from foretide.forecast.forest import Forest
from foretide.forecast.intervals import of_counts
from foretide.forecast.level_shifts import Relevelled
from foretide.forecast.method import Method
from foretide.forecast.oddities import odd
from foretide.forecast.on_request import requested
from foretide.forecast.seasons import Best, best_trial
from foretide.forecast.spread import Counted, measured
from foretide.forecast.trees import BoostedTrees, taught
from foretide.forecast.trial import Point, Trial, beside_trees, joined, judge, try_methods
from foretide.forecast.with_events import KnownEvents
from foretide.schema import Floats

STEADY, SPARSE, SPARSE_AMOUNTS, ODD = "steady", "sparse", "sparse amounts", "odd"


@dataclass(frozen=True)
class Kind:
    """The series of one kind."""

    name: str
    rows: NDArray[np.int64]  # (n_series,) their places in the panel

    @property
    def sparse(self) -> bool:
        """Whether they have many zeros."""
        return self.name in (SPARSE, SPARSE_AMOUNTS)


def kinds(y: Floats) -> list[Kind]:
    """Return the kinds of series in a panel, the one with most series first and odd ones, if not all are, last."""
    apart = odd(y)
    if apart.all():
        apart = np.zeros_like(apart)
    many_zeros, counts = sparse(y) & ~apart, of_counts(y)
    rows = {
        STEADY: ~many_zeros & ~apart,
        SPARSE: many_zeros & counts,
        SPARSE_AMOUNTS: many_zeros & ~counts,
        ODD: apart,
    }
    found = [Kind(name, np.flatnonzero(mine)) for name, mine in rows.items() if mine.any()]
    return sorted(found, key=lambda kind: (kind.name == ODD, -kind.rows.size))


@dataclass(frozen=True)
class Request:
    """What is asked of every series."""

    h: int
    levels: tuple[int, ...]  # in percent, ascending
    season_lengths: Sequence[int]
    models: Sequence[str] = ()  # to try beside the candidates
    events: KnownEvents | None = None
    forests: Mapping[int, Forest] | None = None  # what trees have learnt from these series and others, if they have

    def __post_init__(self) -> None:
        """Check seasons and names of models, before anything is tried.

        Raises
        ------
        UsageError
            If a season has no step, or as ``requested``.
        """
        if min(self.season_lengths, default=1) < 1:
            raise UsageError(f"a season has at least 1 step, unlike {min(self.season_lengths)}; 1 stands for none")
        requested(self.models, max(self.season_lengths, default=1))

    def learnt(self, y: Floats) -> Mapping[int, Forest]:
        """Return what trees have learnt, from these series if not before; nothing where that is too little."""
        return taught(y, self.h, self.season_lengths) if self.forests is None else self.forests


@dataclass(frozen=True)
class Answer:
    """What is said of the series of a kind, and what was tried."""

    said: Mapping[str, Said]  # of each method at the origins, (n_series, n_origins, h of the backtest)
    together: Said | None  # of all, weighed; None without a backtest
    now: Said  # (n_series, h)
    weights: Floats  # (n_models, n_series)
    trial: Trial
    season_length: int


def answer(y: Floats, kind: Kind, asked: Request, season_lengths: Sequence[int]) -> Answer:
    """Try the candidates on the series of a kind and say what follows.

    Parameters
    ----------
    y
        ``(n_series, n_steps)`` of the whole panel, without gaps.
    kind
        The series.
    asked
        What is wanted.
    season_lengths
        Of these, each series has the one with the least error in the backtest; trees see all that are asked for.
    """
    mine = y[kind.rows]
    season, trial, verdict = tried(mine, kind, asked, season_lengths)
    say = (
        Counted(trial, verdict, asked.levels)
        if kind.name == SPARSE
        else measured(trial, verdict, asked.levels, of_counts(mine))
    )
    at = range(len(trial.origins))
    past = [say(verdict.past[:, j], trial.scale[:, j], others(trial, j)) for j in at]
    now = say(verdict.expect(trial.now), trial.scale[:, -1], list(at))
    return Answer(trial.said, stacked(past) if past else None, now, verdict.weights, trial, season)


def tried(y: Floats, kind: Kind, asked: Request, season_lengths: Sequence[int]) -> Best:
    """Try the candidates on the series of a kind, ``(n_series, n_steps)``, and beside them what is asked for."""
    point: Point = "mean" if kind.sparse else "median"

    def aware(plain: Mapping[str, Method], season_length: int) -> Mapping[str, Method]:
        return plain if asked.events is None else asked.events.around(plain, season_length, kind.rows)

    season, trial, verdict = best_trial(
        y, asked.h, season_lengths, lambda m: aware(candidates(m, sparse=kind.sparse), m), point
    )

    def beside(methods: Mapping[str, Method]) -> Trial:
        return try_methods(y, asked.h, season, aware(methods, season), point, trial.origins)

    if more := requested(asked.models, season):
        trial = joined(trial, beside(more))
        verdict = judge(trial)
    if TREES in asked.models and kind.name == STEADY and (forests := asked.learnt(y)):
        trees = beside({TREES: Relevelled(BoostedTrees(asked.season_lengths, forests), season)})
        verdict, trial = beside_trees(trial, verdict, trees), joined(trial, trees)
    return Best(season, trial, verdict)


def others(trial: Trial, j: int) -> list[int]:
    """Return the origins whose horizons do not overlap that of the j-th; all others if there is none."""
    n = len(trial.origins)
    apart = [k for k in range(n) if abs(trial.origins[k] - trial.origins[j]) >= trial.h]
    return apart or [k for k in range(n) if k != j]


def stacked(past: Sequence[Said]) -> Said:
    """Return what was said at single moments as what was said at all, ``(n_series, n_origins, h)``."""
    lows, highs = (
        {level: np.stack([said.intervals[level][side] for said in past], axis=1) for level in past[0].intervals}
        for side in (0, 1)
    )
    mean, median = (np.stack([getattr(said, name) for said in past], axis=1) for name in ("mean", "median"))
    return Said(mean, median, {level: (lows[level], highs[level]) for level in lows})


def spread_out(parts: Sequence[tuple[NDArray[np.int64], Floats]], n_series: int) -> Floats:
    """Return arrays of some series, ``(n_rows, ...)``, as one of all, NaN for the others."""
    whole = np.full((n_series, *parts[0][1].shape[1:]), np.nan)
    for rows, values in parts:
        whole[rows] = values
    return whole


def all_series(parts: Sequence[tuple[NDArray[np.int64], Said]], n_series: int) -> Said:
    """Return what was said of some series as what was said of all, NaN for those of which nothing was."""
    mean, median = (
        spread_out([(rows, getattr(said, name)) for rows, said in parts], n_series) for name in ("mean", "median")
    )
    levels = sorted(set.intersection(*(set(said.intervals) for _, said in parts)))
    lows, highs = (
        {level: spread_out([(rows, said.intervals[level][side]) for rows, said in parts], n_series) for level in levels}
        for side in (0, 1)
    )
    return Said(mean, median, {level: (lows[level], highs[level]) for level in levels})
