"""Chances mean what they say where users come as they always came: in each stage, and in each tenth by their chance."""

import polars as pl
import pytest

from foretide.users.examples import examples, training_pairs
from foretide.users.models import user_model
from foretide.users.scores import reliability
from test_outlook import AS_OF, RULE, START, simulated

HORIZON = 28
#: A stage with fewer users says little.
LEAST_USERS = 100


@pytest.fixture(scope="module")
def log():
    return simulated(3000, 250, seed=8)


@pytest.fixture(scope="module", params=["glm", "hazard"])
def told(request, log):
    seen = examples(log, training_pairs(START, AS_OF, HORIZON, "UTC"), RULE)
    test = examples(log, [(AS_OF, HORIZON)], RULE)
    chances = user_model(request.param, HORIZON).fit(seen).predict(test)
    return test.select("stage", happened=pl.col("inactive").cast(pl.Float64)).hstack(chances)


def test_the_mean_chance_of_a_stage_is_the_share_that_stayed_away(told):
    stages = told.group_by("stage").agg(pl.len(), pl.col("p_inactive", "happened").mean())
    judged = stages.filter(pl.col("len") >= LEAST_USERS)
    assert judged.height >= 4
    for _, n, chance, share in judged.iter_rows():
        assert chance == pytest.approx(share, abs=3 * (share * (1 - share) / n) ** 0.5)


def test_each_tenth_stays_away_as_often_as_it_was_told(told):
    table = reliability(told["happened"].to_numpy(), told["p_inactive"].to_numpy())
    assert table.select(pl.col("chance").is_between("lo", "hi")).to_series().sum() >= 7
