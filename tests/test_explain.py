"""Explanations: parts add up, what is said to turn the outlook turns it, and a planted cause is found."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.special import expit

from foretide.errors import UnknownIdError, UsageError
from foretide.events.records import FrameBuckets
from foretide.explain import Explanation, explain, explain_model, explain_users
from foretide.features.fold import feature_table
from foretide.outlook import USUAL_RULE, learnt_for
from foretide.text import LANGUAGES, say, speaking
from foretide.users.covariates import names
from foretide.users.models import Chosen
from foretide.users.reasons import USUAL, reason_of
from foretide.users.turning import LIKELY, TURNS, turning
from test_outlook import AS_OF, RULE, simulated


@pytest.fixture(scope="module")
def log():
    return simulated(400, 210, seed=11)


@pytest.fixture(scope="module", params=["glm", "lightgbm", "bgnbd"])
def learnt(request, log):
    return learnt_for(log, AS_OF, 28, RULE, Chosen(request.param))


def test_what_is_said_to_turn_the_outlook_turns_it(log, learnt):
    """The visits are put into the log itself, and the whole log is folded and asked again."""
    model, known = learnt[0].model, learnt[1]
    chances = known.with_columns(model.predict(known)).filter(pl.col("stage") != "churned")
    lost = chances.filter(pl.col("p_inactive") > LIKELY).sort("p_inactive").head(12)
    seen = 0
    for user in lost["user_id"]:
        told = turning(model, log, AS_OF, user, RULE)
        assert told["kind"].unique().to_list() == ["visits"]
        assert told["turns"][:-1].sum() == 0
        if told["turns"][-1]:
            seen += 1
            visit = log.bucket(0, until=AS_OF).filter(user_id=user).tail(1).with_columns(value=pl.lit(None, pl.Float64))
            moments = [AS_OF - timedelta(days=1 + 3 * k) for k in range(told["n"][-1])]
            added = [visit.with_columns(ts=pl.lit(moment).cast(visit.schema["ts"])) for moment in moments]
            more = FrameBuckets(pl.concat([log.frame, *added]).sort("user_id", "ts"), log.timezone)
            row = feature_table(more, [AS_OF], RULE).filter(user_id=user)
            p = model.predict(row)["p_inactive"].item()
            assert p <= LIKELY
            assert p == pytest.approx(told["p_inactive"][-1])
    assert seen >= 6


def test_silence_turns_those_who_are_expected(log, learnt):
    model, known = learnt[0].model, learnt[1]
    chances = known.with_columns(model.predict(known))
    user = chances.filter(pl.col("p_inactive") < 0.2)["user_id"][0]
    told = turning(model, log, AS_OF, user, RULE)
    assert told["kind"].unique().to_list() == ["silence"]
    later = feature_table(log, [AS_OF + timedelta(days=told["n"][-1])], RULE)
    own = log.frame.filter((pl.col("user_id") == user) & (pl.col("ts") < AS_OF))
    alone = feature_table(FrameBuckets(own, log.timezone), [AS_OF + timedelta(days=told["n"][-1])], RULE)
    assert later.height
    assert model.predict(alone)["p_inactive"].item() == pytest.approx(told["p_inactive"][-1])


def test_a_threshold_that_nothing_reaches_is_said(log, learnt):
    user = learnt[1]["user_id"][0]
    told = turning(learnt[0].model, log, AS_OF, user, RULE, likely=1e-6)
    assert not told["turns"].any()
    with pytest.raises(UsageError, match="between 0 and 1"):
        turning(learnt[0].model, log, AS_OF, user, RULE, likely=1.0)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_explanation_in_words(log, lang):
    with speaking(lang):
        told = explain(log, AS_OF, "u0001", 28, USUAL_RULE)
        assert set(told.reasons["reason"]) == {reason_of(name) for name in names()} - {USUAL}
        assert all("{" not in words for words in [*told.reasons["says"], told.turns])
        assert expit(told.usual + told.reasons["log_odds"].sum()) == pytest.approx(told.p_inactive, abs=1e-9)


def test_everybody_has_the_reasons_that_they_have_alone(log):
    told = explain_users(log, AS_OF, 28, RULE)
    known = log.frame.filter(pl.col("ts") < AS_OF)["user_id"].unique().sort()
    assert told["user_id"].unique(maintain_order=True).to_list() == known.to_list()
    for user in known.gather([0, 77]):
        alone = explain(log, AS_OF, user, 28, RULE).reasons
        assert_frame_equal(told.filter(user_id=user).drop("user_id"), alone, abs_tol=1e-9)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_visit_and_one_day_are_told_in_the_singular(lang):
    none = pl.DataFrame()
    for kind, n in (("visits", 1), ("visits", 2), ("silence", 1), ("silence", 2)):
        row = pl.DataFrame([(kind, n, 0.25, True)], schema=TURNS, orient="row")
        with speaking(lang):
            words = Explanation("u", "glm", 28, 0.5, none, 0.0, row, 0.5).turns
            assert ("2" in words.replace("25.0", "")) == (n == 2)
            assert say("report.format.percent", n="25.0") in words


def test_whoever_is_not_known_is_an_error(log):
    with pytest.raises(UnknownIdError, match="nobody"):
        explain(log, AS_OF, "nobody")


def test_the_model_that_was_chosen_is_explained(log):
    glm, hazard = (explain(log, AS_OF, "u0001", chosen=Chosen(name)) for name in ("glm", "hazard"))
    assert glm.p_inactive != hazard.p_inactive
    assert expit(hazard.usual + hazard.reasons["log_odds"].sum()) == pytest.approx(hazard.p_inactive, abs=1e-6)
    assert not explain_model(log, AS_OF).equals(explain_model(log, AS_OF, chosen=Chosen("hazard")))


def test_what_the_outlook_warns_of_is_said_of_a_user_too(log):
    """A horizon longer than the log has room for; one that it has room for needs no word."""
    user = feature_table(log, [AS_OF], RULE)["user_id"][0]
    (note,) = explain(log, AS_OF, user, 300, RULE).notes
    assert "300" in note
    assert explain(log, AS_OF, user, 14, RULE).notes == ()
