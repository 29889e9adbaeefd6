"""One neural network over all series of a panel: an LSTM, and a plain network beside it.

A window of the past goes in, the quantiles of all steps ahead come out at once. The network corrects a smoothing, or
the season of its window, and before training does not correct it at all: training that does not help on the
validation days is thrown away. Needs the extra ``neural``.

References
----------
Hochreiter and Schmidhuber (1997), Long short-term memory. Wen et al. (2017), A multi-horizon quantile recurrent
forecaster. Loshchilov and Hutter (2019), Decoupled weight decay regularization. Keefer and Bodily (1983), Three-point
approximations for continuous random variables (the mean from three quantiles). See also ``neural_windows``.
"""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from foretide.errors import MissingExtraError, UsageError
from foretide.forecast.method import Ahead, Method, check_horizon
from foretide.forecast.neural_training import MEDIAN, QUANTILES, Training, said, train
from foretide.forecast.neural_windows import LEAST_YEAR_DAYS, Layout, smoothed, width, windows
from foretide.schema import Floats, Forecast, Panel

#: The mean of a skewed distribution from its quantiles at .1, .5 and .9 (Swanson's rule).
MEAN_WEIGHTS = (0.0, 0.3, 0.4, 0.3, 0.0)
#: What is added to the head's outputs, so that the first intervals are those of normal errors of the usual change.
FIRST_GAPS = (-0.2, 0.74, 0.0, 0.74, -0.2)
#: Share of the steps in which the learning rate rises.
WARM_UP = 0.05
WEIGHTS_FILE = "weights.npz"
PARAMETERS_FILE = "network.json"


