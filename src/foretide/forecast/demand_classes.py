"""How intermittent a demand is: shares of zeros, steps a demand, and how much its sizes vary.

References
----------
Syntetos, Boylan and Croston (2005), On the categorization of demand patterns, JORS 56.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretide.schema import Floats

#: Demands further apart than this are intermittent; sizes with a larger squared coefficient of variation are erratic.
ADI_CUT, CV2_CUT = 1.32, 0.49


class Intermittency(NamedTuple):
    """How intermittent each series is, each ``(n_series,)``."""

    zeros: Floats  # share of the known steps
    adi: Floats  # steps a demand; infinite without a demand
    cv2: Floats  # squared coefficient of variation of the sizes; NaN without a demand
    kind: NDArray[np.str_]  # smooth, erratic, intermittent, lumpy, or empty without a demand


def intermittency(y: Floats) -> Intermittency:
    """Return the share of zeros and the class after Syntetos, Boylan and Croston (2005).

    Parameters
    ----------
    y
        ``(n_series, n_steps)``, NaN where nothing is known.
    """
    known, demand = np.isfinite(y), np.nan_to_num(y, posinf=0.0, neginf=0.0) > 0
    n_known, n = known.sum(axis=1), demand.sum(axis=1)
    size = np.where(demand, y, 0.0).sum(axis=1) / np.maximum(n, 1)
    spread = np.where(demand, (np.where(demand, y, 0.0) - size[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(n, 1)
    adi = np.where(n > 0, n_known / np.maximum(n, 1), np.inf)
    cv2 = np.where(n > 0, spread / np.where(n > 0, size, 1.0) ** 2, np.nan)
    names = np.array(["smooth", "erratic", "intermittent", "lumpy"])
    kind = np.where(n > 0, names[2 * (adi > ADI_CUT) + (cv2 > CV2_CUT)], "empty")
    return Intermittency(1.0 - n / np.maximum(n_known, 1), adi, cv2, kind)
