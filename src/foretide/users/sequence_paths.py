"""What each input of the network over a user's days adds to its answer: integrated gradients.

Gradients are summed along the straight line from an average user to the user at hand. What is added up along a line is
the difference of the answers at its ends, whatever the network: the parts add up by themselves, but for the error of
the sum. The rule of Gauss and Legendre with ``PATH_POINTS`` points keeps that below 1e-3 (log-odds), and it is shared
out by the sizes of the parts. The number of active days is no input and is the same all along the line.

References
----------
Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks, ICML.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from foretide.errors import UsageError
from foretide.forecast.lstm import keras_library
from foretide.schema import Floats
from foretide.users.sequence_network import Inputs, Network, in_batches

#: Points of the line at which the gradient is taken.
PATH_POINTS = 24

#: Where gradients are taken: numbers and embedded categories of the days, and covariates.
Place = tuple[Any, Any, Any]


def path_integrals(network: Network, inputs: Inputs, batch: int) -> tuple[Floats, Floats]:
    """Return what each input adds to the log-odds of no activity, and the log-odds of the average user.

    Returns
    -------
    parts
        ``(n, n_numbers + 1 + n_static)``: the numbers and the category, summed over the days, and the covariates.
    base
        ``(n,)``: of a user with as many active days, whose other inputs are all average.

    Raises
    ------
    UsageError
        If the backend of keras is not JAX.
    """
    level, slope = (partial(function, weights_of(network)) for function in derived(network))
    codes_as = np.asarray(keras_library().ops.convert_to_numpy(network.embed.embeddings.value))

    def added(part: Inputs) -> Floats:
        there = part["there"]
        user = (part["numbers"], codes_as[part["codes"]] * there[..., None], part["static"])
        of_numbers, of_codes, of_static = (
            mean * x for mean, x in zip(mean_slope(slope, user, there), user, strict=True)
        )
        parts = np.column_stack([of_numbers.sum(1), of_codes.sum((1, 2)), of_static])
        base, told = (np.asarray(level(along(user, end), there), np.float64) for end in (0.0, 1.0))
        return np.column_stack([adding_up(parts, told - base), base])

    told = in_batches(added, inputs, batch)
    return told[:, :-1], told[:, -1]


def weights_of(network: Network) -> list[list[Any]]:
    """Return the weights of the network's core as they are now: those that are trained, and the others."""
    core = network.core
    return [[v.value for v in group] for group in (core.trainable_variables, core.non_trainable_variables)]


@lru_cache(maxsize=2)  # a network is taken apart again and again
def derived(network: Network) -> tuple[Callable[..., Any], Callable[..., Place]]:
    """Return the log-odds of no activity, ``(n,)``, given weights, a place and who is there, and their gradient.

    Raises
    ------
    UsageError
        If the backend of keras is not JAX.
    """
    backend = keras_library().backend.backend()
    if backend != "jax":
        raise UsageError(f"the reasons of the network need JAX, and keras runs on {backend}; set KERAS_BACKEND=jax")
    import jax

    def level(weights: list[list[Any]], place: Place, there: Any) -> Any:
        numbers, embedded, static = place
        parts, _ = network.core.stateless_call(*weights, [numbers, embedded, there, static], training=False)
        return parts[:, 0]

    return jax.jit(level), jax.jit(jax.grad(lambda *given: level(*given).sum(), argnums=1))


def mean_slope(slope: Callable[[Place, Any], Place], user: Place, there: Any) -> list[Floats]:
    """Return the mean gradient along the line from zero to a user's inputs, in their shapes."""
    points, shares = np.polynomial.legendre.leggauss(PATH_POINTS)
    mean = [np.zeros(x.shape) for x in user]
    for point, share in zip((1 + points) / 2, shares / 2, strict=True):
        for k, gradient in enumerate(slope(along(user, point), there)):
            mean[k] += share * np.asarray(gradient)
    return mean


def adding_up(parts: Floats, total: Floats) -> Floats:
    """Return parts ``(n, n_parts)`` that add up to ``(n,)``: what is missing is shared out by their sizes."""
    size = np.abs(parts)
    whole = size.sum(axis=1)
    missing = np.divide(total - parts.sum(axis=1), whole, out=np.zeros_like(whole), where=whole > 0)
    return np.asarray(parts + size * missing[:, None])


def along(user: Place, share: float) -> Place:
    """Return the place so far along the line from zero to a user's inputs."""
    numbers, embedded, static = (np.float32(share) * x for x in user)
    return numbers, embedded, static
