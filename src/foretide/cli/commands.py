"""Importing this module registers every command."""

from foretide.cli import data, evolution, insight, show, trust, upkeep

__all__ = ["data", "evolution", "insight", "show", "trust", "upkeep"]
