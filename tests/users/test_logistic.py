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
