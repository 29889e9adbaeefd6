"""What a forecast is made of: level, trend, season and the rest; they add up to it.

Any forecast can be taken apart like this, whichever methods stand behind it: the least-squares line through its steps
is level and trend, what the places of the season have in common beside the line is the season, and what is left is
the rest (a damped trend bends, weights differ from step to step).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from foretide.schema import Floats, Forecast, in_days_or_us

PARTS = ("level", "trend", "season", "rest")


def parts(forecast: Forecast, season_length: int) -> pl.DataFrame:
    """Return ``unique_id, ds, median, level, trend, season, rest``.

    Parameters
    ----------
    forecast
        Its medians are taken apart.
    season_length
        Steps of a season. Effects of places are told apart from the line if the horizon has two seasons; of a
        shorter horizon the season holds what is beside the line.
    """
    level, trend, season = taken_apart(forecast.median, season_length)
    h = forecast.median.shape[1]
    rest = forecast.median - level - trend - season
    columns = {"median": forecast.median, "level": level, "trend": trend, "season": season, "rest": rest}
    keys = {
        "unique_id": np.repeat(np.asarray(forecast.ids, dtype=object), h),
        "ds": np.tile(in_days_or_us(forecast.dates), len(forecast.ids)),
    }
    return pl.DataFrame(
        keys | {name: part.ravel() for name, part in columns.items()}, schema_overrides={"unique_id": pl.String}
    )


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
