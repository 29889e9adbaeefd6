"""Shapley values of reasons: a recount over all orders, known truth, and whom users are compared with."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from foretide.users.coalitions import contributions_of, usual_user
from foretide.users.models import user_model
from users.visiting import HORIZON, seen_and_test

#: One column for each of three reasons.
COLUMNS = {"recency_days": "recency", "active_days": "history", "value_decayed_7": "value"}
USUAL = pl.DataFrame(dict.fromkeys(COLUMNS, 1.0))


def asked(odds_of):
    """Make a model of log-odds."""
    return lambda users: pl.DataFrame({"p_inactive": expit(odds_of(*(users[name].to_numpy() for name in COLUMNS)))})


def users_with(rows):
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.Float64()), orient="row")


@given(st.lists(st.tuples(*[st.floats(-2, 2)] * 3), min_size=1, max_size=4), st.lists(st.floats(-1, 1), min_size=7))
def test_parts_are_the_mean_over_all_orders_of_joining(rows, weights):
    def odds_of(x, y, z):
        terms = (x, y, z, x * y, y * z, x * z, x * y * z)
        return sum(w * term for w, term in zip(weights, terms, strict=False)) / 3

    told = contributions_of(asked(odds_of), users_with(rows), USUAL)
    assert told.names == list(COLUMNS.values())
    for row, parts in zip(rows, told.parts, strict=True):
        expected = np.zeros(3)
        for order in permutations(range(3)):
            now = np.ones(3)
            for joins in order:
                before = odds_of(*now)
                now[joins] = row[joins]
                expected[joins] += (odds_of(*now) - before) / 6
        np.testing.assert_allclose(parts, expected, atol=1e-9)
    np.testing.assert_allclose(told.parts.sum(axis=1) + told.base, odds_of(*np.array(rows).T), atol=1e-9)


def test_what_is_not_looked_at_and_what_is_as_usual_are_no_parts():
    told = contributions_of(asked(lambda x, y, z: x + x * y + 0 * z), users_with([(2.0, 1.0, 5.0)]), USUAL)
    np.testing.assert_allclose(told.parts, [[2.0, 0.0, 0.0]], atol=1e-9)


def test_the_usual_user_is_the_median_and_of_the_most_frequent_stage():
    rows = pl.DataFrame(
        {"days": [1.0, 5.0, 9.0, np.nan], "none": [np.nan] * 4, "stage": ["new", "active", "active", "churned"]}
    )
    for shuffled in (rows, rows.reverse()):
        usual = usual_user(shuffled, ["days", "none"])
        assert usual["days"].item() == 5.0
        assert np.isnan(usual["none"].item())
        assert usual["stage"].item() == "active"


def test_users_of_a_single_day_are_explained_by_models_of_random_visits():
    seen, test = seen_and_test()
    model = user_model("bgnbd", HORIZON).fit(seen)
    once = test.filter(pl.col("active_days") == 1)
    assert once["gap_mean_days"].is_nan().all()
    told = model.contributions(once)
    assert told.names == ["recency", "rhythm", "history"]
    assert np.isfinite(told.parts).all()
    p = model.predict(once)["p_inactive"].to_numpy()
    assert expit(told.parts.sum(axis=1) + told.base) == pytest.approx(np.clip(p, 1e-4, 1 - 1e-4))
