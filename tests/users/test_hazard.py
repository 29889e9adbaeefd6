"""The hazard of the return: its grid, known truth, agreement of horizons, censoring."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.users.covariates import names
from foretide.users.hazard import HazardModel
from foretide.users.rates import Rates
from foretide.users.stretches import FADING, ReturnHazard, at_risk, stretches
from users.visiting import HORIZON, seen_and_test


@given(st.integers(1, 400), st.integers(1, 1000))
def test_stretches_follow_each_other_and_end_at_the_longest(longest, until):
    grid = stretches(longest, until)
    assert grid[0] == (0, 1)
    assert all(before.end == after.begin < until for before, after in pairwise(grid))
    assert grid[-1].end >= until
    assert until < longest or longest in {stretch.end for stretch in grid}


def test_the_usual_horizons_fall_on_the_grid():
    assert [stretch.end for stretch in stretches(28, 60)] == [1, 3, 7, 14, 28, 56, 112]


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([7, 14, 28])), min_size=1, max_size=30))
def test_each_user_is_counted_once_in_each_stretch_until_the_return(rows):
    waited = np.array([days if days < seen else np.inf for days, seen in rows])
    seen = np.array([seen for _, seen in rows])
    times, returns = np.zeros(len(rows)), np.zeros(len(rows))
    for _, there, back in at_risk(waited, seen):
        times[there] += 1
        returns[there] += back
    ends = {stretch.end: n for n, stretch in enumerate(stretches(int(seen.max()), int(seen.max())), start=1)}
    expected = [next(n for end, n in ends.items() if end > days) if days < np.inf else None for days in waited]
    assert (returns == np.isfinite(waited)).all()
    assert [t for t, e in zip(times, expected, strict=True) if e] == [e for e in expected if e]
    assert all(t == sum(end <= s for end in ends) for t, s, e in zip(times, seen, expected, strict=True) if not e)


def known(n, rng, seen):
    """Make covariates with a binary ``late``, and returns at 5 % or 20 % a day, censored after the days seen."""
    x = np.zeros((n, len(names())))
    late = rng.integers(0, 2, n)
    x[:, names().index("late")] = late
    waited = rng.geometric(np.where(late, 0.05, 0.2)) - 1.0
    return x, late, np.where(waited < seen, waited, np.inf)


def test_a_known_hazard_is_recovered_from_censored_returns():
    rng = np.random.default_rng(1)
    seen = rng.choice([7, 14, 28], 20_000)
    x, late, waited = known(20_000, rng, seen)
    model = ReturnHazard().fit(x, waited, seen, penalty_c=1.0)
    for days in (1, 5, 14, 28):
        left = model.remaining(x, days)
        assert left[late == 0].mean() == pytest.approx(0.8**days, abs=0.02)
        assert left[late == 1].mean() == pytest.approx(0.95**days, abs=0.03)
    assert "late" in FADING


@pytest.fixture(scope="module")
def learnt():
    seen, test = seen_and_test()
    return HazardModel(HORIZON).fit(seen), test


def test_a_longer_horizon_never_has_the_larger_chance_of_nothing(learnt):
    model, test = learnt
    told = np.array([model.predict_for(test, days)["p_inactive"] for days in range(1, 5 * HORIZON)])
    assert (np.diff(told, axis=0) <= 1e-12).all()
    assert ((told >= 0) & (told <= 1)).all()


def test_a_horizon_beyond_those_learnt_from_is_flagged():
    short = seen_and_test()[0].filter(pl.col("horizon_days") < HORIZON)
    assert HazardModel(HORIZON).fit(short).carried_on_
    assert not HazardModel(HORIZON // 2).fit(short).carried_on_


def test_one_outcome_only_gets_the_rates_of_stages():
    seen, test = seen_and_test()
    rows = seen.with_columns(inactive=pl.lit(value=True), active_days_ahead=pl.lit(0), return_days=pl.lit(None))
    told = HazardModel(HORIZON).fit(rows).predict(test)
    assert told["p_inactive"].to_numpy() == pytest.approx(Rates().fit(rows).predict(test, HORIZON)[0])
