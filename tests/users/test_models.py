"""The laws that every model of users keeps, whatever it takes a user for."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from foretide.errors import UsageError
from foretide.users.coalitions import CLIP
from foretide.users.examples import feature_names
from foretide.users.models import USER_MODELS, coarse, user_model
from foretide.users.rates import Rates
from foretide.users.reasons import reasons
from foretide.users.scores import scores
from users.visiting import HORIZON, seen_and_test

#: The network keeps the same laws in test_sequence.py, where it is trained once.
LEARNT_HERE = [name for name in USER_MODELS if name != "lstm"]
#: Models that tell the rates of stages where there is too little to learn from.
FALLING_BACK = ("glm", "hazard", "lightgbm", "tree", "forest", "svm", "mlp", "stack")


@pytest.fixture(scope="module", params=LEARNT_HERE)
def learnt(request):
    seen, test = seen_and_test()
    return request.param, user_model(request.param, HORIZON).fit(seen), test


def test_answers_are_chances_and_days_within_the_horizon(learnt):
    _, model, test = learnt
    told = model.predict(test)
    assert told.columns == ["p_inactive", "expected_active_days"]
    assert told.height == test.height
    p, days = told["p_inactive"].to_numpy(), told["expected_active_days"].to_numpy()
    assert np.isfinite(told.to_numpy()).all()  # though a feature is constant, and one is never defined
    assert ((p >= 0) & (p <= 1) & (days >= 1 - p - 1e-9) & (days <= HORIZON)).all()


def test_answers_go_row_by_row_and_repeat(learnt):
    _, model, test = learnt
    whole = model.predict(test).to_numpy()
    assert model.predict(test.reverse()).to_numpy()[::-1] == pytest.approx(whole)
    assert model.predict(test[7:9]).to_numpy() == pytest.approx(whole[7:9])


def test_what_happens_ahead_is_not_looked_at(learnt):
    _, model, test = learnt
    known = test.select("user_id", "as_of", "stage", *feature_names(test))
    assert model.predict(known).equals(model.predict(test))


def test_a_model_is_the_same_again(learnt):
    name, model, test = learnt
    again = user_model(name, HORIZON).fit(seen_and_test()[0])
    assert again.predict(test[:50]).equals(model.predict(test[:50]))


def test_users_are_told_apart(learnt):
    _, model, test = learnt
    happened = test["inactive"].to_numpy().astype(float)
    alike = Rates(None).fit(seen_and_test()[0]).predict(test, HORIZON)[0]
    told = model.predict(test)
    assert scores(happened, told["p_inactive"].to_numpy()).log_loss < 0.8 * scores(happened, alike).log_loss
    assert np.corrcoef(told["expected_active_days"], test["active_days_ahead"])[0, 1] > 0.7


def test_nobody_is_no_problem(learnt):
    _, model, test = learnt
    assert model.predict(test.clear()).height == 0


def test_reasons_add_up_to_the_log_odds_user_by_user(learnt):
    _, model, test = learnt
    some = test[:12]
    p = model.predict(some)["p_inactive"].to_numpy()
    parts = reasons(model, some)
    told = expit(parts.group_by("user_id", maintain_order=True).agg(pl.col("log_odds").sum())["log_odds"].to_numpy())
    np.testing.assert_allclose(np.clip(told, CLIP, 1 - CLIP), np.clip(p, CLIP, 1 - CLIP), atol=1e-6)
    alone = reasons(model, some[5:6])["log_odds"].to_numpy()
    np.testing.assert_allclose(alone, parts.filter(user_id=some["user_id"][5])["log_odds"].to_numpy(), atol=1e-6)
    assert reasons(model, test.clear()).is_empty()


@pytest.mark.parametrize("name", FALLING_BACK)
def test_rates_in_place_of_what_could_be_learnt_are_told_of(name):
    seen, test = seen_and_test()
    idle = seen.with_columns(inactive=pl.lit(value=True), active_days_ahead=pl.lit(0))
    assert coarse(user_model(name, HORIZON).fit(idle), test)
    assert not coarse(user_model(name, HORIZON).fit(idle), test.clear())
    assert not coarse(user_model("tree", HORIZON).fit(seen), test)


@pytest.mark.parametrize("name", LEARNT_HERE)
def test_a_single_user_and_users_who_never_came_twice_can_be_learnt_from(name):
    """Whoever is asked about then: nobody has been seen with gaps, or with the stages of the others."""
    seen, test = seen_and_test()
    some = test.sort("active_days")[-5:]
    for rows in (seen.filter(user_id=seen["user_id"][0]), seen.filter(active_days=1)):
        model = user_model(name, HORIZON).fit(rows)
        assert coarse(model, test) or rows["user_id"].n_unique() > 1
        told = model.predict(test)
        assert np.isfinite(told.to_numpy()).all()
        assert told["p_inactive"].is_between(0, 1).all()
        assert np.isfinite(reasons(model, some)["log_odds"].to_numpy()).all()


def test_an_unknown_name_is_refused():
    with pytest.raises(UsageError, match="no model 'oracle'"):
        user_model("oracle", 28)
