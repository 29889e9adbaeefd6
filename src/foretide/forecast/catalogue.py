"""The models there are; what each is good for stands in the catalogue of texts under ``models``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """A model as ``foretide models`` lists it."""

    name: str
    tried: bool = True  # by every forecast, in the backtest
    pools: bool = False  # whether the series of a panel learn from each other
    extra: str | None = None  # of the package, that it needs


MODELS = (
    Model("SeasonalNaive"),
    Model("SeasonalWindowAverage"),
    Model("SeasonalWindowMedian"),
    Model("HoltWintersLog"),
    Model("HoltWinters"),
    Model("PooledSeason", pools=True),
    Model("Croston", tried=False),
    Model("TSB", tried=False),
    Model("Adida", tried=False),
    Model("WarmHoltWinters", tried=False),
    Model("Arima", tried=False),
    Model("AutoArima", tried=False),
    Model("LagRegression", tried=False, pools=True, extra="learners"),
    Model("WithEvents", tried=False, pools=True),
    Model("GlobalLSTM", tried=False, pools=True, extra="neural"),
    Model("GlobalMLP", tried=False, pools=True, extra="neural"),
)
