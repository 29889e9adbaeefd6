"""What the network over a user's days is shown: histories and covariates, each measured against the training set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.schema import Floats
from foretide.users import covariates
from foretide.users.rates import fill
from foretide.users.sequence_network import Inputs
from foretide.users.sequence_windows import Singles, Steps, padded

#: Covariates in units of their spread are kept within this: an extreme user is not sent to where nothing was learnt.
MOST_SPREADS = 5.0
#: Covariates that know the length of the horizon; the network has its own way with it.
OF_HORIZON = "longer"
STATIC = tuple(name for name in covariates.names() if not name.startswith(OF_HORIZON))


@dataclass(frozen=True)
class Scale:
    """Mean and spread of numbers in the training set, ``(n_numbers,)`` each."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, x: NDArray[np.floating]) -> Scale:
        """Return the scale of ``(n, n_numbers)``; what is constant has no spread and is told as zero."""
        return cls(x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64))

    def applied(self, x: NDArray[np.floating]) -> Singles:
        """Return numbers ``(..., n_numbers)`` in units of their spread."""
        units = (x - self.mean) / np.where(self.spread > 0, self.spread, np.inf)
        return np.clip(units, -MOST_SPREADS, MOST_SPREADS).astype(np.float32)


@dataclass(frozen=True)
class Scales:
    """What inputs are measured against.

    Parameters
    ----------
    last
        Last training cut-off.
    numbers, static
        Scales of the days and of the covariates.
    """

    last: datetime
    numbers: Scale
    static: Scale

    @classmethod
    def of(cls, rows: pl.DataFrame, window_days: int) -> Scales:
        """Return the scales of examples."""
        last: datetime = rows["as_of"].max()  # type: ignore[assignment]
        steps = padded(rows, window_days)
        return cls(last, Scale.of(steps.numbers[steps.there]), Scale.of(static(rows, last)))

    def inputs(self, rows: pl.DataFrame, window_days: int, asked_days: int) -> Inputs:
        """Return the inputs for rows with ``horizon_days``; other horizons are measured against ``asked_days``."""
        steps: Steps = padded(rows, window_days)
        longer = np.log(rows["horizon_days"].to_numpy() / asked_days)
        return {
            "numbers": self.numbers.applied(steps.numbers) * steps.there[..., None],
            "codes": steps.codes,
            "there": steps.there,
            "static": self.static.applied(static(rows, self.last)),
            "longer": longer[:, None].astype(np.float32),
        }


def static(rows: pl.DataFrame, last: datetime) -> Floats:
    """Return the covariates ``STATIC`` of rows, ``(n_rows, n_static)``."""
    wanted = [column for column in covariates.expressions(1, last) if column.meta.output_name() in STATIC]
    return rows.select(wanted).to_numpy().astype(np.float64)


def outcomes(rows: pl.DataFrame) -> Singles:
    """Return ``inactive``, ``fill`` and whether the fill is known of examples, ``(n_rows, 3)``."""
    known = ~pl.col("inactive") & (pl.col("horizon_days") > 1)
    columns = ("inactive", fill().alias("fill"), known.alias("known"))
    return rows.select(columns).cast(pl.Float32).to_numpy()
