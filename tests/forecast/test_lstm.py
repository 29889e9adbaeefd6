"""The networks over a panel, and the article's recipe: known truth and laws."""

import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from foretide.errors import MissingExtraError, NotEnoughDataError, UsageError
from foretide.evaluate.metrics import mase, mse
from foretide.forecast.article_lstm import article_recipe, daily_sums, features
from foretide.forecast.baselines import SeasonalNaive
from foretide.forecast.lstm import GlobalLSTM, GlobalMLP, keras_library
from foretide.forecast.neural_windows import Layout, smoothed, windows
from foretide.schema import Panel

pytestmark = pytest.mark.skipif(
    not all(find_spec(name) for name in ("keras", "jax")), reason="the extra neural is not installed"
)
KINDS = [GlobalLSTM, GlobalMLP]
H = 7
#: Of one shape and one number of steps wherever possible: what differs is compiled anew, in seconds.
TINY = {"window": 28, "units": 8, "batch": 64, "steps": 60, "check_every": 20, "learning_rate": 2e-2}


def seasonal(n_series=30, n_steps=150, seed=0):
    """Return Poisson counts of very different levels, whose weekdays are the same multiples of their level."""
    rng = np.random.default_rng(seed)
    week = np.array([0.5, 0.8, 1.0, 1.1, 1.4, 1.7, 0.5])
    level = np.exp(rng.uniform(np.log(5), np.log(200), (n_series, 1)))
    return rng.poisson(level * week[np.arange(n_steps) % 7]).astype(float)


def panel(y):
    y = np.atleast_2d(np.asarray(y, dtype=float))
    return Panel([f"s{i}" for i in range(len(y))], np.datetime64("2024-01-01") + np.arange(y.shape[1]), y)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def trained(request):
    """Return a network that has forecast from the origin 120, and its answers there."""
    model = request.param(**TINY)
    return model, model.quantiles_ahead(seasonal(), [120, 135], H)


def test_a_shared_season_is_learnt_without_a_smoothing():
    y = seasonal()
    model = GlobalLSTM(**TINY, smoothing=False)
    ahead = model.ahead(y, [120, 143], H).median
    naive = SeasonalNaive(7).ahead(y, [120, 143], H).median
    for j, origin in enumerate((120, 143)):
        then, past = y[:, origin : origin + H], y[:, :origin]
        assert mase(past, then, ahead[:, j]).mean() < 0.85 * mase(past, then, naive[:, j]).mean()


def test_what_smoothing_cannot_know_is_learnt_from_the_panel():
    """Every other week is three times as busy, for half of the series the even ones: it stands in each window."""
    rng = np.random.default_rng(1)
    week = np.arange(196) // 7 + np.arange(30)[:, None] % 2
    y = rng.poisson(rng.uniform(20, 100, (30, 1)) * np.where(week % 2, 1.5, 0.5)).astype(float)
    started = np.expm1(smoothed(np.log1p(y[:, :189]), [189], Layout(28, 7, H, False))[:, 0])
    learnt = GlobalMLP(**TINY).ahead(y, [189], H).median[:, 0]
    assert mse(y[:, 189:], learnt) < 0.2 * mse(y[:, 189:], started)


def test_quantiles_do_not_cross_and_are_counts(trained):
    _, told = trained
    assert told.shape == (30, 2, H, 5)
    assert np.isfinite(told).all()
    assert (told >= 0).all()
    assert (np.diff(told, axis=-1) >= 0).all()


def test_intervals_cover_about_what_they_promise(trained):
    _, told = trained
    y = np.stack([seasonal()[:, o : o + H] for o in (120, 135)], axis=1)
    assert np.mean((told[..., 1] <= y) & (y <= told[..., 3])) == pytest.approx(0.8, abs=0.1)


def test_the_mean_lies_among_the_quantiles(trained):
    model, told = trained
    mean = model.ahead(seasonal(), [120, 135], H).mean
    assert ((told[..., 1] <= mean) & (mean <= told[..., 3])).all()


def test_nothing_after_an_origin_changes_its_answer(trained):
    model, told = trained
    other = seasonal()
    other[:, 120:] = seasonal(seed=9)[:, 120:]
    np.testing.assert_array_equal(model.quantiles_ahead(other, [120], H)[:, 0], told[:, 0])


def test_the_same_seed_gives_the_same_in_any_order_whatever_happens_later(trained):
    model, told = trained
    other = seasonal()
    other[:, 120:] = seasonal(seed=9)[:, 120:]
    fresh = type(model)(**TINY)
    np.testing.assert_array_equal(fresh.quantiles_ahead(other[::-1].copy(), [120, 135], H)[::-1, 0], told[:, 0])


def test_what_happened_since_the_first_origin_is_seen_but_not_learnt(trained):
    model, told = trained
    assert model.learnt_.shape == (30, 120)
    other = seasonal()
    other[:, 120:135] *= 3.0
    assert (model.quantiles_ahead(other, [120, 135], H)[:, 1].mean()) > 1.2 * told[:, 1].mean()


