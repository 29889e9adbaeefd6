"""Every model that can be asked for by name is one, and is tried beside the candidates."""

import numpy as np
import polars as pl
import pytest

import foretide.forecast
from foretide.errors import UsageError
from foretide.forecast.arima import Arima, AutoArima
from foretide.forecast.catalogue import BY_THEMSELVES, MODELS
from foretide.forecast.engine import FORECASTERS, run
from foretide.forecast.on_request import ON_REQUEST, requested
from foretide.forecast.regression import LEARNERS, LagRegression
from foretide.forecast.theta import Theta
from foretide.schema import Panel

CHEAP = ["theta", "arima", "arima(1,0,1)", "arima(0,1,1)(0,1,1)", "ridge", "tree", "tree-recursive"]


def panel(n_steps=98):
    rng = np.random.default_rng(0)
    mean = rng.uniform(20, 60, (4, 1)) * (1 + 0.4 * np.sin(2 * np.pi * np.arange(n_steps) / 7))
    return Panel([*"abcd"], np.datetime64("2024-01-01") + np.arange(n_steps), rng.poisson(mean).astype(float))


def test_every_name_makes_a_method_for_the_season():
    for name, method in requested(list(ON_REQUEST), 24).items():
        assert method.season_length == 24, name
    kinds = {name: type(method) for name, method in requested(list(ON_REQUEST), 7).items()}
    assert (kinds["theta"], kinds["arima"], kinds["network"]) == (Theta, AutoArima, LagRegression)


def test_learners_say_each_step_or_one_after_the_other():
    made = requested([name for name in ON_REQUEST if name not in ("theta", "arima", "lstm", "mlp")], 7)
    assert {method.learner for method in made.values()} == set(LEARNERS) - {"lightgbm"}
    for name, method in made.items():
        assert method.strategy == ("recursive" if name.endswith("-recursive") else "direct")


def test_an_arima_is_named_with_its_orders():
    made = requested(["arima(5,1,2)", "arima(0, 1, 1)(0, 1, 1)"], 12)
    assert made["arima(5,1,2)"] == Arima(12, order=(5, 1, 2))
    assert made["arima(0, 1, 1)(0, 1, 1)"] == Arima(12, order=(0, 1, 1), seasonal=(0, 1, 1))


def test_what_is_asked_for_is_tried_and_weighed():
    told = run(panel(), 7, models=CHEAP)
    assert set(CHEAP) <= set(told.backtest["model"])
    assert set(CHEAP) <= set(told.weights["model"])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["oracle"], "no model 'oracle'"),
        (["HoltWinters"], "without being asked"),
        ("arima", r"\['arima'\]"),
        (["arima(1,1)"], "no model"),
        (["arima(0,1,1)(0,1,1)"], "at least 2"),
    ],
)
def test_a_name_that_cannot_be_tried_is_refused_before_anything_is(monkeypatch, names, words):
    monkeypatch.setattr("foretide.forecast.kinds.best_trial", None)
    with pytest.raises(UsageError, match=words):
        run(panel(), 7, season_length=1, models=names)


@pytest.mark.parametrize("season_length", [0, (7, -1)])
def test_a_season_has_a_step(season_length):
    with pytest.raises(UsageError, match="at least 1 step"):
        run(panel(), 7, season_length=season_length)


def test_the_list_of_models_names_all_that_can_be_had():
    options = " ".join(model.option for model in MODELS)
    for name in ON_REQUEST:
        assert name in options or name.endswith("-recursive")
    assert set(BY_THEMSELVES) | {"Theta"} >= set(FORECASTERS)


def test_a_frame_is_forecast_with_an_arima_of_given_orders():
    frame = panel().y[0]
    days = np.datetime64("2024-01-01") + np.arange(frame.size)
    told = foretide.forecast(pl.DataFrame({"ds": days, "y": frame}), 7, models=["arima(1,0,0)"])
    assert "arima(1,0,0)" in set(told.weights["model"])
