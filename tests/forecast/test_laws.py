"""The laws that hold for every forecaster and for the whole run."""

import numpy as np
import polars as pl
import pytest

from foretide.errors import NotEnoughDataError, UsageError
from foretide.forecast.candidates import candidates
from foretide.forecast.engine import FORECASTERS, run, run_shares
from foretide.schema import Panel

MEMBERS = {**{name: kind() for name, kind in FORECASTERS.items()}, **candidates(7)}


def panel(y):
    y = np.atleast_2d(np.asarray(y, dtype=float))
    return Panel([f"s{i}" for i in range(len(y))], np.datetime64("2024-01-01") + np.arange(y.shape[1]), y)


def counts(n_series=12, n_steps=140, seed=0):
    """Return Poisson counts with a weekly season; the last series begins late."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(2, 80, (n_series, 1))
    y = rng.poisson(level * (1 + 0.4 * np.sin(2 * np.pi * np.arange(n_steps) / 7))).astype(float)
    y[-1, : n_steps // 2] = np.nan
    return y


@pytest.fixture(params=sorted(MEMBERS))
def model(request):
    return MEMBERS[request.param]


def test_every_origin_has_h_steps_and_predict_is_the_last_one(model):
    y = counts()
    ahead = model.ahead(y, [70, 100, 140], 10)
    assert ahead.mean.shape == ahead.median.shape == (12, 3, 10)
    told = model.fit(panel(y)).predict(10)
    np.testing.assert_allclose(told.median, np.maximum(ahead.median[:, -1], 0))
    assert told.dates[0] == np.datetime64("2024-01-01") + 140


def test_asking_twice_gives_the_same(model):
    fitted = model.fit(panel(counts()))
    assert fitted.predict(9).median.tolist() == fitted.predict(9).median.tolist()


def test_nothing_after_an_origin_changes_its_answer(model):
    y = counts()
    other = y.copy()
    other[:, 90:] = counts(seed=1)[:, 90:]
    np.testing.assert_array_equal(model.ahead(y, [40, 90], 7).median, model.ahead(other, [40, 90], 7).median)


def test_a_series_is_forecast_alike_alone_and_among_others_in_any_order(model):
    y = counts()
    whole = model.ahead(y, [140], 7).median
    np.testing.assert_allclose(model.ahead(y[::-1].copy(), [140], 7).median[::-1], whole)
    if not model.pools:
        np.testing.assert_allclose(model.ahead(y[3:4], [140], 7).median[0], whole[3])


def test_a_method_that_learns_from_the_panel_says_so(model):
    """Series that share a strong season, and one of noise: it is forecast differently among them."""
    t = np.arange(140)
    rng = np.random.default_rng(0)
    seasonal = 20.0 + 15.0 * np.sin(2 * np.pi * t / 7) + rng.normal(0, 0.1, (20, 140))
    y = np.vstack([rng.poisson(3.0, 140), seasonal])
    alone, among = (model.ahead(part, [140], 7).median[0] for part in (y[:1], y))
    assert model.pools != np.allclose(alone, among)


def test_a_steady_season_goes_on(model):
    season = np.array([5.0, 6, 7, 8, 9, 20, 2])
    np.testing.assert_allclose(
        model.ahead(np.tile(season, (1, 20)), [140], 14).median[0, 0], np.tile(season, 2), rtol=0.02
    )


def test_a_series_that_has_not_begun_has_no_forecast(model):
    ahead = model.ahead(counts(), [60, 140], 5).median
    assert np.isnan(ahead[-1, 0]).all()
    assert np.isfinite(ahead[-1, 1]).all()


@pytest.fixture(scope="module")
def whole():
    return run(panel(counts()), 14, (50, 80, 95))


def test_intervals_nest_around_the_median_and_are_not_negative(whole):
    forecast = whole.forecast
    inner = forecast.median, forecast.median
    for level in (50, 80, 95):
        lo, hi = forecast.intervals[level]
        assert (lo <= inner[0]).all()
        assert (hi >= inner[1]).all()
        assert (lo >= 0).all()
        inner = lo, hi


def test_the_frame_has_h_rows_a_series(whole):
    assert whole.frame.columns == [
        *("unique_id", "ds", "mean", "median"),
        *("lo-50", "hi-50", "lo-80", "hi-80", "lo-95", "hi-95"),
    ]
    assert set(whole.frame.group_by("unique_id").len()["len"]) == {14}


def test_weights_of_a_series_add_to_one(whole):
    totals = whole.weights.group_by("unique_id").agg(pl.col("weight").sum())
    assert totals.height == 12
    np.testing.assert_allclose(totals["weight"], 1)


def test_the_backtest_has_the_seasonal_naive_and_the_ensemble(whole):
    models = set(whole.backtest["model"])
    assert {"SeasonalNaive", "Ensemble"} <= models
    row = whole.backtest.filter(series="all", model="Ensemble").row(0, named=True)
    assert row["rmsse"] < whole.backtest.filter(series="all", model="SeasonalNaive")["rmsse"].item()
    assert row["coverage_80"] == pytest.approx(0.8, abs=0.08)


def test_the_order_of_the_series_does_not_matter(whole):
    y = counts()
    turned = run(Panel([f"s{i}" for i in range(12)][::-1], panel(y).dates, y[::-1].copy()), 14, (50, 80, 95))
    np.testing.assert_allclose(turned.forecast.median[::-1], whole.forecast.median)
    np.testing.assert_allclose(turned.forecast.intervals[95][1][::-1], whole.forecast.intervals[95][1])


def test_intervals_cover_what_they_promise_on_fresh_data():
    y = counts(60, 300, seed=5)[:-1]
    forecast = run(panel(y[:, :272]), 28).forecast
    for level, tolerance in ((80, 0.04), (95, 0.03)):
        lo, hi = forecast.intervals[level]
        inside = (lo <= y[:, 272:]) & (y[:, 272:] <= hi)
        assert inside.mean() == pytest.approx(level / 100, abs=tolerance)


def test_the_mean_of_skewed_counts_is_above_the_median_and_unbiased():
    rng = np.random.default_rng(2)
    # Mean 19; with fewer series the correction is drawn towards none, and the mean lies below.
    y = rng.negative_binomial(1.0, 0.05, (320, 300)).astype(float)
    forecast = run(panel(y[:, :272]), 28).forecast
    assert forecast.mean.mean() == pytest.approx(19, rel=0.05)
    assert forecast.median.mean() < forecast.mean.mean()


ODD = {
    "one step": [[5.0]],
    "two steps": [[5.0, 6.0]],
    "zeros": [[0.0] * 40],
    "constant": [[3.0] * 80],
    "one spike": [[1000.0] + [0.0] * 60],
    "begins at the end": [[np.nan] * 30 + [4.0], [float(k) for k in range(31)]],
    "never begins": [[np.nan] * 40, [float(k % 5) for k in range(40)]],
    "a hole": [[1.0, 2.0, np.nan, np.inf, 5.0] * 10],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_series_have_finite_forecasts(name):
    told = run(panel(ODD[name]), 12)
    for values in (told.forecast.mean, told.forecast.median, *told.forecast.intervals[95]):
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_a_short_history_is_said():
    assert run(panel([[5.0, 6.0]]), 12).notes
    assert run(panel(counts() + 5), 14).notes == ()


def test_an_odd_series_does_not_spoil_the_others():
    y = counts()[:-1]
    calm = run(panel(y), 7).forecast.median
    spiked = run(panel(np.vstack([y, np.r_[np.zeros(139), 1e6]])), 7).forecast.median[:-1]
    np.testing.assert_allclose(spiked, calm, rtol=0.25, atol=1)


@pytest.mark.parametrize(("h", "levels"), [(0, (80,)), (-1, (80,)), (7, (0,)), (7, (100,))])
def test_a_request_out_of_range(h, levels):
    with pytest.raises(UsageError):
        run(panel(counts()), h, levels)


def test_nothing_known_is_an_error():
    with pytest.raises(NotEnoughDataError):
        run(panel([[np.nan] * 10]), 7)


@pytest.mark.parametrize("y", [counts(5), [[5.0] * 7], [[0.0] * 30, [0.0] * 30], [[1.0] * 50, [3.0] * 50]])
def test_shares_add_up_to_one_with_intervals_inside(y):
    forecast = run_shares(panel(y), 9).forecast
    np.testing.assert_allclose(forecast.mean.sum(axis=0), 1)
    np.testing.assert_allclose(forecast.median.sum(axis=0), 1)
    for lo, hi in forecast.intervals.values():
        assert ((lo >= 0) & (lo <= forecast.median) & (forecast.median <= hi) & (hi <= 1)).all()


def test_shares_of_less_than_a_week_are_not_forecast():
    y = np.full((2, 20), np.nan)
    y[:, -6:] = 1.0
    for short in (y, y[:, -1:]):
        with pytest.raises(NotEnoughDataError, match="from 7 days on"):
            run_shares(panel(short), 5)


def test_steady_shares_go_on():
    forecast = run_shares(panel([[10.0] * 60, [30.0] * 60]), 5).forecast
    np.testing.assert_allclose(forecast.mean, [[0.25] * 5, [0.75] * 5], rtol=1e-3)
