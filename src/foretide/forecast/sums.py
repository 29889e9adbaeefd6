"""Forecasts of series and of their sums that agree: the parts add up to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.forecast.engine import Run, run
from foretide.forecast.hierarchy import Hierarchy
from foretide.forecast.intervals import of_counts
from foretide.forecast.reconcile import wls_struct
from foretide.schema import Floats, Forecast, Panel


def run_sums(
    panel: Panel,
    hierarchy: Hierarchy,
    h: int,
    levels: Sequence[int] = (80, 95),
    season_length: int | Sequence[int] = 7,
    **more: Any,
) -> Run:
    """Forecast the series of a panel and all their sums, so that the means add up.

    Every node is forecast by itself, then all are reconciled (``wls_struct``, not below zero).

    Parameters
    ----------
    panel
        The leaves.
    hierarchy
        What they add up to.
    h, levels, season_length, more
        As in ``run``.

    Raises
    ------
    UsageError
        As ``run``, or if the panel lacks a leaf.
    """
    whole = hierarchy.panel(panel)
    told = run(whole, h, levels, season_length, **more)
    return replace(told, forecast=agreeing(told.forecast, hierarchy, of_counts(whole.y)))


def run_total(panel: Panel, *asked: Any, **more: Any) -> Run:
    """Forecast the series of a panel and the sum of all of them, asked for as of ``run_sums``."""
    return run_sums(panel, Hierarchy.from_table(pl.DataFrame({"unique_id": panel.ids})), *asked, **more)


def agreeing(forecast: Forecast, hierarchy: Hierarchy, counts: NDArray[np.bool_]) -> Forecast:
    """Return a forecast of all nodes with means that add up; medians and bounds move by the same factor as the mean."""
    mean = wls_struct(hierarchy, forecast.mean)
    factor = np.divide(mean, forecast.mean, out=np.ones_like(mean), where=forecast.mean > 0)
    median = forecast.median * factor
    intervals = {level: moved(lo * factor, hi * factor, counts) for level, (lo, hi) in forecast.intervals.items()}
    return replace(forecast, mean=mean, median=median, intervals=intervals)


def moved(lo: Floats, hi: Floats, counts: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return bounds, those of counts outwards to whole numbers."""
    return np.where(counts[:, None], np.floor(lo), lo), np.where(counts[:, None], np.ceil(hi), hi)
