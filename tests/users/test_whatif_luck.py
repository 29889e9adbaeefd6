"""The luck of what a change wins: none where nothing changes, that of a count, the same for the same population."""

import numpy as np
import pytest

from foretide.users.stages import stage_outlook
from foretide.users.walk import Push, flows
from foretide.users.whatif import what_if
from foretide.users.whatif_luck import ACTIVE_IF, active_if, spread_of_differences, staying, won_by
from users.populations import at, steady

PUSHES = [Push(), Push(returning=1.5), Push(arriving=0.5), Push(returning=1.5, staying=1.2)]


@pytest.fixture(scope="module")
def told():
    return stage_outlook(steady(300, 100), at(90), 14)


@pytest.fixture(scope="module")
def spread(told):
    return spread_of_differences(told, PUSHES, 12)


def test_without_a_change_there_is_no_luck(spread):
    assert spread[0] == 0


def test_the_luck_is_at_least_that_of_a_count_and_not_that_of_all_users(told, spread):
    usual = staying(flows(told.basis.setting))
    won = np.array([staying(flows(told.basis.setting, push)) - usual for push in PUSHES])
    assert (spread[1:] >= 0.5 * np.sqrt(np.abs(won[1:]))).all()
    assert (spread < np.sqrt(told.basis.users.sum())).all()


def test_the_same_population_is_won_the_same(told):
    assert won_by(told.basis.setting, PUSHES).tolist() == won_by(told.basis.setting, PUSHES).tolist()


def test_users_are_counted_without_those_outside_and_those_gone(told):
    basis = told.basis
    walked = basis.walked
    assert staying(walked) + walked[-1, :, -1].sum() == pytest.approx(basis.total[-1])


def test_active_users_are_those_of_the_accounts(told):
    rows = active_if(told, [Push(), Push(returning=1.5, staying=0.9, arriving=0.8)])
    assert rows.schema == ACTIVE_IF
    assert rows.row(0) == pytest.approx((told.accounting["active"][-1],) * 2 + (0, 0, 0))
    changed = what_if(told, reactivation=0.5, retention=-0.1, arrivals=-0.2)
    assert rows["active_if"][1] == pytest.approx(changed.accounting_if["active"][-1])
    assert rows["lo"][1] < rows["difference"][1] == rows["active_if"][1] - rows["active"][1] < rows["hi"][1]
