"""The choice of a model of users: the best on earlier horizons, kept with what it has seen, used by the outlook."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from foretide.errors import DataError, StorageError
from foretide.events.records import FrameBuckets
from foretide.explain import explain
from foretide.outlook import outlook
from foretide.text import say
from foretide.tune import choice
from foretide.tune.choice import choice_file, chosen, keep
from foretide.tune.comparison import COMPARED, Comparison, compare
from foretide.tune.run import Budget, tune
from foretide.users.activity import ActivityModel
from foretide.users.backtest import STAGE_RATE
from foretide.users.models import Chosen
from foretide.users.sequence_windows import HISTORY
from foretide.workspace import Workspace
from test_outlook import AS_OF, RULE, START, events, simulated

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
APRIL, MAY = MARCH + timedelta(days=31), MARCH + timedelta(days=61)


@pytest.fixture(scope="module")
def log():
    return simulated(300, 210, seed=5)


def won(model, until, settings="{}"):
    """Make a comparison that a simple rate and then a model won."""
    rows = [(STAGE_RATE, 0.1, 0.1, 1.0, "{}"), (model, 0.2, 0.2, 1.0, settings), ("svm", 0.3, 0.3, 1.0, "{}")]
    return Comparison(pl.DataFrame(rows, schema=COMPARED, orient="row"), until, ())


def test_the_best_model_is_kept_for_its_horizon_and_never_a_rate(tmp_path):
    kept = keep(tmp_path, 28, won("tree", MARCH, '{"min_samples_leaf": 50}'))
    assert kept == chosen(tmp_path, 28, MARCH) == Chosen("tree", {"min_samples_leaf": 50})
    assert chosen(tmp_path, 7, MARCH) == Chosen()


def test_no_outlook_is_told_by_a_choice_that_has_seen_its_test(tmp_path):
    keep(tmp_path, 28, won("tree", APRIL))
    assert chosen(tmp_path, 28, APRIL - timedelta(microseconds=1)) == Chosen()
    keep(tmp_path, 28, won("hazard", MARCH))
    assert [chosen(tmp_path, 28, until).name for until in (MARCH, APRIL, MAY)] == ["hazard", "tree", "tree"]
    keep(tmp_path, 28, won("bgnbd", APRIL))
    assert chosen(tmp_path, 28, MAY).name == "bgnbd"


def test_choices_at_the_same_time_are_all_kept(tmp_path):
    moments = [MARCH + timedelta(days=n) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda until: keep(tmp_path, 28, won("tree", until)), moments))
    assert sorted(choice.read(choice_file(tmp_path, 28))) == moments


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"model": "glm"}', '{"2024-03-01": 7}', '{"2024-03-01T00:00:00+00:00": {}}']
)
def test_a_broken_file_is_told_and_mended_by_the_next_choice(tmp_path, text):
    choice_file(tmp_path, 28).parent.mkdir()
    choice_file(tmp_path, 28).write_text(text)
    with pytest.raises(DataError, match="broken"):
        chosen(tmp_path, 28, MARCH)
    keep(tmp_path, 28, won("tree", MARCH))
    assert chosen(tmp_path, 28, MARCH).name == "tree"


def test_a_disk_that_cannot_be_written_to_is_told_in_one_sentence(tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="models"):
        keep(tmp_path, 28, won("tree", MARCH))


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


def test_the_command_compares_and_keeps_and_only_later_outlooks_follow(foretide, shop):
    told = foretide("train", "users", "--model", "bgnbd,tree", "-w", shop, "-h", "7", "--format", "json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    assert {"bgnbd", "tree", "stage rate", "population rate"} == {row["model"] for row in rows}
    best = next(row["model"] for row in rows if "rate" not in row["model"])
    assert f"told by {best} if their test begins" in told.err
    place = Workspace.open(shop)
    assert place.chosen(7).name == best
    assert place.chosen(7, datetime(2025, 3, 1, tzinfo=UTC)) == Chosen()  # its test has been looked at


def daily(n_users):
    """Make a log of users who came on each of sixty days."""
    days = [day for day in range(60) for _ in range(n_users)]
    return events([f"u{n:02}" for n in range(n_users)] * 60, days, ["x"] * len(days))


@pytest.mark.parametrize("name", ["glm", "tree", "bgnbd", "stack"])
def test_whichever_model_is_chosen_the_outlook_says_that_rates_stand_in_for_it(name):
    told = outlook(daily(5), START + timedelta(days=60), 7, RULE, chosen=Chosen(name))
    assert say("outlook.stage_rates") in told.notes
    assert told.users["p_inactive"].is_between(0, 0.1, closed="none").all()


@pytest.mark.parametrize("name", ["glm", "tree", "bgnbd", "stack"])
def test_an_outlook_of_users_of_whom_none_is_eligible_tells_that_they_stay_away(name):
    told = outlook(daily(40), START + timedelta(days=100), 7, RULE, chosen=Chosen(name))
    assert set(told.users["stage"]) == {"churned"}
    assert told.users["p_inactive"].is_between(0.8, 1).all()
    assert "eligible" not in told.quality["stage"].to_list()
