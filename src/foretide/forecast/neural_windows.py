"""What a network over all series of a panel sees: windows of the past, the calendar, and what followed.

Everything is on the scale of ``log(1 + y)``, less the mean of the window. All of it is known at the window's end:
level, spread and season are taken from the window alone, a smoothing's forecast from what came before its end; so
nothing has to be fitted on a whole series and nothing can leak.

References
----------
Salinas et al. (2020), DeepAR, International Journal of Forecasting 36: one network over scaled series.
Lin et al. (2023), SegRNN: a recurrent network over segments of a series instead of its steps.
Smyl (2020), A hybrid method of exponential smoothing and recurrent neural networks, International Journal of
Forecasting 36: a network that corrects a smoothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretide.forecast.smoothing import grid, smooth
from foretide.schema import Floats

#: Days of a year, and fewest days known from which the place in the year is an input.
YEAR_DAYS = 365.25
LEAST_YEAR_DAYS = 548
#: A season is told by this many pairs of sine and cosine: all that a week has.
HARMONICS = 3
#: Last segments of the window of which its season is the mean.
SEASON_SEGMENTS = 8
#: Steps of a segment where there is no season.
SEGMENT_WITHOUT_SEASON = 7
#: Fewest segments of a window.
LEAST_SEGMENTS = 2
#: Least usual change on the log scale.
LEAST_SPREAD = 0.05
#: Most that a forecast may lie above the window's highest value on the log scale.
MOST_RISE = 2.0

Indices = NDArray[np.int64]
Singles = NDArray[np.float32]
Inputs = dict[str, Singles]


@dataclass(frozen=True)
class Layout:
    """Shapes of what the network sees.

    Parameters
    ----------
    window
        Steps of the past, rounded up to whole segments, two or more.
    season_length
        Steps of a season, and of a segment; 1 for none.
    h
        Steps ahead.
    yearly
        Whether the place in the year is told.
    first_day, step_days
        Days from 1970-01-01 to step 0 and from one step to the next, for the calendar.
    """

    window: int
    season_length: int
    h: int
    yearly: bool
    first_day: float = 0.0
    step_days: float = 1.0

    @property
    def segment(self) -> int:
        """Steps of a segment."""
        return self.season_length if self.season_length > 1 else SEGMENT_WITHOUT_SEASON

    @property
    def n_segments(self) -> int:
        """Segments of a window: at least two, as the usual change is that from one to the next."""
        return max(-(-self.window // self.segment), LEAST_SEGMENTS)

    @property
    def n_steps(self) -> int:
        """Steps of a window."""
        return self.n_segments * self.segment


@dataclass(frozen=True)
class Windows:
    """Windows that end at given origins, and what followed them."""

    inputs: Inputs  # past (n, n_segments, ...), ahead (n, h, ...), static (n, 3), base and scale (n, h, 1)
    target: Floats  # (n, h), log(1 + y) less the level; NaN where it is not known
    level: Floats  # (n, 1)
    top: Floats  # (n, 1), highest value of the window, less the level

    @property
    def weight(self) -> Singles:
        """How much each target counts, ``(n, h)``: nothing if it is not known, else less the noisier the series."""
        return (np.isfinite(self.target) / self.inputs["scale"][..., 0]).astype(np.float32)

    @property
    def known_target(self) -> Singles:
        """The target with zero for what is not known, ``(n, h, 1)``."""
        return np.nan_to_num(self.target)[..., None].astype(np.float32)

    def to_counts(self, offsets: Singles) -> Floats:
        """Return what the network said, ``(n, h, n_quantiles)``, on the scale of ``y``: finite, not negative."""
        bounded = np.minimum(offsets.astype(np.float64), self.top[..., None] + MOST_RISE)
        return np.maximum(np.expm1(self.level[..., None] + bounded), 0.0)


def smoothed(z: Floats, origins: Sequence[int], layout: Layout) -> Floats:
    """Return the forecasts of damped Holt-Winters after each origin, ``(n_series, n_origins, h)``."""
    return smooth(z, origins, layout.h, layout.season_length, grid())[0]


def windows(
    z: Floats,
    series: Indices,
    origins: Indices,
    layout: Layout,
    end: int | None = None,
    first_guess: Floats | None = None,
) -> Windows:
    """Cut windows out of a panel.

    Parameters
    ----------
    z
        ``(n_series, n_steps)``, ``log(1 + y)``, NaN before a series began.
    series, origins
        ``(n,)``, row and end of each window; at least one value must be known before each end.
    layout
        Shapes.
    end
        Targets from this step on are hidden; ``n_steps`` if None.
    first_guess
        ``(n, h)``, the forecast that the network corrects, on the scale of ``z``; the window's season if None.
    """
    z = z[:, :end]
    past = _taken(z, series, origins[:, None] + np.arange(-layout.n_steps, 0))
    target = _taken(z, series, origins[:, None] + np.arange(layout.h))
    known = np.isfinite(past)
    level = _mean(past, known, axis=1)
    apart = np.where(known, past - level, 0.0)
    spread = _usual_change(apart, known, layout.segment)
    segments = (len(series), layout.n_segments, layout.segment)
    season = _season(apart.reshape(segments), known.reshape(segments))
    season = season if layout.season_length > 1 else np.zeros_like(season)
    base = season[:, np.arange(layout.h) % layout.segment] if first_guess is None else first_guess - level
    inputs = {
        "past": np.concatenate([apart.reshape(segments), known.reshape(segments), _past_calendar(origins, layout)], 2),
        "ahead": np.concatenate([base[..., None], _ahead_calendar(origins, layout)], axis=2),
        "static": np.concatenate([level / 5.0, spread, _mean(known * 1.0, known | True, axis=1)], axis=1),
        "base": base[..., None],
        "scale": np.broadcast_to(spread[:, None], (*base.shape, 1)),
    }
    singles = {name: values.astype(np.float32) for name, values in inputs.items()}
    return Windows(singles, target - level, level, apart.max(axis=1, keepdims=True))


def width(layout: Layout) -> Mapping[str, tuple[int, ...]]:
    """Return the shape of each input without its first axis."""
    calendar = 2 * HARMONICS + 2
    return {
        "past": (layout.n_segments, 2 * layout.segment + calendar),
        "ahead": (layout.h, calendar + 2),
        "static": (3,),
        "base": (layout.h, 1),
        "scale": (layout.h, 1),
    }


def _taken(z: Floats, series: Indices, steps: Indices) -> Floats:
    """Return ``z`` at ``steps``, ``(n, k)``; NaN outside of it."""
    inside = (steps >= 0) & (steps < z.shape[1])
    return np.where(inside, z[series[:, None], np.where(inside, steps, 0)], np.nan)


def _mean(values: Floats, known: NDArray[np.bool_], axis: int) -> Floats:
    """Return the mean of what is known; zero if nothing is."""
    count = known.sum(axis=axis, keepdims=True)
    return np.where(known, values, 0.0).sum(axis=axis, keepdims=True) / np.maximum(count, 1)


def _usual_change(apart: Floats, known: NDArray[np.bool_], lag: int) -> Floats:
    """Return the mean absolute change over a season within the window, ``(n, 1)``."""
    both = known[:, lag:] & known[:, :-lag]
    return np.maximum(_mean(np.abs(apart[:, lag:] - apart[:, :-lag]), both, axis=1), LEAST_SPREAD)


def _season(apart: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return the mean of each place in the last segments, ``(n, segment)``."""
    last = slice(-SEASON_SEGMENTS, None)
    return _mean(apart[:, last], known[:, last], axis=1)[:, 0]


def _past_calendar(origins: Indices, layout: Layout) -> Floats:
    starts = origins[:, None] + np.arange(-layout.n_steps, 0, layout.segment)
    return calendar(starts, layout)


def _ahead_calendar(origins: Indices, layout: Layout) -> Floats:
    steps = origins[:, None] + np.arange(layout.h)
    far = np.broadcast_to(np.arange(layout.h) / layout.h, steps.shape)
    return np.concatenate([calendar(steps, layout), far[..., None]], axis=2)


def calendar(steps: Indices, layout: Layout) -> Floats:
    """Return place in the season and in the year of each step as sines and cosines, ``(*steps.shape, 8)``."""
    days = layout.first_day + steps * layout.step_days
    season = (steps + round(layout.first_day / layout.step_days)) / layout.season_length
    turns = [k * season for k in range(1, HARMONICS + 1)] + [days / YEAR_DAYS]
    told = [layout.season_length > 1] * HARMONICS + [layout.yearly]
    angles = 2 * np.pi * np.stack(turns, axis=-1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1) * np.array(told * 2)
