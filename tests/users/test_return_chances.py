"""Chances of cells: known ones are found again, sums agree, what nobody was seen in is told by its likes."""

import numpy as np
import pytest

from foretide.users.cell_regression import logistic, regression
from foretide.users.return_cells import N_CELLS, SILENCES
from foretide.users.return_chances import chances, chances_ahead, group_of_cell

SILENCE = SILENCES[np.arange(N_CELLS) % SILENCES.size]
TRUTH = logistic(0.5 - 1.2 * np.log(SILENCE))
DATES = np.datetime64("2024-01-01") + np.arange(84)


def counted(n_days, users=3.0, truth=TRUTH, rng=0):
    """Return users of some of the cells, and those who acted."""
    rng = np.random.default_rng(rng)
    there = rng.poisson(users, (n_days, N_CELLS)) * (np.arange(N_CELLS) % 3 == 0)
    return there.astype(np.int32), rng.binomial(there, truth).astype(np.int32)


def test_chances_that_depend_on_silence_are_found_again_even_where_nobody_was():
    told = chances(*counted(60))
    seen = np.arange(N_CELLS) % 3 == 0
    for part in (seen, ~seen):
        assert np.abs(told[part] - TRUTH[part]).mean() < 0.03
    assert np.abs(regression(*(table.sum(axis=0) for table in counted(60))) - TRUTH).mean() < 0.01


def test_expected_and_seen_add_up_as_the_intercept_is_free():
    there, active = (table.sum(axis=0) for table in counted(20))
    assert there @ regression(there, active) == pytest.approx(active.sum(), rel=1e-3)


def test_a_cell_with_many_users_keeps_its_own_rate():
    there, active = counted(1)
    there[0, 0], active[0, 0] = 100_000, 12_345
    assert chances(there, active)[0] == pytest.approx(0.12345, abs=1e-4)


@pytest.mark.parametrize("active_share", [0, 1])
def test_chances_stay_between_zero_and_one_where_nobody_or_everybody_acts(active_share):
    there, _ = counted(10)
    told = chances(there, there * active_share)
    assert ((told >= 0) & (told <= 1)).all()
    assert abs(told.mean() - active_share) < 0.05


def test_without_anybody_a_chance_is_even():
    nothing = np.zeros((5, N_CELLS), np.int32)
    assert chances(nothing, nothing) == pytest.approx(0.5)


def test_recent_days_count_more():
    there, few = counted(112, truth=np.full(N_CELLS, 0.1))
    _, many = counted(112, truth=np.full(N_CELLS, 0.4))
    active = np.where(np.arange(112)[:, None] < 56, few, many)
    told = chances(there, np.minimum(active, there))
    assert told.mean() == pytest.approx((0.1 * 0.25 + 0.4 * 0.75), abs=0.03)  # 56 days are two half-lives


def test_a_season_of_the_week_goes_on():
    weekend = np.arange(84 + 14) % 7 >= 5
    there, _ = counted(84, 1.0)
    lively = logistic(np.log(TRUTH / (1 - TRUTH)) + np.where(weekend, 1.0, 0.0)[:, None])
    active = np.random.default_rng(1).binomial(there, lively[:84]).astype(np.int32)
    told = chances_ahead(there, active, DATES, 14, 7)
    assert told.shape == (14, N_CELLS)
    assert np.abs(told - lively[84:]).mean() < 0.04
    assert told[weekend[84:]].mean() > 1.2 * told[~weekend[84:]].mean()


@pytest.mark.parametrize("window_days", [3, 7, 14])
def test_groups_are_told_by_silence(window_days):
    group = group_of_cell(window_days)
    assert set(group) == {0, 1, 2}
    assert (group[window_days > SILENCE] == 0).all()
    assert (group[4 * window_days <= SILENCE] == 2).all()
