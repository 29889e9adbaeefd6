"""Steady and sparse series side by side: each kind is forecast in its own way, and neither spoils the other."""

import numpy as np
import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.features.calendar import CALENDAR
from foretide.forecast.catalogue import TREES
from foretide.forecast.engine import ENSEMBLE, run
from foretide.forecast.kinds import SPARSE, STEADY, kinds
from foretide.forecast.spread import EXCESS, dispersion
from foretide.schema import Panel

N_STEPS, H = 420, 28


def panel(y):
    return Panel([f"s{i}" for i in range(len(y))], np.datetime64("2023-01-02") + np.arange(y.shape[1]), y)


def both(n=40, seed=0):
    """Return steady counts, sparse ones, and the true mean of each."""
    rng = np.random.default_rng(seed)
    mean = np.r_[rng.uniform(30, 90, n), rng.uniform(0.1, 0.9, n)]
    return rng.negative_binomial(2.0, 2.0 / (2.0 + mean[:, None]), (2 * n, N_STEPS)).astype(float), mean


@pytest.fixture(scope="module")
def told():
    y, _ = both()
    return run(panel(y[:, :-H]), H)


def test_series_with_many_zeros_are_a_kind_of_their_own():
    y, _ = both()
    found = {kind.name: kind.rows.tolist() for kind in kinds(y)}
    assert found == {STEADY: list(range(40)), SPARSE: list(range(40, 80))}
    assert [kind.name for kind in kinds(np.zeros((3, 90)))] == [STEADY]
    assert [kind.name for kind in kinds(np.zeros((3, 5)))] == [STEADY]


def test_each_kind_is_told_as_if_the_other_were_not_there(told):
    y, _ = both()
    for kind in kinds(y):
        alone = run(panel(y[kind.rows, :-H]), H)
        np.testing.assert_allclose(told.forecast.mean[kind.rows], alone.forecast.mean)
        np.testing.assert_array_equal(told.forecast.intervals[80][1][kind.rows], alone.forecast.intervals[80][1])
        mine = told.backtest.filter(series=kind.name).drop("series")
        assert mine.equals(alone.backtest.drop("series"))


def test_the_backtest_of_all_has_the_models_that_all_were_tried_with(told):
    models = {name: set(rows["model"]) for (name,), rows in told.backtest.group_by("series")}
    assert models["all"] == models[STEADY] - {TREES}
    assert TREES in models[STEADY]
    assert models[SPARSE] - models[STEADY] == {"Croston", "TSB"}
    assert "sparse_series" in told.notes
    n = pl.col("mase") * pl.lit(0.5)
    halves = told.backtest.filter(pl.col("series") != "all", model=ENSEMBLE).select(n.sum()).item()
    assert told.backtest.filter(series="all", model=ENSEMBLE)["mase"].item() == pytest.approx(halves)


def test_means_of_sparse_counts_are_right_and_their_intervals_are_counts(told):
    y, mean = both()
    sparse = slice(40, None)
    assert told.forecast.mean[sparse].sum() == pytest.approx(H * mean[sparse].sum(), rel=0.08)
    assert np.sqrt(np.mean((told.forecast.mean[sparse].mean(axis=1) - mean[sparse]) ** 2)) < 0.1
    for level, (lo, hi) in told.forecast.intervals.items():
        inside = (lo <= y[:, -H:]) & (y[:, -H:] <= hi)
        assert inside[sparse].mean() > level / 100 - 0.02
        np.testing.assert_array_equal(hi, np.round(hi))


def test_the_spread_of_counts_is_found():
    rng = np.random.default_rng(1)
    mean = rng.uniform(0.2, 2.0, (60, 1, 1)) * np.ones((60, 8, 28))
    assert dispersion(rng.poisson(mean).astype(float), mean).mean() == pytest.approx(1.0, abs=0.05)
    wide = rng.negative_binomial(mean / 2.0, 1 / 3.0).astype(float)  # variance three times the mean
    assert dispersion(wide, mean).mean() == pytest.approx(3.0, rel=0.1)
    assert EXCESS[-1] == 1.0


def test_a_model_asked_for_is_tried_and_named():
    y, _ = both(8)
    more = run(panel(y), 7, models=["ridge"])
    assert "ridge" in set(more.weights["model"])
    assert {"all", STEADY, SPARSE} == set(more.backtest.filter(model="ridge")["series"])
    with pytest.raises(UsageError, match="oracle"):
        run(panel(y), 7, models=["oracle"])


def test_known_events_come_back_ahead():
    """Every fourth Wednesday of a panel is a feast of twice the usual counts; the next one is known."""
    rng = np.random.default_rng(2)
    y = rng.poisson(80.0, (20, N_STEPS)).astype(float)
    feasts = np.arange(2, N_STEPS + H, 28)
    y[:, feasts[feasts < N_STEPS]] *= 2
    days = panel(y).dates[0] + feasts
    calendar = pl.DataFrame([("feast", day.item(), day.item(), None) for day in days], schema=CALENDAR, orient="row")
    ahead = feasts[feasts >= N_STEPS][0] - N_STEPS
    plain, aware = (
        run(panel(y), H, models=models, events=known).forecast.median.mean(axis=0)
        for models, known in (((), None), ((TREES,), calendar))
    )
    assert aware[ahead] == pytest.approx(160, rel=0.1)
    assert np.delete(aware, ahead) == pytest.approx(80, rel=0.1)
    assert plain[ahead] < 120


def test_events_need_days():
    y, _ = both(4)
    hours = Panel(["a", "b"], np.datetime64("2024-01-01T00") + np.arange(N_STEPS), y[:2])
    with pytest.raises(UsageError, match="by day"):
        run(hours, 24, events=CALENDAR.to_frame())
