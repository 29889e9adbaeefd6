"""Importing this module registers every command."""

from foretide.cli import data, insight, show

__all__ = ["data", "insight", "show"]
