"""Scores of chances against scikit-learn's."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from foretide.users.scores import QUALITY, calibration_error, quality, scores


@pytest.fixture
def judged():
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 2, 500).round(2)  # with ties
    return (rng.random(500) < chance).astype(float), chance


def test_scores_equal_those_of_scikit_learn(judged):
    happened, chance = judged
    told = scores(happened, chance)
    assert told.log_loss == pytest.approx(log_loss(happened, np.clip(chance, 1e-6, 1 - 1e-6)))
    assert told.auc == pytest.approx(roc_auc_score(happened, chance))
    assert told.brier == pytest.approx(brier_score_loss(happened, chance))
    assert told.base_rate == happened.mean()


def test_the_calibration_error_of_a_constant_is_its_distance_to_the_base_rate(judged):
    happened, _ = judged
    error = calibration_error(happened, np.full(len(happened), 0.9))
    assert error == pytest.approx(0.9 - happened.mean())


def test_the_calibration_error_over_deciles_is_a_plain_mean(judged):
    happened, _ = judged
    chance = np.random.default_rng(2).permutation(np.linspace(0, 1, 500))  # no ties
    order = np.argsort(chance).reshape(10, 50)
    plain = np.mean([abs(chance[rows].mean() - happened[rows].mean()) for rows in order])
    assert calibration_error(happened, chance) == pytest.approx(plain)


def test_one_outcome_only_has_no_auc():
    assert scores(np.ones(3), np.array([0.2, 0.5, 0.9])).auc is None


def test_quality_is_by_stage_and_model():
    seen = pl.DataFrame({"stage": ["new", "churned", "new"], "inactive": [True, True, False]})
    table = quality(seen, {"sure": np.array([1.0, 1.0, 0.0]), "half": np.full(3, 0.5)})
    assert table.schema == QUALITY
    assert table.group_by("stage").agg(pl.col("n").first()).sort("stage").rows() == [
        ("all", 3),
        ("churned", 1),
        ("eligible", 2),
        ("new", 2),
    ]
    half = table.filter(pl.col("model") == "half")["log_loss"].to_list()
    assert half == pytest.approx([np.log(2)] * 4)
