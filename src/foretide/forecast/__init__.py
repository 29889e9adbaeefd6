"""Forecasts of count series, whole panels at a time.

The package can be called: ``foretide.forecast(frame, h=28)`` is ``foretide.forecast.frames.forecast``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """A package whose name is also its main function."""

    def __call__(self, frame: Any, h: int = 28, **options: Any) -> Any:
        """Forecast every series of a frame, as ``foretide.forecast.frames.forecast``."""
        from foretide.forecast.frames import forecast

        return forecast(frame, h, **options)


sys.modules[__name__].__class__ = CallableModule
