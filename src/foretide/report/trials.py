"""The models of users beside each other on the last whole horizon, and what the chances of the chosen one were worth.

The examples are those that the outlook learnt from and was tested on: nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import polars as pl

from foretide.outlook import Outlook
from foretide.tune.choice import chosen
from foretide.users.backtest import BASELINES, judged
from foretide.users.examples import of_pairs, with_beside
from foretide.users.margins import margins
from foretide.users.models import USER_MODELS, Chosen, UserModel, needs_of, user_model
from foretide.users.rates import Rates
from foretide.users.scores import groups, reliability
from foretide.workspace import Workspace

#: Tried in every report: those that learn in seconds.
QUICK = ("glm", "hazard", "lightgbm", "tree", "bgnbd", "mbgnbd", "paretonbd")
#: The word for all models.
ALL = "all"
#: Models that need a library which may be missing.
LIBRARIES = {"lightgbm": "lightgbm", "lstm": "keras"}


def tried(asked: Sequence[str], kept: str) -> list[str]:
    """Return the models to compare: the kept one, and those asked for, ``QUICK`` if none are, or every one for ``ALL``.

    A model whose library is missing is left out unless it is asked for by name.
    """
    names = [kept, *(name for name in asked if name != ALL)]
    more = USER_MODELS if ALL in asked else () if asked else QUICK
    return list(dict.fromkeys([*names, *(name for name in more if usable(name))]))


def usable(name: str) -> bool:
    """Tell whether the library that a model needs is there."""
    return name not in LIBRARIES or find_spec(LIBRARIES[name]) is not None


def trial_of_models(place: Workspace, seen: Outlook, horizon_days: int, asked: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a report's data on models of users; nothing if the log is too short to try them.

    Raises
    ------
    UsageError
        If there is no model of a name.
    MissingExtraError
        If a model is asked for by name and its library is missing.
    """
    for name in {*asked} - {ALL}:
        user_model(name, horizon_days)  # an unknown name is told first
    kept = chosen(place.path, horizon_days, seen.learnt.test.test[0])
    names = tried(asked, kept.name)
    models = {name: (kept if name == kept.name else Chosen(name)).make(horizon_days) for name in names}
    told, test = answers(place, seen, models)
    if not told:
        return {}
    chances = {name: table["p_inactive"].to_numpy() for name, table in told.items()}
    happened = test["inactive"].to_numpy().astype(float)
    return {
        "models": judged(test, told, tuple(BASELINES)),
        "model_margins": margins(test, chances, (kept.name,)).filter(stage="all"),
        "model_kept": kept.name,
        "models_untried": tuple(name for name in USER_MODELS if name not in names),
        "reliability": pl.concat(
            reliability(happened[there], chances[kept.name][there]).select(pl.lit(stage).alias("stage"), pl.all())
            for stage, there in groups(test).items()
        ),
    }


def answers(
    place: Workspace, seen: Outlook, models: Mapping[str, UserModel]
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return what models and the simple rates told of the users of the test, and these; no answers if it is empty."""
    learnt = seen.learnt
    needs = [need for need in needs_of(models.values()) if need not in learnt.rows.columns]
    rows = with_beside(learnt.rows, learnt.training, place.rule, needs, place.engine)
    past, test = of_pairs(rows, learnt.test.training), of_pairs(rows, [learnt.test.test])
    if past.is_empty() or test.is_empty():
        return {}, test
    told = {name: model.fit(past).predict(test) for name, model in models.items()}
    told |= {name: Rates(by).fit(past).told(test, learnt.test.test[1]) for name, by in BASELINES.items()}
    return told, test
