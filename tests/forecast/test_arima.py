"""ARIMA: known truth, statsmodels as the oracle, and the laws of a forecaster."""

import warnings

import numpy as np
import pytest
from scipy.signal import lfilter
from statsmodels.datasets import co2, nile, sunspots
from statsmodels.tsa.arima.model import ARIMA

from foretide.errors import UsageError
from foretide.evaluate.metrics import mase
from foretide.forecast.arima import Arima, AutoArima
from foretide.forecast.arima_likelihood import likely_errors, normal_equations, volume_slope
from foretide.forecast.arima_polynomials import expand
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage
from foretide.schema import Panel

M = 7


def simulated(order, parameters, n=700, seasonal=(0, 0, 0), mean=0.0, seed=0):
    """A series of the process; ``parameters`` are phi, Phi, theta, Theta in a row."""
    p, d, q, P, D, _ = *order, *seasonal
    phi, large_phi, theta, large_theta = np.split(np.asarray(parameters, float), np.cumsum([p, P, q]))
    ar = np.convolve(np.r_[1, -phi], np.r_[1, -np.kron(large_phi, np.eye(M)[-1])])
    ma = np.convolve(np.r_[1, theta], np.r_[1, np.kron(large_theta, np.eye(M)[-1])])
    e = np.random.default_rng(seed).normal(size=n + 300)
    y = lfilter(ma, ar, e)[300:] + mean
    for _ in range(D):
        for t in range(M, n):
            y[t] += y[t - M]
    for _ in range(d):
        y = np.cumsum(y)
    return y


CASES = {
    "AR(1)": ((1, 0, 0), (0, 0, 0), [0.7], 10.0),
    "MA(1)": ((0, 0, 1), (0, 0, 0), [0.5], 10.0),
    "ARMA(1,1)": ((1, 0, 1), (0, 0, 0), [0.6, 0.4], -3.0),
    "ARIMA(2,1,1)": ((2, 1, 1), (0, 0, 0), [0.5, -0.3, 0.4], 0.0),
    "SARIMA(1,0,0)(1,0,0)": ((1, 0, 0), (1, 0, 0), [0.5, 0.6], 5.0),
    "SARIMA(0,1,1)(0,1,1)": ((0, 1, 1), (0, 1, 1), [-0.4, -0.6], 0.0),
}


