"""What can be tuned of each model of users, and between which bounds.

A search space names settings of a model, each with the values that it may take. The bounds lie about two orders of
magnitude around the default where the scale is logarithmic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from foretide.errors import UsageError

#: The values of settings by name; none of them means the default of the model.
Parameters = dict[str, float | int | str]
#: A grid has this many points along each range.
GRID_POINTS = 4
#: The last share of a range at either end counts as its edge.
EDGE = 0.02
#: Values are written with so many significant digits: more make no difference to a model, and cannot be read.
DIGITS = 4


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; evenly spread over their logarithms if ``log``."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> float | int:
        """Return the number that lies this share of the way from ``low`` to ``high``."""
        step = self.high / self.low if self.log else self.high - self.low
        number = self.low * step**share if self.log else self.low + step * share
        return round(number) if self.whole else tidy(number)

    def at_edge(self, number: float) -> bool:
        """Tell whether a number lies so near to an end that a better one may lie beyond."""
        return not self.at(EDGE) < number < self.at(1 - EDGE)

    def grid(self) -> list[float | int]:
        """Return ``GRID_POINTS`` numbers, both ends among them; fewer where whole numbers coincide."""
        return list(dict.fromkeys(self.at(share) for share in np.linspace(0, 1, GRID_POINTS)))


@dataclass(frozen=True)
class Choice:
    """Some values without an order."""

    options: tuple[str, ...]

    def at(self, share: float) -> str:
        """Return the option that a share from 0 to 1 falls on."""
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def grid(self) -> list[str]:
        """Return all options."""
        return list(self.options)


Space = Mapping[str, Range | Choice]

_PENALTY_C = {"penalty_c": Range(1e-5, 10.0, log=True)}
_PENALTY = {"penalty": Range(1e-4, 1e4, log=True)}

#: The settings of each model by their names in ``foretide.users.models.user_model``.
SPACES: dict[str, Space] = {
    "glm": _PENALTY_C,
    "hazard": _PENALTY_C,
    "bgnbd": _PENALTY,
    "mbgnbd": _PENALTY,
    "paretonbd": _PENALTY,
    "lightgbm": {
        "learning_rate": Range(0.01, 0.2, log=True),
        "n_estimators": Range(50, 800, log=True, whole=True),
        "num_leaves": Range(4, 63, log=True, whole=True),
        "min_child_samples": Range(10, 1000, log=True, whole=True),
        "colsample_bytree": Range(0.2, 1.0),
        "reg_lambda": Range(0.1, 100.0, log=True),
    },
    "tree": {"min_samples_leaf": Range(20, 2000, log=True, whole=True), "max_features": Range(0.2, 1.0)},
    "forest": {
        "min_samples_leaf": Range(3, 300, log=True, whole=True),
        "max_features": Range(0.1, 1.0),
        "max_samples": Range(0.1, 0.9),
    },
    "svm": {"C": Range(0.01, 10.0, log=True), "gamma": Range(1e-4, 0.1, log=True)},
    "mlp": {
        "alpha": Range(1e-2, 100.0, log=True),
        "learning_rate_init": Range(1e-4, 1e-2, log=True),
        "batch_size": Range(64, 1024, log=True, whole=True),
        "activation": Choice(("relu", "tanh")),
    },
    "lstm": {
        "units": Range(8, 64, log=True, whole=True),
        "dropout": Range(0.0, 0.5),
        "learning_rate": Range(3e-4, 3e-2, log=True),
    },
}


def space_of(model: str) -> Space:
    """Return the search space of a model.

    Raises
    ------
    UsageError
        If there is nothing to tune.
    """
    if model not in SPACES:
        raise UsageError(f"there is nothing to tune of a model {model!r}; choose one of {', '.join(SPACES)}")
    return SPACES[model]


def drawn(space: Space, rng: np.random.Generator) -> Parameters:
    """Return a point of a space at random."""
    return {name: values.at(float(rng.random())) for name, values in space.items()}


def edges(space: Space, point: Parameters) -> list[str]:
    """Return which settings of a point lie at an end of their range."""
    ranges = {name: values for name, values in space.items() if isinstance(values, Range)}
    return [name for name, values in ranges.items() if name in point and values.at_edge(float(point[name]))]


def tidy(number: float) -> float:
    """Return a number with ``DIGITS`` significant digits."""
    return float(f"{number:.{DIGITS}g}")
