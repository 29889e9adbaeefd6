"""Known events and covariates: what was planted is found, taken out of the past and put on the days to come."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.features.calendar import CALENDAR
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage
from foretide.forecast.known_events import EventEffects, shrunk
from foretide.forecast.regression import LagRegression
from foretide.forecast.smoothing import HoltWinters
from foretide.forecast.with_events import WithEvents

FIRST = date(2022, 1, 3)
WEEK = np.array([1.0, 1.1, 0.9, 1.0, 1.3, 1.6, 0.7])


def day(step):
    return FIRST + timedelta(days=int(step))


def calendar(*events):
    """Make a calendar of ``(name, first step, last step[, category])``."""
    rows = [(name, day(a), day(b), *(rest or [None])) for name, a, b, *rest in events]
    return pl.DataFrame(rows, CALENDAR, orient="row")


def sales(n_series=10, n_steps=420, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    level = rng.uniform(30, 300, (n_series, 1))
    return level * WEEK[np.arange(n_steps) % 7] * np.exp(rng.normal(0, noise, (n_series, n_steps)))


def test_a_planted_holiday_is_learnt_from_two_and_put_on_the_third():
    y = sales()
    plain = HoltWinters().ahead(y, [400], 14).median
    y[:, [120, 260]] *= 1.8
    fair = calendar(*(("fair", at, at) for at in (120, 260, 405)))
    effects = EventEffects.learn(y[:, :400], fair, FIRST, 14)
    learnt = effects.table.filter(event="fair", offset=0).row(0, named=True)
    assert learnt["days"] == 2
    assert learnt["note"] == "learnt"
    assert learnt["ratio"] == pytest.approx(1.8, rel=0.08)
    told = WithEvents(HoltWinters(), fair, FIRST).ahead(y[:, :400], [400], 14).median
    np.testing.assert_allclose(told[:, 0, 5] / plain[:, 0, 5], 1.8, rtol=0.12)
    np.testing.assert_allclose(np.delete(told / plain, 5, axis=2), 1.0, rtol=0.05)


def test_effects_are_drawn_towards_the_panel_and_a_chance_towards_zero():
    rng = np.random.default_rng(2)
    truth = rng.normal(0.5, 0.1, 200)
    own = truth[:, None] + rng.normal(0, 0.3, (200, 2))
    effect = shrunk(own, np.full(200, 0.09), 0.09 / 200)
    assert np.mean((effect - truth) ** 2) < 0.4 * np.mean((own.mean(axis=1) - truth) ** 2)
    nothing = [shrunk(rng.normal(0, 0.3, (1, 2)), np.array([0.09]), 0.09)[0] for _ in range(500)]
    assert np.mean(np.array(nothing) == 0) > 0.75


def test_a_series_with_an_effect_of_its_own_keeps_it():
    y = sales(20)
    up = np.where(np.arange(20) < 10, 2.0, 0.5)
    y[:, [100, 200, 300]] *= up[:, None]
    effects = EventEffects.learn(y, calendar(*(("sale", at, at) for at in (100, 200, 300, 425))), FIRST, 14)
    np.testing.assert_allclose(np.exp(effects.ahead(14)[:, 5]), up, rtol=0.2)


def test_a_social_event_that_is_over_is_not_forecast_on():
    """Four days at three times the usual, two days before the origin: without the calendar, a higher level."""
    y = sales(1)
    calm = HoltWinters().ahead(y, [420], 14).median
    y[:, 413:417] *= 3
    over = calendar(("in the news", 413, 416))
    raised = HoltWinters().ahead(y, [420], 14).median / calm
    told = WithEvents(HoltWinters(), over, FIRST).ahead(y, [420], 14).median / calm
    assert raised.mean() > 1.08
    np.testing.assert_allclose(told.mean(), 1.0, atol=0.03)


def test_a_long_event_is_measured_by_the_weeks_around_it():
    y = sales(5)
    y[:, 200:235] *= 1.5
    effects = EventEffects.learn(y, calendar(("campaign", 200, 234)), FIRST)
    assert effects.table.filter(offset=0)["ratio"].item() == pytest.approx(1.5, rel=0.05)
    np.testing.assert_allclose(effects.without_events(y)[:, 200:235].mean() / y[:, 270:305].mean(), 1.0, atol=0.05)


def test_days_around_an_event_and_events_on_the_same_day_are_told_apart():
    y = sales(12)
    for at in (100, 200, 300):
        y[:, at - 1] *= 1.4
        y[:, at] *= 0.6
    y[:, [200, 250, 350]] *= 2
    both = calendar(*(("feast", at, at) for at in (100, 200, 300)), *(("sale", at, at) for at in (200, 250, 350)))
    table = EventEffects.learn(y, both, FIRST).table
    ratio = {(row["event"], row["offset"]): row["ratio"] for row in table.iter_rows(named=True)}
    assert ratio["feast", -1] == pytest.approx(1.4, rel=0.08)
    assert ratio["feast", 0] == pytest.approx(0.6, rel=0.08)
    assert ratio["sale", 0] == pytest.approx(2.0, rel=0.08)
    assert ratio["feast", 1] == pytest.approx(1.0, abs=0.05)


def test_an_event_of_one_category_concerns_that_series_alone():
    y = sales(3)
    y[1, [150, 300]] *= 2
    ids = ["a", "b", "c"]
    own = calendar(*(("launch", at, at, "b") for at in (150, 300, 425)), ("other", 100, 100, "z"))
    told = WithEvents(SeasonalWindowAverage(), own, FIRST, ids).ahead(y, [420], 7).median[:, 0]
    plain = SeasonalWindowAverage().ahead(y, [420], 7).median[:, 0]
    np.testing.assert_allclose(told[[0, 2]], plain[[0, 2]])
    assert told[1, 5] / plain[1, 5] == pytest.approx(2.0, rel=0.2)
    with pytest.raises(UsageError, match="2 ids"):
        WithEvents(SeasonalNaive(), own, FIRST, ids[:2]).ahead(y, [420], 7)


def test_an_event_without_a_past_does_nothing_and_is_named():
    y = sales()
    ahead = calendar(("opening", 425, 426), ("long ago", -900, -890))
    effects = WithEvents(HoltWinters(), ahead, FIRST).effects(y, 14)
    assert effects.unseen == ("opening",)
    assert set(effects.table["note"]) == {"not_seen"}
    told = WithEvents(HoltWinters(), ahead, FIRST).ahead(y, [420], 14).median
    np.testing.assert_allclose(told, HoltWinters().ahead(y, [420], 14).median, rtol=1e-5)
    empty = WithEvents(HoltWinters(), calendar(), FIRST)
    np.testing.assert_allclose(empty.ahead(y, [420], 14).median, told, rtol=1e-5)
    assert empty.effects(y, 14).unseen == ()


def prices(y, n_steps, seed=4):
    """Return covariates: a price that steps now and then, and promotions."""
    rng = np.random.default_rng(seed)
    n_series = len(y)
    price = np.repeat(rng.uniform(2, 4, (n_series, n_steps // 28 + 1)), 28, axis=1)[:, :n_steps]
    promotion = (rng.random((n_series, n_steps)) < 0.1).astype(float)
    table = pl.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(n_series)], n_steps),
            "ds": [day(t) for t in range(n_steps)] * n_series,
            "price": price.ravel(),
            "promotion": promotion.ravel(),
        }
    )
    return price, promotion, table


def test_a_planted_elasticity_and_promotion_are_found_and_used():
    base = 20 * sales(8, 434)
    price, promotion, table = prices(base, 434)
    y = base * price**-1.5 * np.exp(0.6 * promotion)
    model = WithEvents(HoltWinters(), calendar(), FIRST, [f"s{i}" for i in range(8)], table)
    assert model.slopes(y[:, :420]) == pytest.approx({"price": -1.5, "promotion": 0.6}, abs=0.05)
    told = model.ahead(y[:, :420], [420], 14).median[:, 0]
    plain = HoltWinters().ahead(y[:, :420], [420], 14).median[:, 0]
    mistake, plain_mistake = (np.abs(np.log(said / y[:, 420:])).mean() for said in (told, plain))
    assert mistake < 0.13
    assert plain_mistake > 0.2


def test_a_covariate_that_is_not_known_ahead_stays_as_it_was():
    base = sales(4)
    price, _, table = prices(base, 420)
    y, ids = base / price, [f"s{i}" for i in range(4)]
    table = table.drop("promotion")
    rows = [(name, day(420 + k), float(price[i, -1])) for i, name in enumerate(ids) for k in range(7)]
    told = pl.concat([table, pl.DataFrame(rows, table.schema, orient="row")])
    missing, given = (WithEvents(HoltWinters(), calendar(), FIRST, ids, t).ahead(y, [420], 7) for t in (table, told))
    np.testing.assert_allclose(missing.median, given.median)


def test_covariates_of_single_series_need_ids_and_one_row_a_day():
    y = sales(2, 100)
    table = prices(y, 100)[2]
    with pytest.raises(UsageError, match="ids"):
        WithEvents(HoltWinters(), calendar(), FIRST, covariates=table).ahead(y, [100], 7)
    with pytest.raises(UsageError, match="twice"):
        WithEvents(HoltWinters(), calendar(), FIRST, ["s0", "s1"], pl.concat([table, table])).ahead(y, [100], 7)


def test_covariates_without_an_id_are_those_of_every_series():
    rng = np.random.default_rng(0)
    warm = rng.normal(0, 1, 307)
    y = sales(4, 307) * np.exp(0.3 * warm)
    table = pl.DataFrame({"ds": [day(t) for t in range(307)], "warmth": warm})
    model = WithEvents(HoltWinters(), calendar(), FIRST, covariates=table)
    assert model.slopes(y[:, :300])["warmth"] == pytest.approx(0.3, abs=0.02)
    told = model.ahead(y[:, :300], [300], 7).median[:, 0]
    assert np.abs(np.log(told / y[:, 300:])).mean() < 0.15


@pytest.fixture
def aware():
    events = calendar(*(("fair", at, at + 1) for at in (40, 96, 150, 203)), ("strike", 85, 87))
    return WithEvents(HoltWinters(), events, FIRST)


def test_nothing_after_an_origin_changes_its_answer(aware):
    y = np.random.default_rng(0).poisson(sales(6, 200, noise=0.3)).astype(float)
    y[-1, :70] = np.nan
    other = y.copy()
    other[:, 100:] = other[:, 100:][:, ::-1] * 3
    told = aware.ahead(y, [60, 100, 200], 7).median
    np.testing.assert_array_equal(told[:, :2], aware.ahead(other, [60, 100], 7).median)
    assert np.isnan(told[-1, 0]).all()
    assert np.isfinite(told[:, 1:]).all()
    np.testing.assert_allclose(aware.ahead(y[::-1].copy(), [200], 7).median[::-1], told[:, 2:], rtol=1e-6)


@pytest.mark.parametrize("y", [[[5.0]], [[5.0, 6.0]], [[0.0] * 200], [[3.0] * 200], [[1000.0] + [0.0] * 199]])
def test_odd_series_have_finite_forecasts(aware, y):
    y = np.array(y)
    told = aware.ahead(y, [y.shape[1]], 9).median
    assert np.isfinite(told).all()
    assert (told >= 0).all()
    if y.shape[1] == 200 and y.std() == 0:
        np.testing.assert_allclose(told, y[0, 0], atol=0.01)


def test_a_learner_can_be_made_aware():
    y = sales(6, 200)
    y[:, [60, 120]] *= 2
    model = WithEvents(LagRegression("ridge"), calendar(*(("fair", at, at) for at in (60, 120, 203))), FIRST)
    told = model.ahead(y, [200], 7).median[:, 0]
    np.testing.assert_allclose(told[:, 3] / (y[:, 143:200:7].mean(axis=1)), 2.0, rtol=0.2)