def test_saved_and_loaded_say_the_same_without_a_pickle(trained, tmp_path):
    model, told = trained
    model.save(tmp_path / "network")
    assert {path.suffix for path in (tmp_path / "network").iterdir()} == {".npz", ".json"}
    loaded = type(model).load(tmp_path / "network")
    np.testing.assert_array_equal(loaded.quantiles_ahead(seasonal(), [120, 135], H), told)
    np.testing.assert_array_equal(loaded.quantiles_ahead(seasonal(), [120], 3)[:, 0], told[:, 0, :3])
    assert loaded == model
    with pytest.raises(UsageError, match="trained for 7 steps"):
        loaded.ahead(seasonal(), [120], 8)
    other = next(kind for kind in KINDS if kind is not type(model))
    with pytest.raises(UsageError, match=json.loads((tmp_path / "network/network.json").read_text())["kind"]):
        other.load(tmp_path / "network")


def test_an_untrained_network_cannot_be_saved(tmp_path):
    with pytest.raises(UsageError, match="no network"):
        GlobalMLP.load(tmp_path)
    with pytest.raises(UsageError, match="not trained"):
        GlobalMLP().save(tmp_path)
    with pytest.raises(UsageError, match="call fit"):
        GlobalMLP().predict_quantiles(3)


def test_odd_series_beside_others_get_finite_answers():
    y = seasonal(6, 40)
    y[0], y[1], y[2] = 0.0, 5.0, 1e9
    y[3, :-1], y[4, :-20] = np.nan, np.nan
    seen = []
    model = GlobalMLP(**TINY, progress=lambda *told: seen.append(told))
    forecast = model.fit(panel(y)).predict(H)
    assert [told[:2] for told in seen] == [(20, 60), (40, 60), (60, 60)]
    told = model.predict_quantiles(H)
    assert np.isfinite(told).all()
    np.testing.assert_array_equal(forecast.median, told[..., 2])
    np.testing.assert_array_equal(forecast.intervals[95][1], told[..., 4])
    assert told[0].max() < 1
    np.testing.assert_allclose(forecast.median[1], 5, rtol=0.2)


@pytest.mark.parametrize("n_steps", [1, 2, 9])
def test_a_history_too_short_to_learn_from(n_steps):
    forecast = GlobalMLP(**TINY).fit(panel(seasonal(3, n_steps))).predict(H)
    assert np.isfinite(forecast.mean).all()
    assert forecast.dates[0] == np.datetime64("2024-01-01") + n_steps


def test_a_series_that_has_not_begun_has_no_forecast():
    y = seasonal()
    y[3, :130] = np.nan
    told = GlobalMLP(**TINY).ahead(y, [120, 135], H)
    assert np.isnan(told.median[3, 0]).all()
    assert np.isfinite(told.median[3, 1]).all()


def test_the_windows_hide_targets_and_know_nothing_later():
    z = np.log1p(seasonal(4, 60))
    layout = Layout(14, 7, 5, True, 19723)
    series, origins = np.array([0, 3]), np.array([40, 43])
    cut = windows(z, series, origins, layout, end=45)
    np.testing.assert_allclose(cut.target[0] + cut.level[0], z[0, 40:45])
    assert np.isnan(cut.target[1, 2:]).all()
    assert (cut.weight > 0).tolist() == np.isfinite(cut.target).tolist()
    later = z.copy()
    later[:, 43:] = 99.0
    for name, values in windows(later, series, origins, layout).inputs.items():
        np.testing.assert_array_equal(values, cut.inputs[name])


def test_a_window_has_two_long_seasons_so_that_the_usual_change_is_known():
    z = np.log1p(seasonal(4, 400))
    z[:, ::2] += 1.0  # what changes from one step to the next, but not from one season of 168 to the next
    layout = Layout(56, 168, 5, False)
    assert (layout.n_segments, layout.n_steps) == (2, 336)
    cut = windows(z, np.arange(4), np.full(4, 390), layout)
    usual = np.abs(z[:, 222:390] - z[:, 54:222]).mean(axis=1)
    np.testing.assert_allclose(cut.inputs["scale"][:, 0, 0], usual, rtol=1e-5)


def test_without_keras_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r'pip install "foretide\[neural\]"'):
        keras_library()


def test_counts_of_a_day_are_summed():
    told = daily_sums(["2024-01-03T05", "2024-01-01T10", "2024-01-03T22"], [2, 5, 4])
    assert told.y.tolist() == [[5, 0, 6]]
    assert told.dates[0] == np.datetime64("2024-01-01")


def test_features_of_a_day_know_only_its_past():
    made = features(np.arange(10.0))
    np.testing.assert_allclose(made[0], [6, 1, 3, np.std(np.arange(7), ddof=1)])
    assert len(made) == 4


def test_the_recipe_reports_scores_of_counts_and_ignores_the_test_part_in_training():
    y = seasonal(1, 150, seed=3)[0]
    result = article_recipe(y, epochs=30)
    np.testing.assert_array_equal(result.happened, y[120:])
    assert [said.shape for said in result.said.values()] == [(30,), (30,)]
    scores = {row["model"]: row for row in result.table.to_dicts()}
    for name, row in scores.items():
        assert row["mse"] == pytest.approx(mse(result.happened, result.said[name]))
        assert row["rmse"] == pytest.approx(row["mse"] ** 0.5)
        assert row["mse_scaled"] == pytest.approx(row["rmse_scaled"] ** 2)
        assert row["r2"] > 0.0
    other = y.copy()
    other[121:] += 1000
    again = article_recipe(other, epochs=30)
    for name, said in result.said.items():
        assert again.said[name][0] == said[0]


def test_the_recipe_needs_windows_to_test_on():
    with pytest.raises(NotEnoughDataError, match="import more"):
        article_recipe(np.arange(40.0))
