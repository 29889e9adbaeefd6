"""A backtest as a table: one row a model, over all series and rolling origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from foretide.evaluate.metrics import mae, mase, mean_of_known, mse, r2, rmse, rmsse
from foretide.schema import Floats


def actuals(y: Floats, origins: Sequence[int], h: int) -> Floats:
    """Return what happened after each origin, ``(n_series, n_origins, h)``."""
    if not origins:
        return np.empty((len(y), 0, h))
    return np.stack([y[:, origin : origin + h] for origin in origins], axis=1)


def backtest_table(
    y: Floats, origins: Sequence[int], forecasts: Mapping[str, Floats], season_length: int
) -> pl.DataFrame:
    """Return the metrics of each model, best RMSSE first.

    MASE and RMSSE are means over series and origins (series whose past never changed are left out), the
    others are over all points.

    Parameters
    ----------
    y
        ``(n_series, n_steps)``.
    origins
        Numbers of steps known.
    forecasts
        Name of the model -> ``(n_series, n_origins, h)``.
    season_length
        Of the seasonal naive that MASE and RMSSE compare with.
    """
    if not origins:
        forecasts = {}
    rows = [{"model": name, **_row(y, origins, ahead, season_length)} for name, ahead in forecasts.items()]
    schema = {"model": pl.String} | dict.fromkeys(("mase", "rmsse", "mse", "rmse", "mae", "r2"), pl.Float64)
    return pl.DataFrame(rows, schema=schema).sort("rmsse", nulls_last=True)


def _row(y: Floats, origins: Sequence[int], ahead: Floats, m: int) -> dict[str, float | None]:
    h = ahead.shape[2]
    scaled = {
        name: [metric(y[:, :o], y[:, o : o + h], ahead[:, j], m) for j, o in enumerate(origins)]
        for name, metric in (("mase", mase), ("rmsse", rmsse))
    }
    happened = actuals(y, origins, h)
    plain = {f.__name__: f(happened, ahead) for f in (mse, rmse, mae, r2)}
    means = {name: mean_of_known(np.array(values)) for name, values in scaled.items()}
    return {name: None if np.isnan(value) else value for name, value in (means | plain).items()}
