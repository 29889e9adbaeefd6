"""The network over a user's days: an LSTM, beside it what is known of the user at the cut-off, and two log-odds.

The odds of no activity fall with a power of the horizon, so that the time until a user comes back has a log-logistic
distribution: each user has a level and a rate of their own, and any horizon has an answer, longer ones smaller chances.

References
----------
Hochreiter and Schmidhuber (1997), Long short-term memory. Cheng et al. (2016), Wide & deep learning. Bennett (1983),
Log-logistic regression models for survival data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from foretide.forecast.lstm import dense, keras_library
from foretide.users.sequence_windows import N_CODES, NUMBERS

#: Numbers that stand for a category.
EMBEDDING_DIM = 4
#: Level and rate of the odds of no activity, level and rate of the odds of a further active day.
N_PARTS = 4
LAST_LAYER = "parts"
#: Share of the steps in which the learning rate rises.
WARM_UP = 0.05

Inputs = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Shape:
    """What decides the shapes of the weights."""

    window_days: int
    units: int
    n_static: int


@dataclass(frozen=True)
class Network:
    """The network that is trained, and the part of it that takes categories as embedded numbers."""

    whole: Any
    embed: Any
    core: Any


def built(shape: Shape, dropout: float, seed: int) -> Network:
    """Return the network, not trained."""
    keras = keras_library()
    n_steps = shape.window_days + 1
    ins = {
        "numbers": keras.Input((n_steps, len(NUMBERS)), name="numbers"),
        "codes": keras.Input((n_steps,), dtype="int32", name="codes"),
        "there": keras.Input((n_steps,), dtype="bool", name="there"),
        "static": keras.Input((shape.n_static,), name="static"),
        "longer": keras.Input((1,), name="longer"),
    }
    embed = keras.layers.Embedding(
        N_CODES, EMBEDDING_DIM, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=seed)
    )
    core = core_of(keras, shape, dropout, seed + 1)
    parts = core([ins["numbers"], embed(ins["codes"]), ins["there"], ins["static"]])
    idle = parts[:, 0:1] - keras.ops.softplus(parts[:, 1:2]) * ins["longer"]
    filled = parts[:, 2:3] + parts[:, 3:4] * ins["longer"]
    return Network(keras.Model(ins, keras.layers.Concatenate()([idle, filled])), embed, core)


def core_of(keras: Any, shape: Shape, dropout: float, seed: int) -> Any:
    """Return the model from days and covariates to the ``N_PARTS``: a straight line of the covariates and a bend."""
    n_steps = shape.window_days + 1
    numbers = keras.Input((n_steps, len(NUMBERS)))
    embedded = keras.Input((n_steps, EMBEDDING_DIM))
    there = keras.Input((n_steps,), dtype="bool")
    static = keras.Input((shape.n_static,))
    read = keras.layers.LSTM(
        shape.units,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1),
    )
    state = read(keras.layers.Concatenate()([numbers, embedded]), mask=there)
    both = keras.layers.Dropout(dropout, seed=seed + 2)(keras.layers.Concatenate()([state, static]))
    last = keras.layers.Dense(N_PARTS, kernel_initializer="zeros", name=LAST_LAYER)
    bent = last(dense(keras, shape.units, seed + 3)(both))
    straight = keras.layers.Dense(N_PARTS, kernel_initializer="zeros", use_bias=False)(static)
    return keras.Model([numbers, embedded, there, static], keras.layers.Add()([bent, straight]))


def compiled(network: Network, steps: int, learning_rate: float, weight_decay: float) -> None:
    """Make the network ready for so many training steps with AdamW and a cosine that leads to zero."""
    keras = keras_library()
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=learning_rate, warmup_steps=max(int(steps * WARM_UP), 1)
    )
    optimizer = keras.optimizers.AdamW(rates, weight_decay=weight_decay, clipnorm=1.0)
    optimizer.build(network.whole.trainable_variables)
    network.whole.compile(optimizer, loss=hurdle_loss(keras))


def begun(network: Network, inactive: float, filled: float) -> None:
    """Have an untrained network tell everybody the same chance of no activity and the same fill.

    Rare days would need more steps than there are to be learnt from even chances.
    """
    network.core.get_layer(LAST_LAYER).bias.assign(np.array([logit(inactive), 0.0, logit(filled), 0.0]))


def state_of(network: Network) -> list[NDArray[Any]]:
    """Return copies of all that training changes: weights, states of the optimizer and of what is drawn at random."""
    to_numpy = keras_library().ops.convert_to_numpy
    return [np.array(to_numpy(variable.value)) for variable in changing(network)]


def restart(network: Network, state: list[NDArray[Any]]) -> None:
    """Put a network back to a state; it needs not be compiled again."""
    for variable, value in zip(changing(network), state, strict=True):
        variable.assign(value)


def changing(network: Network) -> list[Any]:
    """Return the variables that training changes."""
    return [
        *network.whole.trainable_variables,
        *network.whole.non_trainable_variables,
        *network.whole.optimizer.variables,
    ]


def hurdle_loss(keras: Any) -> Callable[[Any, Any], Any]:
    """Return the loss of both log-odds, ``(n, 2)``, given what ``sequence_inputs.outcomes`` tells, ``(n, 3)``."""

    def loss(y_true: Any, y_pred: Any) -> Any:
        surprise = keras.ops.softplus(y_pred) - y_true[:, :2] * y_pred
        return surprise[:, 0] + y_true[:, 2] * surprise[:, 1]

    return loss


def told(network: Network, inputs: Inputs, batch: int) -> NDArray[np.float64]:
    """Return both log-odds of each row, ``(n, 2)``, in batches of one size: compiled once."""
    return in_batches(lambda part: np.asarray(network.whole.predict_on_batch(part)), inputs, batch)


def in_batches(work: Callable[[Inputs], NDArray[np.floating]], inputs: Inputs, batch: int) -> NDArray[np.float64]:
    """Return what is made of the rows, a batch at a time; the last batch is filled with its last row."""
    n = len(inputs["static"])
    parts = []
    for first in range(0, n, batch):
        rows = np.minimum(np.arange(first, first + batch), n - 1)
        parts.append(work({name: values[rows] for name, values in inputs.items()}))
    return np.concatenate(parts)[:n].astype(np.float64)
