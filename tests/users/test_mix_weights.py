"""Weights of the forecasts of the mix: they add up, prefer what erred less, and know only what was over."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.users.mix_weights import MODELS, PRIOR, honest_mixes, mixed, weights_of_models

H = 14


def trial(n, errors, seed=0):
    """Return mixes of the models with normal errors of these sizes, and what came, at ``n`` origins."""
    rng = np.random.default_rng(seed)
    happened = [rng.dirichlet(np.full(6, 9.0), H) for _ in range(n)]
    off = rng.normal(size=(n, len(MODELS), H, 6)) * np.asarray(errors)[:, None, None]
    return [came + mine for came, mine in zip(happened, off, strict=True)], happened


def test_nothing_tried_gives_the_prior():
    assert weights_of_models([], []).tolist() == PRIOR.tolist()


@pytest.mark.parametrize("best", range(len(MODELS)))
def test_the_one_that_errs_least_counts_most(best):
    errors = np.full(len(MODELS), 0.1)
    errors[best] = 0.01
    assert weights_of_models(*trial(6, errors))[best] >= 0.9


def test_twice_the_error_counts_a_quarter_where_much_was_tried():
    weights = weights_of_models(*trial(300, [0.05, 0.1, 0.2]))
    assert weights / weights[0] == pytest.approx([1, 1 / 4, 1 / 16], rel=0.1)


def test_nothing_missed_is_no_division_by_zero():
    assert weights_of_models(*trial(3, [0.0, 0.0, 0.0])).sum() == pytest.approx(1)


@given(st.integers(0, 200))
@settings(max_examples=20)
def test_a_weighed_mix_is_a_mix(seed):
    rng = np.random.default_rng(seed)
    told = rng.dirichlet(np.ones(6), (len(MODELS), H))
    weights = rng.dirichlet(np.ones(len(MODELS)))
    assert mixed(weights, told).sum(axis=1) == pytest.approx(1)
    assert (mixed(weights, told) >= 0).all()


def test_the_mix_of_an_origin_knows_only_horizons_that_were_over():
    told, happened = trial(4, [0.1, 0.05, 0.2])
    origins = [40, 47, 54, 61]
    before = honest_mixes(told, happened, origins, H)
    changed = [*happened[:2], happened[2] + 1, happened[3] + 1]
    after = honest_mixes(told, changed, origins, H)
    assert before[0] == pytest.approx(mixed(PRIOR, told[0]))
    assert all((mine == his).all() for mine, his in zip(before, after, strict=True))
    assert before[2] == pytest.approx(mixed(weights_of_models(told[:1], happened[:1]), told[2]))
