"""Which methods are tried on which series.

Simple and smoothing methods are tried on every series, also sums of weeks (``Adida``), which are made for intermittent
demand and do well on other counts. On a series with many zeros the others of that kind are tried too, on the rest
boosted trees, unless they are not wanted (``kinds``). More can be asked for by name (``on_request``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage, SeasonalWindowMedian
from foretide.forecast.intermittent import TSB, Adida, Croston
from foretide.forecast.level_shifts import Relevelled
from foretide.forecast.method import Method
from foretide.forecast.pooled import PooledSeason
from foretide.forecast.smoothing import HoltWinters
from foretide.schema import Floats

#: A series with at least this share of zeros in its last ``RECENT_STEPS`` is sparse: from here on methods for
#: intermittent demand had the smaller RMSSE, on earlier origins of items, films, categories and payments.
SPARSE_ZEROS = 0.1
RECENT_STEPS = 365
#: Steps that tell whether a series is sparse; a shorter one is not.
LEAST_STEPS = 28


def sparse(y: Floats) -> NDArray[np.bool_]:
    """Tell for each series of a panel ``(n_series, n_steps)`` whether it has many zeros, ``(n_series,)``."""
    recent = y[:, -RECENT_STEPS:]
    known = (~np.isnan(recent)).sum(axis=1)
    zeros = (recent == 0).sum(axis=1)
    return (known >= LEAST_STEPS) & (zeros >= SPARSE_ZEROS * known) & (zeros < known)


def candidates(season_length: int, *, sparse: bool = False) -> dict[str, Method]:
    """Return the methods that are tried on every series, or on every sparse one."""
    tried: dict[str, Method] = {
        "SeasonalNaive": SeasonalNaive(season_length),
        "SeasonalWindowAverage": SeasonalWindowAverage(season_length),
        "SeasonalWindowMedian": SeasonalWindowMedian(season_length),
        "HoltWintersLog": Relevelled(HoltWinters(log=True, season_length=season_length), season_length),
        "HoltWinters": Relevelled(HoltWinters(log=False, season_length=season_length), season_length),
        "PooledSeason": PooledSeason(season_length),
    }
    if sparse:
        return tried | {"Croston": Croston(season_length), "TSB": TSB(season_length), "Adida": Adida(season_length)}
    return tried | {"Adida": Relevelled(Adida(season_length), season_length)}
