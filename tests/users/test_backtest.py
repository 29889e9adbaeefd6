"""Models beside the simple rates: one table of all scores, and how sure a difference is."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.users.backtest import (
    COMPARISON,
    POPULATION_RATE,
    STAGE_RATE,
    Trial,
    backtest,
    bias,
    compare,
    days_quality,
    trial,
)
from foretide.users.cutoffs import LEAD_DAYS
from foretide.users.margins import MARGINS, interval_of_mean, margins
from foretide.users.scores import QUALITY
from users.visiting import HORIZON, N_DAYS, START, seen_and_test


@pytest.fixture(scope="module")
def compared():
    rows = pl.concat(seen_and_test())
    of = trial(START, START + timedelta(days=N_DAYS), HORIZON, "UTC")
    return rows, of, compare(rows, of, ["glm", "bgnbd"])


def test_each_group_has_all_models_and_both_rates(compared):
    table = compared[2]
    assert table.schema == COMPARISON
    assert {"all", "eligible", "churned"} <= set(table["stage"])
    for _, group in table.group_by("stage"):
        assert group["model"].to_list() == ["glm", "bgnbd", STAGE_RATE, POPULATION_RATE]
        assert group["n"].n_unique() == group["baseline"].n_unique() == 1


def test_the_scores_are_those_of_the_backtest(compared):
    rows, of, table = compared
    alone = backtest(rows, of)
    glm = table.filter(pl.col("model") == "glm").select(QUALITY.names())
    assert glm.drop("model").equals(alone.filter(pl.col("model") == "foretide").drop("model"))


def test_the_margin_is_the_difference_to_the_better_rate(compared):
    for _, group in compared[2].group_by("stage"):
        loss = dict(group.select("model", "log_loss").iter_rows())
        best = min(loss[STAGE_RATE], loss[POPULATION_RATE])
        assert loss[group["baseline"][0]] == best
        assert group["margin"].to_list() == pytest.approx([value - best for value in loss.values()])
        assert group.select((pl.col("margin_lo") <= pl.col("margin") + 1e-12).all()).item()
        assert group.select((pl.col("margin") <= pl.col("margin_hi") + 1e-12).all()).item()


def test_a_model_that_knows_more_is_better_for_sure(compared):
    everyone = compared[2].filter(pl.col("stage") == "all").rows_by_key("model", named=True, unique=True)
    assert everyone["glm"]["margin_hi"] < 0
    assert everyone[POPULATION_RATE]["margin_lo"] > 0
    assert everyone["glm"]["days_rmse"] < everyone[STAGE_RATE]["days_rmse"]


def test_nothing_to_learn_from_or_nobody_to_test_on_is_an_empty_table(compared):
    rows, of, _ = compared
    assert compare(rows, Trial([], of.test), ["glm"]).equals(pl.DataFrame(schema=COMPARISON))
    nobody = (START - timedelta(days=LEAD_DAYS), HORIZON)
    assert compare(rows, Trial(of.training, nobody), ["glm"]).equals(pl.DataFrame(schema=COMPARISON))


def test_margins_can_be_taken_against_another_model(compared):
    rows, of, _ = compared
    table = compare(rows, of, ["glm", "bgnbd"], against=["glm"]).filter(pl.col("stage") == "all")
    loss = dict(table.select("model", "log_loss").iter_rows())
    assert set(table["baseline"]) == {"glm"}
    assert table["margin"].to_list() == pytest.approx([value - loss["glm"] for value in loss.values()])
    with pytest.raises(UsageError, match="against 'stack' need it among"):
        compare(rows, of, ["glm"], against=["stack"])


def test_an_unknown_model_is_refused_before_anything_is_learnt(compared):
    with pytest.raises(UsageError, match="no model 'oracle'"):
        compare(compared[0], compared[1], ["glm", "oracle"])


def test_days_are_judged_by_root_mean_square_and_sum():
    seen = pl.DataFrame({"stage": ["new", "new"], "active_days_ahead": [3, 1]})
    row = days_quality(seen, {"m": np.array([5.0, 1.0])}).filter(pl.col("stage") == "all").row(0, named=True)
    assert row["days_rmse"] == pytest.approx(2**0.5)
    assert row["days_bias"] == pytest.approx(0.5)
    assert bias(np.zeros(2), np.ones(2)) is None


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 1.0, (2, 2500))
    for mean, lo, hi in zip(values.mean(axis=1), *interval_of_mean(values, rng), strict=True):
        assert (hi - lo) / 2 == pytest.approx(1.96 / 50, rel=0.15)
        assert (hi + lo) / 2 == pytest.approx(mean, abs=0.005)


def test_a_baseline_differs_from_itself_by_nothing():
    seen = pl.DataFrame({"stage": ["new"] * 4, "inactive": [True, False, True, True]})
    table = margins(seen, {"rate": np.full(4, 0.75), "wrong": np.full(4, 0.25)}, ["rate"])
    assert table.schema == MARGINS
    assert table.filter(pl.col("model") == "rate").select("margin", "margin_lo", "margin_hi").unique().row(0) == (
        0,
        0,
        0,
    )
    assert (table.filter(pl.col("model") == "wrong")["margin"] > 0).all()
