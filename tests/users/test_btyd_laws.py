"""Buy-till-you-die models: laws of their answers, and what they make of bad input."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import DataError, MappingError, NotEnoughDataError, UsageError
from foretide.users.btyd import BUY_TILL_YOU_DIE, BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from foretide.users.btyd_leaving import AfterVisits, AnyTime
from foretide.users.btyd_summaries import condensed
from users.btyd_cases import KINDS, PUBLISHED, some_users, with_parameters


@KINDS
def test_duplicates_are_weights(name):
    users = some_users(300, seed=5)
    doubled = pl.concat([users, users, users[:50]])
    model = BUY_TILL_YOU_DIE[name]().fit(doubled)
    weighted = BUY_TILL_YOU_DIE[name]().fit(condensed(doubled).sample(fraction=1, shuffle=True, seed=1))
    assert weighted.theta_ == pytest.approx(model.theta_, rel=1e-9)
    assert model.n_users_ == weighted.n_users_ == 650


@st.composite
def a_user(draw):
    age = draw(st.floats(0, 500))
    x = draw(st.integers(0, 300)) if age > 1 else 0
    return {"frequency": x, "recency": draw(st.floats(0.01, 1)) * age if x else 0.0, "age": age}


@KINDS
@settings(max_examples=40)
@given(
    users=st.lists(a_user(), min_size=1, max_size=4),
    logs=st.lists(st.floats(-5, 5), min_size=4, max_size=4),
    horizons=st.lists(st.floats(0, 400), min_size=1, max_size=5).map(sorted),
)
def test_chances_and_expectations_keep_their_laws(name, users, logs, horizons):
    model, table = with_parameters(name, np.exp(logs)), pl.DataFrame(users)
    alive, none, visits_told = model.p_alive(table), model.p_none(table, horizons), model.expected(table, horizons)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert ((none >= 0) & (none <= 1)).all()
    assert (none >= 1 - alive[:, None] - 1e-9).all()  # who is gone does not come
    assert (visits_told >= 1 - none - 1e-9).all()  # as many visits as users with any, or more
    assert (np.diff(none) <= 1e-12).all()
    assert (np.diff(visits_told) >= -1e-9 * (1 + visits_told[:, 1:])).all()
    assert model.p_none(table, [0.0]) == pytest.approx(1)
    assert model.expected(table, [0.0]) == pytest.approx(0)


@KINDS
def test_answers_go_row_by_row(name):
    model, users = with_parameters(name, PUBLISHED[name]), some_users(60)
    shuffled = np.random.default_rng(0).permutation(users.height)
    for answer in (model.expected, model.p_none):
        assert answer(users[shuffled], [4, 39]) == pytest.approx(answer(users, [4, 39])[shuffled], rel=1e-14)
    assert model.p_none(users[:0], [4]).shape == (0, 1)


@KINDS
def test_no_user_is_an_error_that_says_so(name):
    with pytest.raises(NotEnoughDataError, match="no user to learn from"):
        BUY_TILL_YOU_DIE[name]().fit(some_users()[:0])


@KINDS
@pytest.mark.parametrize(
    "users",
    [
        pytest.param({"frequency": [3], "recency": [20.0], "age": [30.0]}, id="one user"),
        pytest.param({"frequency": [0], "recency": [0.0], "age": [0.0]}, id="one user of today"),
        pytest.param({"frequency": [0] * 500, "recency": [0.0] * 500, "age": np.arange(500.0)}, id="nobody came back"),
        pytest.param({"frequency": [4] * 500, "recency": [20.0] * 500, "age": [30.0] * 500}, id="all alike"),
        pytest.param({"frequency": [30] * 500, "recency": [30.0] * 500, "age": [30.0] * 500}, id="every day"),
    ],
)
def test_data_that_leave_a_parameter_open_get_a_finite_one(name, users):
    table = pl.DataFrame(users)
    model = BUY_TILL_YOU_DIE[name]().fit(table)
    assert np.isfinite(model.theta_).all()
    assert (model.theta_ > 0).all()
    told = model.expected(table, [30])
    assert np.isfinite(told).all()
    rate = (table["frequency"].sum() + 1) / (table["age"].sum() + 1)
    assert told.max() <= 30 * 2 * rate


def test_nobody_coming_back_means_that_nobody_is_expected():
    table = pl.DataFrame({"frequency": [0] * 500, "recency": [0.0] * 500, "age": np.full(500, 90.0)})
    for kind in (BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD):
        assert kind().fit(table).p_none(table, [30]).min() > 0.99


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ((1, 5.0, 4.0), "row 1 of the summary cannot be"),
        ((-1, 0.0, 4.0), "frequency -1"),
        ((1.5, 2.0, 4.0), "frequency is a count"),
        ((0, 2.0, 4.0), "recency is 0 where"),
        ((2, 0.0, 4.0), "recency is 0 where"),
        ((2, 1.0, float("inf")), "age inf"),
        ((2, float("nan"), 4.0), "recency nan"),
        ((None, 0.0, 4.0), "frequency nan"),
    ],
)
def test_a_row_that_cannot_be_is_named(user, message):
    schema = dict.fromkeys(["frequency", "recency", "age"], pl.Float64)
    rows = pl.DataFrame([(1.0, 2.0, 3.0), user], schema=schema, orient="row")
    with pytest.raises(DataError, match=message):
        BetaGeoNBD().fit(rows)


def test_bad_columns_and_horizons_are_errors():
    with pytest.raises(MappingError, match="no column 'age'"):
        BetaGeoNBD().fit(some_users().drop("age"))
    for wrong in ([-1.0], [np.inf]):
        with pytest.raises(DataError, match="a horizon is a finite length"):
            with_parameters("BG/NBD", (1, 1, 1, 1)).p_none(some_users(), wrong)
    model = BetaGeoNBD(horizon_days=0)
    with pytest.raises(UsageError, match="at least 1 day"):
        model.predict(some_users())


def test_the_ways_of_leaving_name_their_parameters():
    assert {kind.leaving for kind in BUY_TILL_YOU_DIE.values()} == {AfterVisits(0), AfterVisits(1), AnyTime()}
    fitted = ParetoNBD().fit(some_users())
    assert fitted.theta_.tolist() == [fitted.r_, fitted.alpha_, fitted.s_, fitted.beta_]
