"""How unusual a window of days is: what is observed in it over what the days around it let expect.

How far the effect on a segment strays without any event is measured in placebo windows, as long and elsewhere in
the log (Abadie, Diamond, Hainmueller 2010), each in units of the spread that Poisson counts would give it. Ours: the
placebo windows' root mean square scales that spread, and the tail is Student's t with as many degrees of freedom as
windows of the length fit side by side, because ranks alone could not survive a correction for many segments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from foretide.features.series import WEEK
from foretide.schema import Floats

#: Days before and after a window with which it is compared.
AROUND_DAYS = 28
#: Fewer placebo windows side by side than this say nothing of how far an effect strays.
LEAST_PLACEBOS = 8
#: At most this many are looked at, evenly spread over the log.
MOST_PLACEBOS = 500
#: Coverage of the intervals.
LEVEL = 0.95
#: Added to counts under a logarithm, so that none is not minus infinity.
HALF = 0.5

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Windows:
    """Windows of days and the weights that make up what is observed and expected in them."""

    inside: Floats  # (n_windows, n_days) 1 in the window
    around: Floats  # (n_windows, n_days) weights of the days around that add up to what is expected
    usable: Bools  # (n_windows,) the window lies in the log, and each of its weekdays has days around
    worth: float  # for how many windows side by side one of these stands: they overlap


def windows(starts: NDArray[np.int64], length: int, known: Bools, silent: Bools, *, lasting: bool = False) -> Windows:
    """Return windows and the days around them.

    Parameters
    ----------
    starts
        First day of each, ``(n_windows,)``; it may lie outside of the log.
    length
        In days.
    known, silent
        ``(n_days,)``: days of any known event, and days without logging; neither is compared with.
    lasting
        Whether what began may go on: only the days before are compared with.
    """
    days = np.arange(known.size)
    begin = starts[:, None]
    inside = (days >= begin) & (days < begin + length)
    after = 0 if lasting else AROUND_DAYS
    near = (days >= begin - AROUND_DAYS) & (days < begin + length + after) & ~inside & ~known & ~silent
    weekday = np.eye(WEEK)[days % WEEK]  # (n_days, 7)
    there, wanted = near @ weekday, inside @ weekday  # (n_windows, 7)
    weight = wanted / np.maximum(there, 1)
    whole = (starts >= 0) & (starts + length <= known.size) & ~(inside & silent).any(axis=1)
    usable = whole & ((there > 0) | (wanted == 0)).all(axis=1)
    return Windows(inside.astype(np.float64), near * (weight @ weekday.T), usable, 1 / length)


def placebos(length: int, known: Bools, silent: Bools, *, lasting: bool = False) -> Windows:
    """Return windows of as many days in which nothing is known to have happened; parameters as in ``windows``."""
    starts = np.arange(max(known.size - length + 1, 0))
    busy = np.concatenate([[0], np.cumsum(known | silent)])
    calm = starts[busy[starts + length] == busy[starts]]
    if not calm.size:
        return windows(calm, length, known, silent, lasting=lasting)
    chosen = calm[np.unique(np.linspace(0, calm.size - 1, MOST_PLACEBOS).astype(np.int64))]
    worth = calm.size / chosen.size / length
    return replace(windows(chosen, length, known, silent, lasting=lasting), worth=worth)


def judge(y: Floats, rest: Floats, real: Windows, placebo: Windows) -> dict[str, Floats]:
    """Return ``observed, expected, ...`` of ``EFFECTS`` up to ``p_value``, each ``(n_windows,)``, NaN for null.

    Parameters
    ----------
    y
        Events of the segment, ``(n_days,)``, NaN before it was there.
    rest
        Events of all others, ``(n_days,)``; all 0 if there are none.
    real, placebo
        The windows that are told and those by which they are judged.
    """
    alone = not rest.any()
    observed, expected, ratio = _ratio(y, real)
    others = np.full(ratio.size, np.nan) if alone else _ratio(rest, real)[2]
    effect = ratio if alone else ratio / np.where(others > 0, others, np.nan)
    excess, error = _excess(y, rest, real)
    strays = np.divide(*_excess(y, rest, placebo))
    strays = strays[np.isfinite(strays)]
    n_placebos = strays.size * placebo.worth
    df = n_placebos if n_placebos >= LEAST_PLACEBOS else np.nan
    if strays.size:
        error *= max(float(np.sqrt(np.mean(strays**2))), 1.0)
    wide = t.ppf((1 + LEVEL) / 2, df) * error
    return {
        "observed": observed,
        "expected": expected,
        "ratio": ratio,
        "population_ratio": others,
        "effect": effect,
        "lo": np.minimum(np.exp(excess - wide), effect),
        "hi": np.maximum(np.exp(excess + wide), effect),
        "placebos": np.full(effect.size, n_placebos),
        "p_value": 2 * t.sf(np.abs(excess / error), df),
    }


def _ratio(y: Floats, at: Windows) -> tuple[Floats, Floats, Floats]:
    """Return what is observed and expected in windows, and their ratio; NaN where it cannot be told."""
    lacking = ((at.inside + at.around) > 0) @ np.isnan(y).astype(np.float64) > 0
    blank = lacking | ~at.usable
    observed = np.where(blank, np.nan, at.inside @ np.nan_to_num(y))
    expected = np.where(blank, np.nan, at.around @ np.nan_to_num(y))
    return observed, expected, observed / np.where(expected > 0, expected, np.nan)


def _excess(y: Floats, rest: Floats, at: Windows) -> tuple[Floats, Floats]:
    """Return the logarithm of the effect and its standard deviation if counts were Poisson."""
    excess, spread = np.zeros(at.usable.size), np.zeros(at.usable.size)
    for sign, counts in ((1, y), (-1, rest)):
        if counts is y or rest.any():
            observed, expected, ratio = _ratio(counts, at)
            variance = at.around**2 @ np.nan_to_num(counts)
            excess += sign * np.where(np.isnan(ratio), np.nan, np.log((observed + HALF) / (expected + HALF)))
            # The smaller count: a large effect comes in larger sessions, its events are not independent.
            spread += 1 / (np.minimum(observed, expected) + HALF) + (variance + HALF) / (expected + HALF) ** 2
    return excess, np.sqrt(spread)
