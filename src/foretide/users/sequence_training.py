"""How the network over a user's days is trained: how long, is told by later cut-offs; on what, by all of them.

The last cut-off of the longest horizon stands for the day of the forecast. Examples whose horizon was over by then
train a network; those of this cut-off and later ones tell after how many steps it was best. From the same beginning it
then takes as many steps on all examples, the latest included, which are the likest to what is asked.

References
----------
Prechelt (1998), Early stopping - but when? Loshchilov and Hutter (2019), Decoupled weight decay regularization.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foretide.users.activity import learnable
from foretide.users.cutoffs import CLOCK_CHANGE, LEAD_DAYS
from foretide.users.sequence_network import Inputs, Network, Shape, begun, built, compiled, restart, state_of, told
from foretide.users.sequence_windows import Singles

#: The training begins with a fill no nearer to 0 and 1 than this.
LEAST_FILL = 1e-3

Progress = Callable[[int, int, float], None]  # steps done, steps at most, loss on the later cut-offs


@dataclass(kw_only=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    steps
        Most training steps; this many where no later cut-offs can tell when to stop.
    batch
        Examples a step.
    learning_rate, weight_decay
        Of AdamW, at the end of the warm-up; a cosine leads to zero.
    dropout
        Share of what the last layers see that is hidden in training.
    patience
        Checks without a gain after which the steps are no longer sought.
    check_every
        Steps between two checks.
    rng
        Seed: the same seed and examples give the same network.
    progress
        Called at each check.
    """

    steps: int = 400
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    dropout: float = 0.1
    patience: int = 4
    check_every: int = 50
    rng: int = 0
    progress: Progress | None = field(default=None, repr=False, compare=False)


class Seen(NamedTuple):
    """Inputs and outcomes of examples."""

    inputs: Inputs
    outcomes: Singles  # (n, 3)

    def of(self, rows: NDArray[Any]) -> Seen:
        """Return some of the rows."""
        return Seen({name: values[rows] for name, values in self.inputs.items()}, self.outcomes[rows])

    def means(self) -> tuple[float, float]:
        """Return the share without activity and the mean fill, a little off 0 and 1."""
        inactive, fill, known = self.outcomes.astype(np.float64).T
        filled = (fill * known).sum() / max(known.sum(), 1.0)
        return float(inactive.mean()), float(np.clip(filled, LEAST_FILL, 1 - LEAST_FILL))


def early_and_late(rows: pl.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which examples were over at the last cut-off of the longest horizon, and which begin there or later."""
    of_longest = rows.filter(pl.col("horizon_days") == pl.col("horizon_days").max())
    then = pl.lit(of_longest["as_of"].max())
    end = pl.col("as_of") + pl.duration(days=LEAD_DAYS + pl.col("horizon_days").cast(pl.Int64)) + CLOCK_CHANGE
    early, late = rows.select((end <= then).alias("early"), (pl.col("as_of") >= then).alias("late"))
    return early.to_numpy(), late.to_numpy()


def trained(rows: pl.DataFrame, seen: Seen, shape: Shape, how: Training) -> Network:
    """Return a network that has learnt from all examples, for as many steps as later cut-offs advise."""
    network = built(shape, how.dropout, how.rng)
    begun(network, *seen.means())
    compiled(network, how.steps, how.learning_rate, how.weight_decay)
    beginning = state_of(network)
    early, late = early_and_late(rows)
    n_steps = how.steps
    if learnable(rows.filter(early)):
        n_steps = best_steps(network, seen.of(np.flatnonzero(early)), seen.of(np.flatnonzero(late)), how)
    restart(network, beginning)
    for _ in stepped(network, seen, how, n_steps):
        pass
    return network


def best_steps(network: Network, early: Seen, late: Seen, how: Training) -> int:
    """Return after how many steps on the early examples the late ones are told best, at least the first check."""
    losses = [np.inf]
    for step in stepped(network, early, how, how.steps):
        if step % how.check_every and step < how.steps:
            continue
        losses.append(loss_on(network, late, how.batch))
        if how.progress is not None:
            how.progress(step, how.steps, losses[-1])
        if len(losses) - 1 - int(np.argmin(losses)) >= how.patience:
            break
    return min(int(np.argmin(losses)) * how.check_every, how.steps)


def stepped(network: Network, seen: Seen, how: Training, n_steps: int) -> Iterator[int]:
    """Train on examples drawn at random, yielding the number of steps done."""
    draw = np.random.default_rng(how.rng)
    for step in range(1, n_steps + 1):
        batch = seen.of(draw.integers(len(seen.outcomes), size=how.batch))
        network.whole.train_on_batch(batch.inputs, batch.outcomes)
        yield step


def loss_on(network: Network, late: Seen, batch: int) -> float:
    """Return the log-loss of no activity."""
    odds = told(network, late.inputs, batch)[:, 0]
    return float(np.mean(np.logaddexp(0.0, odds) - late.outcomes[:, 0] * odds))
