"""Reasons: parts that add up and say what moves a model; see also the laws in ``test_models.py``."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from foretide.text import LANGUAGES, catalogue
from foretide.users.averaging import Weights
from foretide.users.contributions import STAGE_RATE
from foretide.users.covariates import names
from foretide.users.examples import feature_names
from foretide.users.learners import LearnerModel
from foretide.users.models import user_model
from foretide.users.rates import Rates
from foretide.users.reasons import IMPORTANCE, OTHER, PARTS, REASONS, USUAL, importance, reason_of, reasons
from foretide.users.sequence import OF_DAYS
from foretide.users.stacking import Stack
from users.visiting import HORIZON, seen_and_test


@pytest.fixture(scope="module", params=["glm", "hazard", "lightgbm"])
def learnt(request):
    seen, test = seen_and_test()
    return user_model(request.param, HORIZON).fit(seen), test


def total_of(parts):
    return parts.group_by("user_id", maintain_order=True).agg(pl.col("log_odds").sum())["log_odds"].to_numpy()


def test_all_that_is_known_of_a_user_has_a_reason():
    features = set(feature_names(seen_and_test()[0])) - {"constant", "undefined"}
    known = {*names(), STAGE_RATE, *features, *(f"day_{name}" for name in OF_DAYS)}
    assert {reason_of(part) for part in known} == {*REASONS, USUAL}
    assert {part for part in known if reason_of(part) == USUAL} == {"drift", "longer"}
    assert reason_of("constant") == OTHER


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_has_words(lang):
    words = catalogue(lang)
    assert all(f"explain.{reason}" in words and f"explain.reason_{reason}" in words for reason in (*REASONS, OTHER))


def test_reasons_add_up_to_the_log_odds(learnt):
    model, test = learnt
    parts = reasons(model, test)
    assert parts.schema == PARTS
    odds = total_of(parts)
    np.testing.assert_allclose(odds, logit(model.predict(test)["p_inactive"].to_numpy()), atol=1e-6)
    recency = parts.filter(reason="recency")
    np.testing.assert_allclose(recency["p_without"], expit(odds - recency["log_odds"].to_numpy()), atol=1e-9)
    usual = parts.filter(reason=USUAL)
    np.testing.assert_allclose(usual["p_without"], expit(usual["log_odds"].to_numpy()))


def test_what_moves_the_model_is_first(learnt):
    model, test = learnt
    ranked = importance(reasons(model, test))
    assert ranked.schema == IMPORTANCE
    assert ranked["mean_size"].is_sorted(descending=True)
    assert "recency" in ranked["reason"][:2].to_list()
    assert ranked.filter(reason=OTHER)["mean_size"].sum() == 0.0  # a feature that is constant, one never defined


@pytest.mark.parametrize("name", ["glm", "hazard", "stack"])
def test_the_usual_user_is_alike_for_all_and_being_churned_is_a_reason(name):
    seen, test = seen_and_test()
    settings = {"members": ("glm", "hazard")} if name == "stack" else {}
    parts = reasons(user_model(name, HORIZON, **settings).fit(seen), test)
    usual = parts.filter(reason=USUAL)["log_odds"]  # what changes with time is weighed a little differently by groups
    assert usual.max() - usual.min() < 0.3
    stage = parts.filter(reason="stage").with_columns(churned=test["stage"] == "churned")
    gone, here = (stage.filter(churned=churned)["log_odds"].mean() for churned in (True, False))
    assert gone > 1
    assert here < 0


def test_a_covariate_as_with_the_usual_user_is_no_part_of_the_hazard():
    seen, _ = seen_and_test()
    back = user_model("hazard", HORIZON).fit(seen).groups_[True].back
    x = back.usual_ + np.eye(len(back.usual_))
    parts, base = back.contributions(x, HORIZON)
    assert (parts[~np.eye(len(x), dtype=bool)] == 0).all()
    np.testing.assert_allclose(np.diag(parts) + base, logit(back.remaining(x, HORIZON)), atol=1e-9)


def test_boosted_trees_beyond_the_longest_horizon_add_up_too():
    seen, test = seen_and_test()
    model = LearnerModel("lightgbm", 3 * HORIZON).fit(seen)
    odds = total_of(reasons(model, test))
    inside = np.abs(odds) < 5
    assert inside.mean() > 0.5
    told = logit(model.predict(test)["p_inactive"].to_numpy())
    np.testing.assert_allclose(odds[inside], told[inside], atol=1e-6)


def test_reasons_take_the_learner_of_the_chance_alone():
    seen, test = seen_and_test()
    model = user_model("tree", HORIZON).fit(seen)
    whole = reasons(model, test)
    model.parts_ = (model.parts_[0], "no learner of active days")
    assert reasons(model, test).equals(whole)
    with pytest.raises(AttributeError):
        model.predict(test)


@pytest.mark.parametrize("name", ["glm", "hazard", "lightgbm"])
def test_where_only_the_rate_of_the_stage_is_known_it_is_the_only_reason(name):
    seen, test = seen_and_test()
    rows = seen.filter("inactive")
    parts = reasons(user_model(name, HORIZON).fit(rows), test)
    np.testing.assert_allclose(expit(total_of(parts)), Rates().fit(rows).predict(test, HORIZON)[0])
    assert parts.filter(~pl.col("reason").is_in(["stage", USUAL]))["log_odds"].abs().sum() == 0.0


def test_a_stack_has_the_reasons_of_the_members_that_count():
    seen, test = seen_and_test()
    stack = Stack(HORIZON, members=("glm", "bgnbd")).fit(seen)
    glm, bgnbd = (reasons(member, test)["log_odds"].to_numpy() for member in stack.members_)
    stack.weights_ = Weights(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert reasons(stack, test).equals(reasons(stack.members_[0], test))
    stack.weights_ = Weights(np.array([0.25, 0.75]), np.array([0.5, 0.5]))
    both = reasons(stack, test)
    assert both["log_odds"].sum() == pytest.approx(0.25 * glm.sum() + 0.75 * bgnbd.sum())
    np.testing.assert_allclose(
        both.filter(reason="stage")["log_odds"],
        0.25 * reasons(stack.members_[0], test).filter(reason="stage")["log_odds"].to_numpy(),
    )
