"""Buy-till-you-die models: published formulas and figures, integrals by hand, known truth."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import beta as beta_function
from scipy.special import betaln, gammaln, hyp2f1
from scipy.stats import beta, chi2, gamma, nbinom

from foretide.events.records import FrameBuckets
from foretide.users import btyd_kernels
from foretide.users.btyd import BUY_TILL_YOU_DIE
from foretide.users.btyd_simulation import simulate, simulate_spans
from foretide.users.btyd_summaries import summaries, visits
from users.btyd_cases import KINDS, PUBLISHED, some_users, with_parameters

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data")) / "cdnow" / "events.parquet"
CUSTOMER = pl.DataFrame({"frequency": [2], "recency": [30.43], "age": [38.86]})  # of the BG/NBD paper


def log_likelihood(model, users):
    return model.leaving.objective(visits(users), np.ones(users.height))(model.theta_)[0]


def test_the_published_figures_of_a_customer_come_out():
    model = with_parameters("BG/NBD", PUBLISHED["BG/NBD"])
    assert model.expected(CUSTOMER, [39])[0, 0] == pytest.approx(1.226, abs=5e-4)  # Fader, Hardie and Lee
    pareto = with_parameters("Pareto/NBD", PUBLISHED["Pareto/NBD"])
    row = pl.DataFrame({"frequency": [26], "recency": [30.86], "age": [31.0]})
    assert pareto.expected(row, [52])[0, 0] == pytest.approx(25.46, abs=5e-3)  # its Excel implementation
    assert pareto.p_alive(row)[0] == pytest.approx(0.9979, abs=5e-5)


def published_bgnbd(theta, flips, x, recency, age):
    r, alpha, a, b = theta
    first = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x + flips) - betaln(a, b) - (r + x) * np.log(alpha + age)
    gone = betaln(a + 1, b + x + flips - 1) - betaln(a, b) - (r + x) * np.log(alpha + recency)
    return first + np.where(x + flips > 0, np.logaddexp(alive, gone), alive)


def published_pareto(theta, x, recency, age):
    r, alpha, s, beta_ = theta  # beta > alpha, as in the CDNOW estimates
    c = r + s + x
    part = [hyp2f1(c, r + x, c + 1, (beta_ - alpha) / (beta_ + y)) / (beta_ + y) ** c for y in (recency, age)]
    alive = (alpha + age) ** -(r + x) * (beta_ + age) ** -s
    log_sum = np.log(alive + s / c * (part[0] - part[1]))
    return gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta_) + log_sum


@KINDS
def test_the_likelihood_is_the_published_formula(name):
    users, theta = some_users(), PUBLISHED[name]
    columns = visits(users)
    formula = {
        "BG/NBD": lambda: published_bgnbd(theta, 0, *columns),
        "MBG/NBD": lambda: published_bgnbd(theta, 1, *columns),
        "Pareto/NBD": lambda: published_pareto(theta, *columns),
    }[name]
    with np.errstate(divide="ignore", invalid="ignore"):  # B(a + 1, -1 + 0) of users without a repeat is not used
        assert log_likelihood(with_parameters(name, theta), users) == pytest.approx(formula().sum(), rel=1e-11)


@KINDS
@settings(max_examples=30)
@given(logs=st.lists(st.floats(-4, 4), min_size=4, max_size=4))
def test_the_gradient_is_that_of_the_likelihood(name, logs):
    users = some_users(40)
    objective = BUY_TILL_YOU_DIE[name].leaving.objective(visits(users), np.arange(1.0, 41))
    theta = np.exp(logs) * (1, 10, 1, 10)
    _, slope = objective(theta)
    for i in range(4):
        step = np.eye(4)[i] * theta[i] * 1e-5
        difference = (objective(theta + step)[0] - objective(theta - step)[0]) / (2 * step[i])
        assert slope[i] == pytest.approx(difference, rel=2e-5, abs=2e-5 * abs(objective(theta)[0]) / theta[i])


def integral(f, most):
    """Integrate over the rate of visits, to 40, and the chance or rate of leaving, by Gauss-Legendre in both."""
    nodes, weights = np.polynomial.legendre.leggauss(600)
    rate, leaving = 20 * (nodes + 1), most / 2 * (nodes + 1)
    return 20 * most / 2 * weights @ f(rate[:, None], leaving[None, :]) @ weights


USERS_BY_HAND = [(0, 0.0, 2.0), (1, 0.5, 3.0), (3, 1.5, 2.5), (3, 2.5, 2.5)]


@pytest.mark.parametrize("user", USERS_BY_HAND)
@pytest.mark.parametrize("flips", [0, 1])
def test_leaving_after_visits_equals_integrals_by_hand(flips, user):
    x, recency, age = user
    r, alpha, a, b = 2.2, 1.5, 1.8, 2.6
    horizon = 1.7

    def prior(rate, p):
        return gamma.pdf(rate, r, scale=1 / alpha) * p ** (a - 1) * (1 - p) ** (b - 1) / beta_function(a, b) * rate**x

    def alive(rate, p, until):
        return prior(rate, p) * (1 - p) ** (x + flips) * np.exp(-rate * until)

    def gone(rate, p):
        return prior(rate, p) * p * (1 - p) ** (x + flips - 1) * np.exp(-rate * recency) if x + flips else 0.0

    total = integral(lambda rate, p: alive(rate, p, age) + gone(rate, p), 1)
    silent = integral(lambda rate, p: alive(rate, p, age + horizon) + gone(rate, p), 1)
    count = integral(lambda rate, p: alive(rate, p, age) * -np.expm1(-rate * p * horizon) / p, 1)
    model = with_parameters(["BG/NBD", "MBG/NBD"][flips], (r, alpha, a, b))
    check_by_hand(model, user, horizon, silent / total, count / total)


@pytest.mark.parametrize("user", USERS_BY_HAND)
def test_leaving_at_any_time_equals_integrals_by_hand(user):
    x, recency, age = user
    r, alpha, s, rate_beta = 2.2, 1.5, 1.9, 2.4
    horizon = 1.7

    def prior(rate, leave):
        return gamma.pdf(rate, r, scale=1 / alpha) * gamma.pdf(leave, s, scale=1 / rate_beta) * rate**x

    def history(rate, leave, until):
        both = rate + leave
        gone = leave / both * np.exp(-both * recency)
        return prior(rate, leave) * (gone + rate / both * np.exp(-both * until))

    def ahead(rate, leave):
        length = -np.expm1(-leave * horizon) / leave
        return prior(rate, leave) * np.exp(-(rate + leave) * age) * rate * length

    total = integral(lambda rate, leave: history(rate, leave, age), 40)
    silent = integral(lambda rate, leave: history(rate, leave, age + horizon), 40)
    model = with_parameters("Pareto/NBD", (r, alpha, s, rate_beta))
    check_by_hand(model, user, horizon, silent / total, integral(ahead, 40) / total)


def check_by_hand(model, user, horizon, p_none, expected):
    row = pl.DataFrame([user], schema=["frequency", "recency", "age"], orient="row")
    assert model.p_none(row, [horizon])[0, 0] == pytest.approx(p_none, rel=1e-6)
    assert model.expected(row, [horizon])[0, 0] == pytest.approx(expected, rel=1e-6)


@given(st.floats(0.1, 30), st.floats(0.5, 50), st.floats(1.05, 8), st.floats(0.2, 8), st.floats(0.1, 60))
def test_visits_ahead_equal_the_hypergeometric_form_where_that_holds(shape, rate, a, b, horizon):
    z = horizon / (rate + horizon)
    form = (a + b - 1) / (a - 1) * (1 - (1 - z) ** shape * hyp2f1(shape, b, a + b - 1, z))
    assert btyd_kernels.visits_ahead(shape, rate, a, b, horizon) == pytest.approx(form, rel=1e-7, abs=1e-9)


def test_visits_ahead_hold_where_the_hypergeometric_form_does_not():
    told = [btyd_kernels.visits_ahead(3.0, 10.0, a, 2.0, 20.0) for a in (1 - 1e-6, 1.0, 1 + 1e-6)]
    assert told[1] == pytest.approx((told[0] + told[2]) / 2, rel=1e-10)
    assert btyd_kernels.visits_ahead(900.0, 900.0, 1e-9, 1.0, 5000.0) == pytest.approx(5000, rel=1e-4)  # no end
    once = btyd_kernels.visits_ahead(5.0, 10.0, 1e9, 1e-3, 20.0)  # gone after the next visit
    assert once == pytest.approx(1 - nbinom.pmf(0, 5.0, 1 / 3), rel=1e-9)


@pytest.mark.parametrize("name", ["BG/NBD", "MBG/NBD"])
def test_small_shapes_equal_averages_over_the_posterior(name):
    theta = r, alpha, a, b = (0.2, 3.0, 0.3, 0.4)
    flips = 0 if name == "BG/NBD" else 1
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    p = beta.ppf(quantiles, a, b + 4 + flips)
    some = -np.expm1(-(r + 4) * np.log1p(p * 50 / (alpha + 10)))
    alive = np.mean(np.where(p > 1e-12, some / np.maximum(p, 1e-12), (r + 4) / (alpha + 10) * 50))
    row = pl.DataFrame({"frequency": [4], "recency": [8.0], "age": [10.0]})
    model = with_parameters(name, theta)
    assert model.expected(row, [50])[0, 0] / model.p_alive(row)[0] == pytest.approx(alive, rel=1e-3)


@KINDS
def test_simulated_parameters_are_recovered(name):
    truth = with_parameters(name, PUBLISHED[name])
    users = simulate(truth, np.random.default_rng(1).uniform(20, 60, 40_000), 2)
    found = BUY_TILL_YOU_DIE[name]().fit(users)
    assert found.theta_ == pytest.approx(truth.theta_, rel=0.25)
    surplus = 2 * (found.log_likelihood_ - log_likelihood(truth, users))
    assert 0 <= surplus < chi2.ppf(0.999, 4)  # the truth is within what chance allows


@KINDS
def test_simulated_users_do_what_is_told(name):
    model = with_parameters(name, PUBLISHED[name])
    ages = np.random.default_rng(3).uniform(20, 60, 40_000)
    before, after = simulate_spans(model, [ages, ages + 30], 4)
    users = pl.DataFrame(before._asdict())
    more = after.frequency - before.frequency
    quiet, told = model.p_none(users, [30])[:, 0], model.expected(users, [30])[:, 0]
    assert model.expected_repeats(ages).mean() == pytest.approx(before.frequency.mean(), rel=0.03)
    for group in np.array_split(np.argsort(told), 4):
        for chance, happened in ((quiet, more == 0), (told, more)):
            error = happened[group].std() / np.sqrt(group.size)
            assert chance[group].mean() == pytest.approx(happened[group].mean(), abs=4 * error)


@pytest.fixture(scope="module")
def cdnow():
    if not DATA.exists():
        pytest.skip("the CDNOW data are not there; set FORETIDE_DATA")
    rows = pl.read_parquet(DATA).select(pl.col("user_id").cast(pl.String), "event_type", "value", ts="timestamp")
    log = FrameBuckets(rows, "UTC")
    return summaries(log, datetime(1997, 10, 1, tzinfo=UTC)).with_columns(pl.col("recency", "age") / 7)


#: What lifetimes 0.11.3 estimates from all CDNOW customers, in weeks; benchmarks/btyd_speed.py prints it.
PEERS = {
    "BG/NBD": (0.2516, 4.7889, 0.7234, 2.1611),
    "MBG/NBD": (0.6371, 7.3103, 0.8075, 1.2284),
    "Pareto/NBD": (0.5974, 11.5854, 0.5222, 8.8281),
}


@KINDS
def test_all_cdnow_customers_give_the_estimates_of_lifetimes(cdnow, name):
    assert cdnow.height == 23_570
    assert BUY_TILL_YOU_DIE[name]().fit(cdnow).theta_ == pytest.approx(PEERS[name], rel=5e-4)
