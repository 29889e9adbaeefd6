"""The training of a network over windows of a panel; it knows the network only as something to train and to ask.

References
----------
Koenker and Bassett (1978), Regression quantiles (the loss). Prechelt (1998), Early stopping - but when?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foretide.forecast.neural_windows import Inputs, Layout, Singles, Windows, smoothed, windows
from foretide.schema import Floats

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
MEDIAN = QUANTILES.index(0.5)
#: Ends of validation windows, in steps before the validation days begin.
VALIDATION_LAGS = (0, 3, 8)
#: The validation days are at most this share of what is known.
LONGEST_VALIDATION = 0.2
#: Most values of first guesses that are held in memory; windows of fewer origins are trained on beyond it.
MOST_VALUES = 40_000_000

Progress = Callable[[int, int, float], None]  # steps done, steps at most, loss on the validation days


@dataclass
class Training:
    """How a network is trained.

    Parameters
    ----------
    steps
        Most training steps.
    batch
        Windows a step.
    patience
        Checks without a gain after which training ends.
    check_every
        Steps between two checks.
    smoothing
        Correct the forecast of a damped Holt-Winters; otherwise the season of the window.
    rng
        Seed: the same seed and panel give the same network.
    progress
        Called at each check.
    """

    steps: int = 400
    batch: int = 256
    patience: int = 4
    check_every: int = 50
    smoothing: bool = True
    rng: int = 0
    progress: Progress | None = field(default=None, repr=False, compare=False)


def said(network: Any, inputs: Inputs, batch: int) -> Singles:
    """Return what the network says, ``(n, h, n_quantiles)``, in batches of one size: compiled once."""
    n = len(inputs["past"])
    parts = []
    for first in range(0, n, batch):
        rows = np.minimum(np.arange(first, first + batch), n - 1)
        parts.append(np.asarray(network.predict_on_batch({name: values[rows] for name, values in inputs.items()})))
    return np.concatenate(parts)[:n]


def train(network: Any, z: Floats, layout: Layout, how: Training, weights_of: Callable[[Any], list[Any]]) -> None:
    """Train until validation days before the end of ``z`` gain no more; keep the best weights seen.

    Parameters
    ----------
    network
        A compiled keras model.
    z
        ``(n_series, n_steps)``, all that may be known.
    layout
        Shapes.
    how
        Steps, seed and so on.
    weights_of
        Copies the weights of the network.
    """
    end = z.shape[1] - min(layout.h, int(z.shape[1] * LONGEST_VALIDATION))
    checks = validation(z, layout, end, how.smoothing)
    if checks is None:
        return
    draw = drawn(z, layout, end, how)
    best, kept, waited = loss_on(network, checks, how.batch), weights_of(network), 0
    for step in range(1, how.steps + 1):
        seen = next(draw)
        network.train_on_batch(seen.inputs, seen.known_target, sample_weight=seen.weight)
        if step % how.check_every and step < how.steps:
            continue
        loss = loss_on(network, checks, how.batch)
        if how.progress is not None:
            how.progress(step, how.steps, loss)
        waited += 1
        if loss < best:
            best, kept, waited = loss, weights_of(network), 0
        if waited >= how.patience:
            break
    network.set_weights(kept)


def drawn(z: Floats, layout: Layout, end: int, how: Training) -> Iterator[Windows]:
    """Yield batches of windows with ends drawn from all that have a target before ``end``."""
    apart = -(-z.shape[0] * end * layout.h // MOST_VALUES)
    apart += apart > 1 and apart % layout.segment == 0  # or all windows would end at one place in the season
    ends = np.arange(end - 1, 0, -apart)[::-1]
    guesses = smoothed(z, ends.tolist(), layout) if how.smoothing else None
    pairs = np.argwhere(np.isfinite(z[:, ends - 1]))
    rng = np.random.default_rng(how.rng)
    while True:
        series, cut = pairs[rng.integers(len(pairs), size=how.batch)].T
        yield windows(z, series, ends[cut], layout, end, None if guesses is None else guesses[series, cut])


def validation(z: Floats, layout: Layout, end: int, smoothing: bool) -> Windows | None:
    """Return the windows whose targets lie in the days from ``end`` on; None if nothing can be learnt before them."""
    ends = np.array([end - lag for lag in reversed(VALIDATION_LAGS) if end > lag])
    if end < 2 or end == z.shape[1] or not np.isfinite(z[:, end - 2]).any():
        return None
    series, cut = np.nonzero(np.isfinite(z[:, ends - 1]))
    guess = smoothed(z, ends.tolist(), layout)[series, cut] if smoothing else None
    cuts = windows(z, series, ends[cut], layout, first_guess=guess)
    cuts.target[ends[cut][:, None] + np.arange(layout.h) < end] = np.nan
    return cuts


def loss_on(network: Any, cuts: Windows, batch: int) -> float:
    """Return the weighted mean pinball loss."""
    error = cuts.known_target - said(network, cuts.inputs, batch)
    levels = np.array(QUANTILES)
    each = np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)
    return float((cuts.weight * each).sum() / max(cuts.weight.sum(), 1e-9))