def keras_library() -> Any:
    """Return keras; its backend is JAX unless ``KERAS_BACKEND`` says otherwise.

    Raises
    ------
    MissingExtraError
        If keras or its backend is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        import keras
    except ImportError as error:
        raise MissingExtraError(
            f'a neural forecast needs {error.name or "keras"}; pip install "foretide[neural]"'
        ) from error
    return keras


@dataclass
class GlobalNetwork(Training, Method):
    """What the networks share: windows, training, forecasts.

    ``ahead`` trains once, on what was known at the first origin, and forecasts from every origin with the window
    that ends there. Trained again only if what was known or ``h`` differs. A loaded network is not trained again.

    Parameters
    ----------
    window
        Steps of the past that are seen; two seasons if they are longer.
    units
        Width of the layers.
    learning_rate, weight_decay
        Of AdamW, at the end of the warm-up; a cosine leads to zero.
    season_length
        Steps of a season; 1 for none.
    steps, batch, patience, check_every, smoothing, rng, progress
        As ``Training``.
    """

    pools: ClassVar[bool] = True
    learns_once: ClassVar[bool] = True

    window: int = 56
    units: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    season_length: int = 7
    layout_: Layout | None = field(default=None, init=False, repr=False, compare=False)
    network_: Any = field(default=None, init=False, repr=False, compare=False)
    learnt_: Floats | None = field(default=None, init=False, repr=False, compare=False)
    days_: tuple[float, float] = field(default=(0.0, 1.0), init=False, repr=False, compare=False)

    @abstractmethod
    def context(self, keras: Any, past: Any, static: Any) -> Any:
        """Return what the network makes of a window, ``(n, units)``."""

    def fit(self, panel: Panel) -> Self:
        """Take in the past of a panel, as ``Method.fit``; training waits until a horizon is known."""
        day = np.timedelta64(1, "D")
        first, last = panel.dates[0].astype("datetime64[s]"), panel.dates[-1].astype("datetime64[s]")
        step = float((last - first) / day) / (panel.n_steps - 1) if panel.n_steps > 1 else 1.0
        self.days_ = float((first - np.datetime64("1970-01-01")) / day), step
        return super().fit(panel)

    def predict(self, h: int) -> Forecast:
        """Return the forecast after the panel with intervals at 80 and 95, as ``Method.predict``."""
        point = super().predict(h)
        told = np.moveaxis(self.predict_quantiles(h), 2, 0)
        return Forecast(
            point.ids, point.dates, point.mean, point.median, {80: (told[1], told[3]), 95: (told[0], told[4])}
        )

    def predict_quantiles(self, h: int) -> Floats:
        """Return ``QUANTILES`` of the ``h`` steps after the panel, ``(n_series, h, n_quantiles)``; they do not cross.

        Raises
        ------
        UsageError
            As ``predict``.
        """
        if self.panel_ is None:
            raise UsageError(f"{type(self).__name__} has not seen a panel; call fit first")
        check_horizon(h)
        return self.quantiles_ahead(self.panel_.y, [self.panel_.n_steps], h)[:, 0]

    def ahead(self, y: Floats, origins: Sequence[int], h: int) -> Ahead:
        """Return forecasts from each origin, as ``Method.ahead``; training ends before the first origin."""
        told = self.quantiles_ahead(y, origins, h)
        return Ahead(told @ np.array(MEAN_WEIGHTS), told[..., MEDIAN])

    def quantiles_ahead(self, y: Floats, origins: Sequence[int], h: int) -> Floats:
        """Return ``QUANTILES`` after each origin, ``(n_series, n_origins, h, n_quantiles)``; NaN as in ``ahead``."""
        z = np.log1p(np.maximum(y, 0.0))
        order = np.lexsort(np.nan_to_num(z[:, : origins[0]], nan=-1.0).T)  # training must not depend on the order
        z = z[order]
        layout = self._learnt(z[:, : origins[0]], h)
        series, cut = np.nonzero(np.isfinite(z[:, np.asarray(origins) - 1]))
        guess = smoothed(z, origins, layout)[series, cut] if self.smoothing else None
        cuts = windows(z, series, np.asarray(origins)[cut], layout, first_guess=guess)
        told = np.full((len(z), len(origins), h, len(QUANTILES)), np.nan)
        told[order[series], cut] = cuts.to_counts(said(self.network_, cuts.inputs, self.batch))[:, :h]
        return told

    def save(self, folder: Path) -> None:
        """Write the trained network: its weights and, as JSON, its parameters.

        Raises
        ------
        UsageError
            If nothing was trained.
        """
        if self.network_ is None or self.layout_ is None:
            raise UsageError(f"{type(self).__name__} is not trained; ask it for a forecast first")
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / WEIGHTS_FILE, *weights_of(self.network_))
        told = {"kind": type(self).__name__, "parameters": self._parameters(), "layout": asdict(self.layout_)}
        (folder / PARAMETERS_FILE).write_text(json.dumps(told, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return a network that was saved; it forecasts any panel up to its horizon without being trained again.

        Raises
        ------
        UsageError
            If the folder holds none, or another kind of network.
        """
        if not (folder / PARAMETERS_FILE).exists():
            raise UsageError(f"{folder} holds no network; save a trained one there first")
        told = json.loads((folder / PARAMETERS_FILE).read_text())
        if told["kind"] != cls.__name__:
            raise UsageError(f"{folder} holds a {told['kind']}, not a {cls.__name__}")
        loaded = cls(**told["parameters"])
        loaded.layout_ = Layout(**told["layout"])
        loaded.days_ = loaded.layout_.first_day, loaded.layout_.step_days
        loaded.network_ = built(loaded, loaded.layout_)
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as weights:
            loaded.network_.set_weights([weights[name] for name in weights.files])
        return loaded

    def _parameters(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init and f.name != "progress"}

    def _learnt(self, z: Floats, h: int) -> Layout:
        """Train on all of ``z``, unless that was done; return the layout with the calendar of the panel at hand."""
        loaded = self.network_ is not None and self.learnt_ is None
        if loaded and self.layout_ is not None:
            if h > self.layout_.h:
                raise UsageError(f"the network was trained for {self.layout_.h} steps ahead, not {h}")
            return replace(self.layout_, first_day=self.days_[0], step_days=self.days_[1])
        yearly = z.shape[1] * self.days_[1] >= LEAST_YEAR_DAYS
        layout = Layout(self.window, self.season_length, h, yearly, *self.days_)
        if layout != self.layout_ or self.learnt_ is None or not np.array_equal(z, self.learnt_, equal_nan=True):
            self.network_ = built(self, layout)
            train(self.network_, z, layout, self, weights_of)
            self.layout_, self.learnt_ = layout, z.copy()
        return layout


@dataclass
class GlobalLSTM(GlobalNetwork):
    """An LSTM that reads the past season by season."""

    def context(self, keras: Any, past: Any, static: Any) -> Any:
        """Return the last state beside what is known of the series, as ``GlobalNetwork.context``."""
        read = keras.layers.LSTM(
            self.units,
            unroll=True,
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.rng + 1),
            recurrent_initializer=keras.initializers.Orthogonal(seed=self.rng + 2),
        )
        return dense(keras, self.units, self.rng + 3)(keras.layers.Concatenate()([read(past), static]))


