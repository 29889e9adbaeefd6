"""The models there are; what each is good for stands in the catalogue of texts under ``models``."""

from __future__ import annotations

from dataclasses import dataclass

#: The boosted trees, which are not weighed with the candidates but have their share beside them.
TREES = "lightgbm"
#: What is tried beside the candidates if nothing is said.
BY_DEFAULT = (TREES,)


@dataclass(frozen=True)
class Model:
    """A model as ``foretide models`` lists it."""

    name: str
    tried: str = ""  # by every forecast: on "all" series, or on "sparse" or "steady" ones
    option: str = ""  # of the commands, that has it tried
    pools: bool = False  # whether the series of a panel learn from each other
    extra: str = ""  # of the package, that it needs


MODELS = (
    Model("SeasonalNaive", "all"),
    Model("SeasonalWindowAverage", "all"),
    Model("SeasonalWindowMedian", "all"),
    Model("HoltWintersLog", "all"),
    Model("HoltWinters", "all"),
    Model("PooledSeason", "all", pools=True),
    Model("Adida", "all"),
    Model("Croston", "sparse"),
    Model("TSB", "sparse"),
    Model("BoostedTrees", "steady", option="--model lightgbm, the default; --model none leaves it out", pools=True),
    Model("WarmHoltWinters"),
    Model("Theta", option="--model theta"),
    Model("Arima", option="--model 'arima(5,1,2)', 'arima(0,1,1)(0,1,1)' ..."),
    Model("AutoArima", option="--model arima"),
    Model(
        "LagRegression",
        option="--model ridge, tree, forest, boosting, svm, network, ridge-recursive ...",
        pools=True,
    ),
    Model("WithEvents", option="--holidays, --events", pools=True),
    Model("GlobalLSTM", option="--model lstm", pools=True, extra="neural"),
    Model("GlobalMLP", option="--model mlp", pools=True, extra="neural"),
    Model("article_lstm", extra="neural"),
)
#: Candidates and trees, by the name that ``MODELS`` gives them.
BY_THEMSELVES = tuple(model.name for model in MODELS if model.tried)
