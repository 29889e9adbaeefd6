"""The choice of a model of users: the best on earlier horizons, kept by name, used by the outlook."""

import json

import pytest

from foretide.errors import DataError, UsageError
from foretide.outlook import outlook
from foretide.tune.choice import choice_file, chosen, compare, keep
from foretide.users.models import Chosen
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