@dataclass
class GlobalMLP(GlobalNetwork):
    """Two dense layers over the whole window at once."""

    def context(self, keras: Any, past: Any, static: Any) -> Any:
        """Return the second layer, as ``GlobalNetwork.context``."""
        whole = keras.layers.Concatenate()([keras.layers.Flatten()(past), static])
        return dense(keras, self.units, self.rng + 2)(dense(keras, self.units, self.rng + 1)(whole))


def dense(keras: Any, units: int, seed: int) -> Any:
    """Return a dense layer whose beginning follows from the seed alone."""
    start = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Dense(units, activation="gelu", kernel_initializer=start)


def built(model: GlobalNetwork, layout: Layout) -> Any:
    """Return the network, not trained: it says the first guess, with intervals of about the usual change."""
    keras = keras_library()
    ins = {name: keras.Input(shape, name=name) for name, shape in width(layout).items()}
    context = model.context(keras, ins["past"], ins["static"])
    each = keras.layers.Concatenate()([keras.layers.RepeatVector(layout.h)(context), ins["ahead"]])
    each = dense(keras, model.units, model.rng + 4)(each)
    raw = keras.layers.Dense(len(QUANTILES), kernel_initializer="zeros")(each) + np.array(FIRST_GAPS, np.float32)
    middle = raw[..., MEDIAN : MEDIAN + 1]
    gaps = keras.ops.softplus(raw)
    below = [-gaps[..., 1:2] - gaps[..., 0:1], -gaps[..., 1:2]]
    above = [gaps[..., 3:4], gaps[..., 3:4] + gaps[..., 4:5]]
    spread = keras.layers.Concatenate()([*below, keras.ops.zeros_like(middle), *above])
    network = keras.Model(ins, ins["base"] + ins["scale"] * (middle + spread))
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, model.steps, warmup_target=model.learning_rate, warmup_steps=max(int(model.steps * WARM_UP), 1)
    )
    optimizer = keras.optimizers.AdamW(rates, weight_decay=model.weight_decay, clipnorm=1.0)
    network.compile(optimizer, loss=pinball_loss(keras))
    return network


def weights_of(network: Any) -> list[Any]:
    """Return copies of the weights; keras' own ``get_weights`` warns about numpy 2."""
    to_numpy = keras_library().ops.convert_to_numpy
    return [np.array(to_numpy(weight.value)) for weight in network.weights]


def pinball_loss(keras: Any) -> Callable[[Any, Any], Any]:
    """Return the mean pinball loss over ``QUANTILES``, ``(n, h)``."""
    levels = np.array(QUANTILES, dtype=np.float32)

    def loss(y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        return keras.ops.mean(keras.ops.maximum(levels * error, (levels - 1) * error), axis=-1)

    return loss


def lstm_regression(
    past: Floats, target: Floats, asked: Floats, units: int, epochs: int, batch: int, rng: int
) -> Floats:
    """Train ``LSTM(units, relu) -> Dense(1)`` on squared errors with Adam; return what it says, ``(n_asked,)``.

    Parameters
    ----------
    past, asked
        ``(n, n_steps, n_features)`` and ``(n_asked, n_steps, n_features)``.
    target
        ``(n,)``.
    units, epochs, batch, rng
        Width, passes over the windows, windows a step, seed.
    """
    keras = keras_library()
    read = keras.layers.LSTM(
        units,
        activation="relu",
        unroll=True,
        kernel_initializer=keras.initializers.GlorotUniform(seed=rng),
        recurrent_initializer=keras.initializers.Orthogonal(seed=rng + 1),
    )
    last = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=rng + 2))
    network = keras.Sequential([keras.Input(past.shape[1:]), read, last])
    network.compile("adam", loss="mse")
    draw, n_batches = np.random.default_rng(rng), -(-len(past) // batch)
    for _ in range(epochs):
        for rows in np.resize(draw.permutation(len(past)), (n_batches, batch)):  # the last one is filled from the first
            network.train_on_batch(past[rows].astype(np.float32), target[rows, None].astype(np.float32))
    return np.asarray(network.predict_on_batch(asked.astype(np.float32)), dtype=np.float64)[:, 0]
