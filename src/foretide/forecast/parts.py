"""What a forecast is made of: level, trend, season, events, covariates and the rest; they add up to it.

Any forecast can be taken apart like this, whichever methods stand behind it. What known events and covariates put on
it is taken off first. The least-squares line through what is left is level and trend, what the places of the season
have in common beside the line is the season, and what is left then is the rest (a damped trend bends, weights differ
from step to step).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from foretide.schema import Floats, Forecast, in_days_or_us

PARTS = ("level", "trend", "season", "event", "covariate", "rest")


def parts(forecast: Forecast, season_length: int, shifts: Mapping[str, Floats] | None = None) -> pl.DataFrame:
    """Return ``unique_id, ds, median, level, trend, season, event, covariate, rest``.

    Parameters
    ----------
    forecast
        Its medians are taken apart.
    season_length
        Steps of a season. Effects of places are told apart from the line if the horizon has two seasons; of a
        shorter horizon the season holds what is beside the line.
    shifts
        What ``event`` and ``covariate`` added to ``log(1 + y)``, each ``(n_series, h)``; nothing if they are missing.
    """
    usual, added = without(forecast.median, shifts or {})
    level, trend, season = taken_apart(usual, season_length)
    found = {"level": level, "trend": trend, "season": season, **added, "rest": usual - level - trend - season}
    h = forecast.median.shape[1]
    keys = {
        "unique_id": np.repeat(np.asarray(forecast.ids, dtype=object), h),
        "ds": np.tile(in_days_or_us(forecast.dates), len(forecast.ids)),
    }
    figures = {"median": forecast.median} | {name: found[name] for name in PARTS}
    return pl.DataFrame(
        keys | {name: part.ravel() for name, part in figures.items()}, schema_overrides={"unique_id": pl.String}
    )


def without(path: Floats, shifts: Mapping[str, Floats]) -> tuple[Floats, dict[str, Floats]]:
    """Return the path as it would be without events and covariates, and what each of them adds in turn."""
    nothing = np.zeros_like(path)
    event, covariate = shifts.get("event", nothing), shifts.get("covariate", nothing)
    usual = np.maximum(np.expm1(np.log1p(path) - event - covariate), 0.0)
    with_covariates = np.maximum(np.expm1(np.log1p(usual) + covariate), 0.0)
    return usual, {"event": path - with_covariates, "covariate": with_covariates - usual}


def taken_apart(path: Floats, season_length: int) -> tuple[Floats, Floats, Floats]:
    """Return level, trend and season of each path, each ``(n_series, h)``: the least-squares fit of line and season."""
    n_series, h = path.shape
    steps = np.arange(h)
    m = min(season_length, h)
    place = np.eye(m)[steps % m] - 1.0 / m  # effects add up to zero over a season
    columns = [np.ones(h), steps - (h - 1) / 2, *(place.T[:-1] if m > 1 else [])]
    design = np.stack(columns, axis=1)  # (h, 1 + 1 + m - 1)
    fit = np.linalg.lstsq(design, path.T, rcond=None)[0]  # (n_columns, n_series)
    level = np.repeat(fit[0][:, None], h, axis=1)
    trend = np.outer(fit[1], design[:, 1])
    season = (design[:, 2:] @ fit[2:]).T if m > 1 else np.zeros((n_series, h))
    return level, trend, season
