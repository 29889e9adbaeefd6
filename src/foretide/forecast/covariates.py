"""Prices, promotions and other figures that are known ahead: one slope for the panel on the log scale.

References
----------
Frisch and Waugh (1933), Partial time regressions as compared with individual trends, Econometrica 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from foretide.errors import UsageError
from foretide.forecast.lags import LEAST_YEARS, YEAR_HARMONICS, YEAR_STEPS, waves
from foretide.forecast.method import carried
from foretide.schema import Floats

LEAST_VARIANCE = 1e-8
#: A priori standard deviation of a covariate's slope: an elasticity is seldom beyond a few units.
PRIOR_SLOPE = 2.0
#: A covariate with at least this share of its figures above zero is a price, unless all of them are 0 and 1.
ABOVE_ZERO = 0.98


def positions(ids: Sequence[str] | None, n_series: int) -> dict[str, list[int]]:
    """Return the places of each name among the series; none without ids.

    Raises
    ------
    UsageError
        If there are not as many ids as series.
    """
    if ids is not None and len(ids) != n_series:
        raise UsageError(f"there are {n_series} series but {len(ids)} ids; give one for each series")
    return {name: [i] for i, name in enumerate(ids or ())}


def covariate_steps(
    table: pl.DataFrame, first_day: date, n_steps: int, n_series: int, ids: Sequence[str] | None
) -> tuple[list[str], list[Floats]]:
    """Return the names of the covariates and their values, each ``(n_series, n_steps)``; NaN before the first.

    Parameters
    ----------
    table
        ``unique_id, ds, <name> ...``; without ``unique_id``, they are those of every series. A price counts by its log
        (``scaled``). A day without a value has the one before it, so that what is not known ahead stays as it was.
    first_day, n_steps, n_series, ids
        As in ``event_days``.

    Raises
    ------
    UsageError
        If ids are missing or a series' day comes twice.
    """
    where = positions(ids, n_series)
    if "unique_id" in table.columns and ids is None:
        raise UsageError("covariates of single series need the ids of the series")
    names = [name for name in table.columns if name not in ("unique_id", "ds")]
    at = table.select((pl.col("ds").cast(pl.Date) - first_day).dt.total_days()).to_series().to_numpy()
    lone = "unique_id" in table.columns
    rows = [where.get(name, [-1])[0] for name in table["unique_id"].to_list()] if lone else [0] * table.height
    row = np.asarray(rows, dtype=np.int64)
    inside = (at >= 0) & (at < n_steps) & (row >= 0)
    place = row[inside] * n_steps + at[inside]
    if np.unique(place).size < place.size:
        raise UsageError("the covariates have a day twice; keep one row for each series and day")
    values = []
    for name in names:
        given = scaled(table[name].cast(pl.Float64).to_numpy())
        grid = np.full((n_series if lone else 1) * n_steps, np.nan)
        grid[place] = given[inside]
        values.append(np.broadcast_to(carried(grid.reshape(-1, n_steps)), (n_series, n_steps)).copy())
    return names, values


def scaled(given: Floats) -> Floats:
    """Return the log of a covariate that is nearly always above zero (a price), any other as it is; ``(n_rows,)``.

    A price that is not above zero, and what is not finite, is not known: one slip must not decide for all series.
    """
    given = np.where(np.isfinite(given), given, np.nan)
    known = given[~np.isnan(given)]
    is_flag = bool(np.isin(known, (0.0, 1.0)).all())
    if is_flag or (known > 0).sum() < ABOVE_ZERO * known.size:
        return given
    return np.log(np.where(given > 0, given, np.nan))


def shared_slopes(z: Floats, known: Floats, season_length: int) -> Floats:
    """Return the slope of each covariate, ``(n_known,)``: by ridge, over all series, within each of them.

    On the scale of ``log(1 + y)`` a slope is an elasticity where counts are large, and nearer to zero where they are
    small, as what it is used for is. Level, trend, season and, with enough history, the place in the year are taken
    out of series and covariates alike, so that they are not mistaken for one another.

    Parameters
    ----------
    z
        ``(n_series, n_steps)``, on the log scale.
    known
        ``(n_known, n_series, n_steps)``.
    season_length
        m.
    """
    n_steps = z.shape[1]
    t = np.arange(n_steps)
    yearly = waves(t / YEAR_STEPS, YEAR_HARMONICS) if n_steps >= LEAST_YEARS * YEAR_STEPS else []
    plain = np.column_stack([np.ones(n_steps), t / n_steps, *yearly, np.eye(season_length)[t % season_length][:, 1:]])
    gram, moment = np.eye(len(known)) / PRIOR_SLOPE**2, np.zeros(len(known))
    usable = ~np.isnan(z) & ~np.isnan(known).any(axis=0)
    for i in range(len(z)):
        rows = usable[i]
        if rows.sum() < 2 * plain.shape[1]:
            continue
        both = np.column_stack([z[i, rows], known[:, i, rows].T])
        both = both - plain[rows] @ np.linalg.lstsq(plain[rows], both, rcond=None)[0]
        x, rest = both[:, 1:], both[:, 0]
        precision = 1.0 / (np.mean(rest**2) + LEAST_VARIANCE)
        gram += precision * x.T @ x
        moment += precision * x.T @ rest
    return np.linalg.solve(gram, moment).astype(np.float64)
