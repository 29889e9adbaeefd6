"""The logistic regression of all outlook models where there is only one outcome."""

import numpy as np
import pytest

from foretide.users.logistic import logistic


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 40])
def test_shares_that_are_all_alike_give_that_share_but_no_certainty(share, n):
    x = np.random.default_rng(0).normal(size=(n, 3))
    told = logistic(x, np.full(n, share)).predict_proba(x)[:, 1]
    assert told == pytest.approx(np.full(n, (n * share + 0.5) / (n + 1)), abs=1e-6)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_single_row_does_not_decide_for_all_that_bear_its_mark(outcome):
    """Of 20,000 rows one bears a mark that means nothing; the chance is 60 % for everybody."""
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=20_000), np.zeros(20_000)])
    share = (rng.random(20_000) < 0.6).astype(np.float64)
    x[0, 1], share[0] = 1.0, outcome
    told = logistic(x, share).predict_proba([[0.0, 1.0]])[0, 1]
    assert abs(told - 0.6) < 0.12
    assert (told > 0.6) == (outcome == 1.0)


def test_a_mark_that_many_rows_bear_counts_in_full():
    rng = np.random.default_rng(2)
    mark = (rng.random(20_000) < 0.2).astype(np.float64)
    share = (rng.random(20_000) < np.where(mark, 0.9, 0.3)).astype(np.float64)
    told = logistic(mark[:, None], share).predict_proba([[0.0], [1.0]])[:, 1]
    assert told == pytest.approx([0.3, 0.9], abs=0.02)
