"""foretide predicts how users' behaviour evolves and feeds that into recommendation.

Importing the package loads nothing heavy; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretide.forecast.frames import forecast as forecast
    from foretide.workspace import Workspace as Workspace

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__", "forecast"]

_HOMES = {"Workspace": "foretide.workspace"}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name == "forecast":  # the package, which can be called
        return import_module("foretide.forecast")
    if name not in _HOMES:
        raise AttributeError(f"module 'foretide' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
