"""What would be: no change changes nothing, more leads to more, and the account still adds up."""

import numpy as np
import pytest

from foretide.errors import UsageError
from foretide.schema import STAGES
from foretide.users.stages import stage_outlook
from foretide.users.whatif import WHAT_IF, what_if
from users.populations import at, steady

H = 14


@pytest.fixture(scope="module")
def told():
    return stage_outlook(steady(400, 110), at(100), H)


def last(table, column):
    """Return the last day's figures by stage."""
    return dict(table.select("stage", column).tail(len(STAGES)).iter_rows())


def test_no_change_changes_nothing(told):
    same = what_if(told)
    assert same.stages.schema == WHAT_IF
    assert same.stages["share_if"].to_numpy() == pytest.approx(same.stages["share"].to_numpy())
    assert same.stages["users"].to_numpy() == pytest.approx(told.stages["users"].to_numpy())
    for column in same.accounting.columns[1:]:
        assert same.accounting_if[column].to_numpy() == pytest.approx(same.accounting[column].to_numpy())


def test_the_account_adds_up_under_any_change(told):
    changed = what_if(told, reactivation=0.5, arrivals=-0.2, retention=-0.3)
    active, new, back, lost = (
        changed.accounting_if[name].to_numpy() for name in ("active", "new", "resurrected", "lost")
    )
    assert np.diff(active) == pytest.approx((new + back - lost)[1:])
    assert new == pytest.approx(0.8 * changed.accounting["new"].to_numpy())
    shares = changed.stages["share_if"].to_numpy().reshape(H, -1)
    users = changed.stages["users_if"].to_numpy().reshape(H, -1)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert active == pytest.approx(users[:, :-1].sum(axis=1))


def test_more_reactivation_makes_more_resurrected_and_fewer_churned(told):
    changes = [what_if(told, reactivation=change).stages for change in (-0.5, 0.1, 0.5)]
    churned, back = ([last(table, "share_if")[stage] for table in changes] for stage in ("churned", "resurrected"))
    assert churned == sorted(churned, reverse=True)
    assert back == sorted(back)
    assert len(set(churned)) == len(set(back)) == 3


def test_half_as_much_again_comes_back_where_few_do(told):
    base, more = what_if(told).accounting, what_if(told, reactivation=0.5).accounting_if
    assert 1.3 < more["resurrected"][0] / base["resurrected"][0] < 1.6


def test_nobody_arrives_if_arrivals_fall_by_all(told):
    none = what_if(told, arrivals=-1.0)
    assert none.accounting_if["new"].sum() == 0
    assert last(none.stages, "users_if")["new"] < last(none.stages, "users")["new"]


def test_better_retention_keeps_more_of_those_who_are_there(told):
    churned = [last(what_if(told, retention=change).stages, "users_if")["churned"] for change in (-0.5, 0.0, 0.5)]
    assert churned[0] > churned[1] > churned[2]


@pytest.mark.parametrize("change", [-1.5, float("nan"), float("inf")])
def test_impossible_changes_are_refused(told, change):
    with pytest.raises(UsageError, match="arrivals"):
        what_if(told, arrivals=change)
