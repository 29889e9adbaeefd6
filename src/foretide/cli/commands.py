"""Importing this module registers every command."""

from foretide.cli import data, evolution, forecasts, insight, show, upkeep

__all__ = ["data", "evolution", "forecasts", "insight", "show", "upkeep"]
