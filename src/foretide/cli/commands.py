"""Importing this module registers every command."""

from foretide.cli import (
    changes,
    data,
    evolution,
    forecasts,
    insight,
    models,
    population,
    segments,
    show,
    train,
    tune,
    upkeep,
    users,
)

__all__ = [
    "changes",
    "data",
    "evolution",
    "forecasts",
    "insight",
    "models",
    "population",
    "segments",
    "show",
    "train",
    "tune",
    "upkeep",
    "users",
]
