"""Splits by time: rolling origins, never random rows."""

from __future__ import annotations


def rolling_origins(n_steps: int, h: int, n_origins: int, step: int, least: int) -> list[int]:
    """Return the origins of a backtest, ascending: numbers of steps known.

    The last origin has its whole horizon inside the data; the others lie ``step`` before each other.

    Parameters
    ----------
    n_steps
        Length of the data.
    h
        Horizon in steps.
    n_origins
        Most origins wanted.
    step
        Distance between them.
    least
        Fewest steps that must be known at an origin.
    """
    last = n_steps - h
    origins = [last - k * step for k in range(n_origins)]
    return sorted(origin for origin in origins if origin >= max(least, 1))
