"""Scores of chances against scikit-learn's."""

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from foretide.users.scores import QUALITY, RELIABILITY, THRESHOLD, calibration_error, quality, reliability, scores


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
    said = chance >= THRESHOLD
    assert told.accuracy == pytest.approx(sk.accuracy_score(happened, said))
    assert told.precision == pytest.approx(sk.precision_score(happened, said))
    assert told.recall == pytest.approx(sk.recall_score(happened, said))
    assert told.f1 == pytest.approx(sk.f1_score(happened, said))


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


def test_what_cannot_be_said_of_a_verdict_is_null():
    nobody = scores(np.zeros(3), np.array([0.1, 0.2, 0.3]))
    assert (nobody.accuracy, nobody.precision, nobody.recall, nobody.f1) == (1.0, None, None, None)
    unseen = scores(np.ones(2), np.array([0.1, 0.2]))
    assert (unseen.accuracy, unseen.precision, unseen.recall, unseen.f1) == (0.0, None, 0.0, 0.0)


def test_the_reliability_of_chances_that_come_true_lies_on_the_diagonal():
    rng = np.random.default_rng(3)
    chance = rng.beta(1, 2, 20_000)
    table = reliability((rng.random(20_000) < chance).astype(float), chance)
    assert table.schema == RELIABILITY
    assert table.height == 10
    assert table["n"].sum() == 20_000
    assert table["chance"].is_sorted()
    assert (table["frequency"] - table["chance"]).abs().max() < 0.04
    within = table.select(pl.col("chance").is_between("lo", "hi")).to_series()
    assert within.sum() >= 8


def test_reliability_adds_up_to_the_calibration_error(judged):
    happened, chance = judged
    table = reliability(happened, chance)
    distance = ((table["chance"] - table["frequency"]).abs() * table["n"]).sum() / table["n"].sum()
    assert distance == pytest.approx(calibration_error(happened, chance))


def test_the_interval_of_a_frequency_is_wilsons():
    from scipy.stats import binomtest

    table = reliability(np.array([1.0] * 3 + [0.0] * 17), np.full(20, 0.2))
    oracle = binomtest(3, 20).proportion_ci(method="wilson")
    assert table.select("lo", "hi").row(0) == pytest.approx((oracle.low, oracle.high))


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
