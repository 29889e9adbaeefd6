"""The account of growth ahead: it adds up, and asks for no flow below zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.features.population import GONE, N_PLACES
from foretide.users.growth import ACCOUNTING_AHEAD, account_ahead, balanced

FLOWS = st.floats(0, 1e6)


@given(FLOWS, FLOWS, st.floats(-1e6, 1e6))
def test_gains_and_losses_differ_by_the_net(gained, lost, net):
    up, down = balanced(np.array([gained]), np.array([lost]), np.array([net]))
    assert up[0] - down[0] == pytest.approx(net, rel=1e-9, abs=1e-6)
    assert up[0] >= 0
    assert down[0] >= 0
    assert up[0] * down[0] == pytest.approx(gained * lost, rel=1e-6, abs=1e-3)


def test_an_account_that_adds_up_already_is_left_alone():
    up, down = balanced(np.array([7.0]), np.array([4.0]), np.array([3.0]))
    assert (up[0], down[0]) == pytest.approx((7.0, 4.0))


@given(st.integers(1, 10), st.integers(0, 1000))
def test_the_account_adds_up_to_the_mix(h, seed):
    rng = np.random.default_rng(seed)
    users, walked = rng.uniform(1, 1000, 6), rng.uniform(0, 9, (h, N_PLACES, N_PLACES))
    mix = rng.dirichlet(np.ones(6), h)
    table = account_ahead(np.datetime64("2024-01-01") + np.arange(h), users, mix, walked)
    assert table.schema == ACCOUNTING_AHEAD
    active, new, back, lost = (table[name].to_numpy() for name in ("active", "new", "resurrected", "lost"))
    before = np.concatenate([[users[:-1].sum()], active[:-1]])
    assert active == pytest.approx(before + new + back - lost, rel=1e-9)
    total = users.sum() + np.cumsum(walked[:, 0].sum(axis=1))
    assert active == pytest.approx(total * (1 - mix[:, GONE - 1]))
    assert (table.select("new", "resurrected", "lost").to_numpy() >= 0).all()