def theirs(y, order, seasonal=(0, 0, 0)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ARIMA(y, order=order, seasonal_order=(*seasonal, M if any(seasonal) else 0)).fit()


@pytest.fixture(params=CASES, scope="module")
def case(request):
    order, seasonal, truth, mean = CASES[request.param]
    y = simulated(order, truth, seasonal=seasonal, mean=mean)
    return Arima(M, order=order, seasonal=seasonal), y, truth, theirs(y, order, seasonal)


def found(model, y):
    """The parameters in the order of the truth; no case has both Phi and theta, which statsmodels has the other way."""
    told = model.parameters(y)[1]
    return np.concatenate([told.phi, told.seasonal_phi, told.theta, told.seasonal_theta]), told


def test_parameters_are_near_the_truth(case):
    model, y, truth, _ = case
    np.testing.assert_allclose(found(model, y)[0], truth, atol=0.11)  # three standard errors at n = 700


def test_parameters_agree_with_the_exact_likelihood(case):
    model, y, _, oracle = case
    values, told = found(model, y)
    constant = sum((model.order[1], model.seasonal[1])) == 0
    np.testing.assert_allclose(values, oracle.params[constant:-1], atol=0.03)
    if constant:
        assert told.mean == pytest.approx(oracle.params[0], abs=0.3 * oracle.bse[0])
    assert told.variance == pytest.approx(oracle.params[-1], rel=0.02)


def test_forecasts_and_their_variances_agree_with_the_exact_likelihood(case):
    model, y, _, oracle = case
    middle, variance = model.expect(y[None], [y.size], 28)
    exact = oracle.get_forecast(28)
    assert np.abs(middle[0, 0] - exact.predicted_mean).max() < 0.05 * np.sqrt(exact.var_pred_mean[-1])
    np.testing.assert_allclose(variance[0, 0], exact.var_pred_mean, rtol=0.06)


def test_with_equal_parameters_forecasts_and_variances_are_those_of_statsmodels(case):
    model, y, _, oracle = case
    values, told = found(model, y)
    constant = [told.mean] if sum((model.order[1], model.seasonal[1])) == 0 else []
    equal = oracle.model.smooth(np.r_[constant, values, told.variance]).get_forecast(28)
    middle, variance = model.expect(y[None], [y.size], 28)
    np.testing.assert_allclose(variance[0, 0], equal.var_pred_mean, rtol=1e-3)
    assert np.abs(middle[0, 0] - equal.predicted_mean).max() < 1e-2 * np.sqrt(told.variance)


def test_a_drift_is_the_mean_of_the_differences():
    y = simulated((1, 1, 0), [0.4], mean=0.5)
    order, told = Arima(order=(1, 1, 0), drift=True).parameters(y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = ARIMA(y, order=(1, 1, 0), trend="t").fit()
    assert order[-1] == 1
    np.testing.assert_allclose([told.mean, told.phi[0]], oracle.params[:2], atol=0.03)


def test_errors_of_forecasts_are_no_larger_than_those_of_statsmodels():
    y = counts(5, 400)
    ours = Arima(M, order=(2, 1, 1)).ahead(y, [372], 28).median[:, 0]
    exact = np.array([theirs(series[:372], (2, 1, 1)).forecast(28) for series in y])
    of_ours, of_exact = (mase(y[:, :372], y[:, 372:], told, M).mean() for told in (ours, exact))
    assert of_ours == pytest.approx(of_exact, rel=0.01)


def test_derivatives_are_those_by_hand():
    order = np.array([2, 0, 1, 1, 0, 1, M, 1])
    free = np.array([0.3, -0.2, 0.4, 0.5, -0.3, 0.1])
    w = np.random.default_rng(0).normal(size=120)
    pad, begin = 8, 17

    def squares(free):
        *sides, mean, slope = expand(free, order)
        x, e, g = np.r_[np.zeros(pad), w - mean], np.zeros(pad + w.size), np.zeros(pad + w.size - begin)
        return *likely_errors(x, *sides, begin, pad, e, g), x, e, sides, slope, g

    _, volume, x, e, sides, slope, g = squares(free)
    _, grad = normal_equations(x, e, *sides, begin, slope, np.zeros((x.size, slope.shape[0])))
    apart = [[squares(free + s)[k] - squares(free - s)[k] for k in (0, 1)] for s in 1e-5 * np.eye(6)]
    np.testing.assert_allclose(2 * grad, np.array(apart)[:, 0] / 2e-5, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(
        volume_slope(free, order, volume, pad, g), np.array(apart)[:, 1] / 2e-5, rtol=1e-3, atol=1e-3
    )


# ---------------------------------------------------------------- laws

MODELS = {
    "AR": Arima(order=(2, 0, 0)),
    "MA": Arima(order=(0, 0, 2)),
    "ARMA": Arima(order=(1, 0, 1), log=True),
    "ARIMA": Arima(order=(5, 1, 2)),
    "drift": Arima(order=(0, 1, 1), drift=True),
    "airline": Arima(order=(0, 1, 1), seasonal=(0, 1, 1), log=True),
    "seasonal": Arima(order=(1, 0, 0), seasonal=(1, 0, 0)),
    "auto": AutoArima(),
    "auto, raw": AutoArima(log=False),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def counts(n_series=8, n_steps=140, seed=0):
    """Negative binomial counts with a week; the last series begins late."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(4, 80, (n_series, 1)) * (1 + 0.4 * np.sin(2 * np.pi * np.arange(n_steps) / M))
    y = rng.poisson(mean * rng.gamma(12, 1 / 12, mean.shape)).astype(float)
    y[-1, : n_steps // 4] = np.nan
    return y


def same(one, other):
    np.testing.assert_array_equal(one.median, other.median)
    np.testing.assert_array_equal(one.mean, other.mean)


def test_nothing_after_an_origin_changes_its_answer(model):
    y = counts()
    other = y.copy()
    other[:, 90:] = 1e4 * counts(seed=1)[:, 90:]
    same(model.ahead(y, [50, 90], M), model.ahead(other, [50, 90], M))
    same(model.ahead(y, [50, 90], M), model.ahead(y[:, :90], [50, 90], M))


def test_an_answer_does_not_depend_on_the_other_origins(model):
    y = counts()
    many = model.ahead(y, [60, 64, 70, 100, 140], M)
    for j, origin in enumerate([60, 64, 70, 100, 140]):
        one = model.ahead(y, [origin], M)
        np.testing.assert_array_equal(one.median[:, 0], many.median[:, j])


def test_a_series_is_forecast_alike_alone_and_among_others_in_any_order(model):
    y = counts()
    whole = model.ahead(y, [100, 140], M)
    same(whole, type(whole)(*(a[::-1] for a in model.ahead(y[::-1].copy(), [100, 140], M))))
    np.testing.assert_array_equal(whole.median[3:4], model.ahead(y[3:4], [100, 140], M).median)


def test_steps_before_a_series_began_do_not_matter(model):
    y = counts()[:3]
    late = np.hstack([np.full((3, 11), np.nan), y])
    same(model.ahead(y, [140], M), model.ahead(late, [151], M))


@pytest.mark.parametrize("level", [0.0, 3.0, 1e6])
@pytest.mark.parametrize("n_steps", [1, 2, 9, 40, 150])
def test_a_constant_goes_on(model, level, n_steps):
    ahead = model.ahead(np.full((1, n_steps), level), [n_steps], 20)
    np.testing.assert_allclose(ahead.median, level, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ahead.mean, level, rtol=1e-6, atol=1e-6)


def test_a_series_of_any_length_has_a_forecast(model):
    y = counts(3, 60)[:2]
    told = model.ahead(y, range(1, 61), 9)
    assert np.isfinite(told.median).all()
    assert np.isfinite(told.mean).all()


def test_short_series_take_the_window_average():
    y = counts(3, 12)[:2]
    same(Arima().ahead(y, [3, 12], 5), SeasonalWindowAverage().ahead(y, [3, 12], 5))


def test_a_series_that_has_not_begun_has_no_forecast(model):
    ahead = model.ahead(counts(), [20, 140], 5).median
    assert np.isnan(ahead[-1, 0]).all()
    assert np.isfinite(ahead[-1, 1]).all()
    assert np.isnan(model.ahead(np.full((1, 30), np.nan), [30], 3).median).all()


def test_a_panel_without_series(model):
    assert model.ahead(np.empty((0, 50)), [50], 3).median.shape == (0, 1, 3)


@pytest.mark.parametrize("at", [0, 60, 139])
def test_a_huge_spike_stays_finite_and_in_its_series(model, at):
    y = counts()[:-1]
    spiked = y.copy()
    spiked[2, at] = 1e9
    told, calm = model.ahead(spiked, [140], 28), model.ahead(y, [140], 28)
    assert np.isfinite(told.mean).all()
    assert np.abs(told.median).max() < 1e11
    np.testing.assert_array_equal(np.delete(told.median, 2, 0), np.delete(calm.median, 2, 0))


def test_the_size_of_a_series_does_not_matter():
    y = counts()
    small, large = (Arima(order=(2, 1, 1)).ahead(y * size, [140], M).median / size for size in (2.0**-20, 2.0**20))
    np.testing.assert_allclose(small, large, rtol=1e-9)


def test_predict_is_the_last_origin_and_not_negative(model):
    y = counts()
    dates = np.datetime64("2024-01-01") + np.arange(140)
    told = model.fit(Panel([str(k) for k in range(8)], dates, y)).predict(9)
    np.testing.assert_allclose(told.median, np.maximum(model.ahead(y, [140], 9).median[:, 0], 0))


def test_logarithms_give_a_mean_above_the_median():
    told = MODELS["airline"].ahead(counts(), [140], 28)
    assert (told.mean > told.median).all()


def test_a_million_points():
    y = simulated((1, 0, 0), [0.7], n=1_000_000)
    assert Arima(order=(1, 0, 0)).parameters(y)[1].phi[0] == pytest.approx(0.7, abs=0.004)


# ---------------------------------------------------------------- orders


def orders(series, log=False):
    return np.array([AutoArima(log=log).parameters(y)[0] for y in series])


def test_a_walk_is_differenced_and_a_steady_process_is_not():
    walks = orders([simulated((0, 1, 0), [], n=400, seed=k) for k in range(20)])
    steady = orders([simulated((1, 0, 0), [0.5], n=400, seed=k) for k in range(20)])
    assert walks[:, 1].mean() >= 0.8
    assert steady[:, 1].mean() <= 0.2


def test_the_order_of_a_known_process_is_mostly_found():
    found = orders([simulated((2, 0, 0), [0.5, -0.4], n=700, seed=k) for k in range(20)])
    assert np.median(found[:, 0] + found[:, 2]) == 2
    assert (found[:, 3] + found[:, 5] == 0).mean() > 0.5


def test_a_strong_season_is_differenced_and_noise_is_not():
    t = np.arange(200)
    noise = np.random.default_rng(0).normal(size=(20, 200))
    assert (orders(20 + 3 * np.sin(2 * np.pi * t / M) + noise)[:, 4] == 1).all()
    assert orders(noise)[:, 4].mean() <= 0.1


def test_a_steady_season_goes_on():
    season = np.array([5.0, 6, 7, 8, 9, 20, 2])
    for model in (AutoArima(), AutoArima(log=False)):
        told = model.ahead(np.tile(season, (1, 20)), [140], 14).median[0, 0]
        np.testing.assert_allclose(told, np.tile(season, 2), rtol=0.02)


def test_chosen_orders_beat_the_seasonal_naive_on_counts():
    y = counts(30, 328)[:-1]
    told = {
        kind: model.ahead(y, [300], 28).median[:, 0]
        for kind, model in (("auto", AutoArima()), ("naive", SeasonalNaive()))
    }
    errors = {kind: mase(y[:, :300], y[:, 300:], ahead, M).mean() for kind, ahead in told.items()}
    assert errors["auto"] < 0.85 * errors["naive"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": (-1, 0, 0)},
        {"order": (1, 0, 0), "drift": True},
        {"seasonal": (1, 0, 0), "season_length": 1},
        {"season_length": 0},
    ],
)
def test_an_order_that_makes_no_sense(wrong):
    with pytest.raises(UsageError):
        Arima(**wrong)


def test_parameters_of_too_short_a_series():
    with pytest.raises(UsageError, match="too few"):
        Arima().parameters(np.arange(10.0))


# ---------------------------------------------------------------- known series

KNOWN = {
    "the Nile at Aswan": ((nile, "volume"), (0, 1, 1), (0, 0, 0), 1),
    "sunspots": ((sunspots, "SUNACTIVITY"), (2, 0, 1), (0, 0, 0), 1),
    "carbon dioxide": ((co2, "co2"), (0, 1, 1), (0, 1, 1), 12),
}


def known_series(data, name):
    values = data.load_pandas().data[name]
    return (values.interpolate().resample("MS").mean()[-300:] if data is co2 else values).to_numpy().astype(float)


@pytest.mark.parametrize("name", KNOWN)
def test_parameters_of_known_series_are_those_of_statsmodels(name):
    source, order, seasonal, m = KNOWN[name]
    y = known_series(*source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = ARIMA(y, order=order, seasonal_order=(*seasonal, m if any(seasonal) else 0)).fit()
    values, told = found(Arima(m, order=order, seasonal=seasonal), y)
    constant = order[1] + seasonal[1] == 0
    assert (np.abs(values - oracle.params[constant:-1]) < 0.2 * oracle.bse[constant:-1]).all()
    assert told.variance == pytest.approx(oracle.params[-1], rel=0.03)
