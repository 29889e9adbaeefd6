"""The choice of a model of users: the best on earlier horizons, kept by name, used by the outlook."""

import json

import polars as pl
import pytest

from foretide.errors import DataError, UsageError
from foretide.events.records import FrameBuckets
from foretide.explain import explain
from foretide.outlook import outlook
from foretide.tune.choice import choice_file, chosen, compare, keep
from foretide.tune.run import Budget, tune
from foretide.users.activity import ActivityModel
from foretide.users.models import Chosen
from foretide.users.sequence_windows import HISTORY
from test_outlook import AS_OF, RULE, simulated


@pytest.fixture(scope="module")
def log():
    return simulated(300, 210, seed=5)


def test_the_best_is_kept_and_found_again(log, tmp_path):
    told = compare(log, AS_OF, tmp_path, ["tree", "glm", "bgnbd"], 28, RULE)
    assert told["log_loss"].is_sorted()
    assert set(told["model"]) == {"tree", "glm", "bgnbd"}
    kept = keep(tmp_path, 28, told)
    assert kept == chosen(tmp_path, 28) == Chosen(told["model"][0])
    assert chosen(tmp_path, 7) == Chosen()


def test_an_outlook_is_told_by_the_model_that_was_chosen(log):
    glm, tree = (outlook(log, AS_OF, 28, RULE, chosen=Chosen(name)) for name in ("glm", "tree"))
    assert glm.users["user_id"].equals(tree.users["user_id"])
    assert not glm.users["p_inactive"].equals(tree.users["p_inactive"])
    assert tree.users["p_inactive"].n_unique() < glm.users["p_inactive"].n_unique()
    assert glm.quality.filter(model="foretide")["log_loss"][0] != tree.quality.filter(model="foretide")["log_loss"][0]
    assert "recency" in glm.importance["reason"][:2].to_list()
    assert "recency" in tree.importance["reason"][:2].to_list()
    assert not glm.importance.equals(tree.importance)


def test_histories_are_brought_to_those_models_alone_that_need_them(log, tmp_path, monkeypatch):
    """The network itself is trained in ``tests/users/test_sequence.py``; here it is told that too little was seen."""
    seen = {"glm": set(), "lstm": set()}

    def noted(name, *args):
        seen[name].add(HISTORY in args[-1].columns)

    fit = ActivityModel.fit
    monkeypatch.setattr("foretide.users.activity.ActivityModel.fit", lambda *args: noted("glm", *args) or fit(*args))
    monkeypatch.setattr("foretide.users.sequence.learnable", lambda rows: noted("lstm", rows))
    buckets = FrameBuckets(log.frame.with_columns(tz_offset_min=pl.lit(None, pl.Int16)), log.timezone)
    told = outlook(buckets, AS_OF, 28, RULE, ["u0001", "nobody"], fallback=True, chosen=Chosen("lstm"))
    assert told.importance.filter(pl.col("mean_size") > 0)["reason"].to_list() == ["stage"]
    assert explain(buckets, AS_OF, "u0001", chosen=Chosen("lstm")).p_inactive > 0
    outlook(buckets, AS_OF, 28, RULE, ["u0001"])
    compare(buckets, AS_OF, tmp_path, ["lstm"], 28, RULE)
    tune(buckets, AS_OF, tmp_path, "lstm", 28, RULE, budget=Budget(trials=1), search="random")
    assert seen == {"glm": {False}, "lstm": {True}}


def test_what_cannot_be_is_an_error(log, tmp_path):
    with pytest.raises(UsageError, match="oracle"):
        compare(log, AS_OF, tmp_path, ["oracle"], 28, RULE)
    choice_file(tmp_path, 28).parent.mkdir()
    choice_file(tmp_path, 28).write_text("{")
    with pytest.raises(DataError, match="broken"):
        chosen(tmp_path, 28)


def test_the_command_compares_and_keeps(foretide, shop):
    told = foretide("train", "users", "--model", "glm", "--model", "tree", "-w", shop, "-h", "7", "--format", "json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    assert rows[0]["model"] in told.err
    assert {"glm", "tree"} == {row["model"] for row in rows}
