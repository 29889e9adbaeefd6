"""Croston, TSB and ADIDA are the recursions of their papers, look at nothing later, and know the truth on average."""

import numpy as np
import pytest

from foretide.evaluate.metrics import bias, rmsse
from foretide.forecast.count_distribution import count_quantiles
from foretide.forecast.intermittent import TSB, Adida, Croston
from foretide.forecast.intermittent_kernels import run_all

METHODS = {
    "classic": Croston(variant="classic"),
    "sba": Croston(variant="sba"),
    "sy": Croston(variant="sy"),
    "tsb": TSB(),
    "adida": Adida(),
}


def sparse(n_series=200, n_steps=500, seed=0, week=(0.4, 0.6, 0.7, 0.9, 1.2, 1.8, 1.4)):
    """Return negative-binomial counts, about 70 % zeros, and their true means."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.1, 1.0, (n_series, 1)) * np.asarray(week)[np.arange(n_steps) % len(week)]
    return rng.poisson(mean * rng.gamma(1.0, 1.0, mean.shape)).astype(float), mean


@pytest.fixture(params=sorted(METHODS))
def model(request):
    return METHODS[request.param]


def plain_croston(y, alpha, variant):
    z = q = n = since = 0
    for x in y:
        since += 1
        if x > 0:
            n += 1
            gain = max(alpha, 1 / n)
            z, q, since = z + gain * (x - z), q + gain * (since - q), 0
    half = max(alpha, 1 / n) / 2
    return {"classic": z / q, "sba": (1 - half) * z / q, "sy": (1 - half) * z / (q - half)}[variant]


def plain_tsb(y, alpha, beta):
    z = p = n = 0
    for t, x in enumerate(y, start=1):
        p += max(beta, 1 / t) * ((x > 0) - p)
        if x > 0:
            n += 1
            z += max(alpha, 1 / n) * (x - z)
    return p * z


def plain_adida(y, alpha, k):
    buckets = y[len(y) % k :].reshape(-1, k).sum(axis=1)
    level = 0.0
    for n, bucket in enumerate(buckets, start=1):
        level += max(alpha, 1 / n) * (bucket - level)
    return level / k


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("origin", [60, 211, 300])
def test_one_point_is_the_recursion_of_the_paper(alpha, origin):
    y, _ = sparse(6, 300)

    def ours(kind, b):
        return run_all(y, np.array([origin]), 1, kind, np.array([[alpha, float(b)]]))[0][:, 0, 0]

    for code, variant in enumerate(("classic", "sba", "sy")):
        np.testing.assert_allclose(ours(0, code), [plain_croston(row[:origin], alpha, variant) for row in y])
    np.testing.assert_allclose(ours(1, 0.1), [plain_tsb(row[:origin], alpha, 0.1) for row in y])
    np.testing.assert_allclose(ours(2, 14), [plain_adida(row[:origin], alpha, 14) for row in y])


def test_nothing_after_an_origin_changes_its_answer_and_origins_share_a_pass(model):
    y, _ = sparse(20)
    other = y.copy()
    other[:, 210:] = 0.5
    both = model.ahead(y, [30, 210], 10)
    for mine, yours in zip(both, model.ahead(other, [30, 210], 10), strict=True):
        np.testing.assert_array_equal(mine, yours)
    np.testing.assert_array_equal(both.mean[:, 1:], model.ahead(y[:, :210], [210], 10).mean)


def test_a_late_beginning_is_a_shorter_series(model):
    y, _ = sparse(5)
    late = np.hstack([np.full((5, 33), np.nan), y])
    np.testing.assert_array_equal(model.ahead(late, [433], 9).mean, model.ahead(y, [400], 9).mean)
    assert np.isnan(model.ahead(late, [33, 40], 9).mean[:, 0]).all()
    assert np.isfinite(model.ahead(late, [33, 40], 9).median[:, 1]).all()


def test_twice_the_amounts_are_twice_the_forecast(model):
    y, _ = sparse(20)
    np.testing.assert_allclose(model.ahead(2 * y, [400], 7).mean, 2 * model.ahead(y, [400], 7).mean)


def test_means_are_right_on_average_and_near_the_truth(model):
    y, truth = sparse(400)
    ahead = model.ahead(y, [444, 472], 28)
    expected = np.hstack([truth[:, 444:472], truth[:, 472:]])
    told = ahead.mean.reshape(400, -1)
    assert abs(bias(expected, told)) < 0.02 + 0.01 * (model == METHODS["classic"])
    assert np.sqrt(np.mean((told - expected) ** 2)) < 0.32 * expected.mean()
    assert ahead.median.mean() < 0.5 * ahead.mean.mean()
    assert (ahead.median == np.round(ahead.median)).all()


def test_weekdays_help_where_there_are_any_and_harm_nowhere(model):
    kind = type(model)
    for week, gain in (((0.2, 0.2, 0.5, 1.0, 1.5, 2.0, 1.6), 0.01), ((1.0,) * 7, -0.001)):
        y, _ = sparse(300, week=week)
        with_week, without = (
            np.nanmean(rmsse(y[:, :472], y[:, 472:], kind(season_length=m).ahead(y, [472], 28).mean[:, 0]))
            for m in (7, 1)
        )
        assert without - with_week > gain


def test_the_distribution_covers_what_it_promises(model):
    y, _ = sparse(400)
    mean, variance = model.moments(y, [472], 28)
    low, high = count_quantiles(mean, variance, [0.5, 0.9])[:, :, 0]
    for q, bound in ((0.5, low), (0.9, high)):
        assert (y[:, 472:] <= bound).mean() > q - 0.015
        assert (y[:, 472:] < bound).mean() < q + 0.015


def test_what_ended_fades_in_tsb_and_adida_but_not_in_croston():
    y = np.hstack([sparse(50, 300)[0], np.zeros((50, 200))])
    after = {name: method.ahead(y, [300, 500], 7).mean.mean(axis=(0, 2)) for name, method in METHODS.items()}
    assert after["tsb"][1] < 0.15 * after["tsb"][0]
    assert after["adida"][1] < 0.25 * after["adida"][0]
    assert after["sba"][1] > 0.8 * after["sba"][0]


EDGES = {
    "zeros": (np.zeros(60), 0.0, 0.0),
    "constant": (np.full(100, 3.0), 3.0, 3.0),
    "length 1": ([4.0], None, None),
    "one zero": ([0.0], 0.0, 0.0),
    "NaN head": ([np.nan] * 20 + [2.0] * 80, 2.0, 2.0),
    "amounts": (np.full(100, 2.5), 2.5, 2.5),
    "negative": (np.full(60, -1.0), 0.0, 0.0),
}


@pytest.mark.parametrize("edge", sorted(EDGES))
def test_edges(model, edge):
    y, mean, median = EDGES[edge]
    ahead = model.ahead(np.array([y], dtype=float), [len(y)], 9)
    assert np.isfinite(ahead.mean).all()
    assert np.isfinite(ahead.median).all()
    if mean is not None:
        np.testing.assert_allclose(ahead.mean, mean, rtol=0.01)
        np.testing.assert_allclose(ahead.median, median, rtol=0.01)


def test_one_demand_is_less_than_one_a_step(model):
    y = np.zeros((1, 50))
    y[0, 20] = 7.0
    ahead = model.ahead(y, [50], 5)
    assert (ahead.mean > 0).all()
    assert (ahead.mean < 1).all()
    assert (ahead.median == 0).all()
