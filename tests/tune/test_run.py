"""The search as a whole: it goes on where it ended, gives up what is hopeless, and keeps to its budget."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from foretide.errors import UsageError
from foretide.features.lifecycle import LifecycleRule
from foretide.tune import run
from foretide.tune.exam import Mark
from foretide.tune.leaderboard import best, board_file, read
from foretide.tune.run import Budget, hopeless, tune
from foretide.tune.trials import Trial
from tune.visits import START, log

AS_OF = START + timedelta(days=120)


MARK = Mark("2024-03-01T00:00:00+00:00", "s", "d")


@dataclass
class Bowl:
    """Stands in for an exam: the best penalty is .1, the folds differ by a constant."""

    mark: Mark = MARK
    folds: tuple = (0, 1, 2)
    horizon_days: int = 28

    def limits(self, horizon_days):
        return []

    def loss(self, fold, model, parameters):
        return 0.5 + 0.1 * fold + 0.01 * (np.log10(parameters.get("penalty_c", 1.0)) + 1) ** 2


@pytest.fixture
def bowl(monkeypatch):
    asked = Bowl()
    monkeypatch.setattr(run, "exam", lambda *_: asked)
    return asked


def tuned(folder, n=20, search="tpe", **options):
    return tune(log(n_users=5), AS_OF, folder, budget=Budget(n, **options), search=search)


@pytest.mark.parametrize("search", ["tpe", "random", "grid"])
def test_the_best_setting_is_found_and_the_default_stands_beside_it(bowl, tmp_path, search):
    found = tuned(tmp_path, 25, search)
    assert 0.02 < found.best["penalty_c"] < 0.5
    assert found.trials["trial"].sort().to_list() == list(range(1, found.trials.height + 1))
    assert found.trials.filter(trial=1)["penalty_c"].to_list() == [None]
    assert found.trials["log_loss"][0] <= found.trials.filter(trial=1)["log_loss"][0]
    assert "0.6100" in found.notes[0]


@pytest.mark.parametrize("search", ["tpe", "random", "grid"])
def test_a_second_run_goes_on_as_if_there_had_been_one(bowl, tmp_path, search):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    tuned(tmp_path / "one", 4, search)
    tuned(tmp_path / "one", 12, search)
    tuned(tmp_path / "two", 12, search)
    one, two = (read(board_file(tmp_path / folder, "glm", 28), bowl.mark).trials for folder in ("one", "two"))
    assert [(t.parameters, t.losses) for t in one] == [(t.parameters, t.losses) for t in two]


def test_an_interrupted_run_goes_on_as_if_there_had_been_no_end(bowl, tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    whole = tuned(tmp_path / "one", 8)
    left, loss = iter(range(13)), bowl.loss  # four trials of three folds, and the first fold of the fifth

    def interrupted(*asked):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return loss(*asked)

    monkeypatch.setattr(bowl, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "two", 8)
    assert len(read(board_file(tmp_path / "two", "glm", 28), bowl.mark).trials) == 4
    monkeypatch.setattr(bowl, "loss", loss)
    assert tuned(tmp_path / "two", 8).trials.drop("seconds").equals(whole.trials.drop("seconds"))


def test_a_finished_budget_does_nothing_more(bowl, tmp_path):
    before = tuned(tmp_path, 6)
    assert tuned(tmp_path, 6).trials.equals(before.trials)
    assert tuned(tmp_path, 3).trials.equals(before.trials)


def test_no_time_at_all_still_tries_the_default(bowl, tmp_path):
    found = tuned(tmp_path, 20, minutes=1e-9)
    assert found.trials.height == 1
    assert found.best == {}


def test_a_trial_that_would_end_too_late_is_not_begun():
    trials = [Trial({}, (0.5,), False, 300.0)]
    assert run.spent(Budget(10, minutes=4), trials)
    assert not run.spent(Budget(10, minutes=6), trials)


def test_hopeless_trials_are_given_up_after_the_first_fold(bowl, tmp_path):
    rows = tuned(tmp_path, 30, "random").trials
    pruned = rows.filter("pruned")
    assert pruned.height
    assert (pruned["folds"] == 1).all()
    assert (pruned["log_loss"] > 0.51).all()  # worse than the default on that fold
    assert rows.filter(~rows["pruned"])["folds"].unique().to_list() == [3]


def test_nothing_is_hopeless_that_beats_the_default_or_the_median():
    trials = [Trial({"c": i}, (loss, loss), False, 1.0) for i, loss in enumerate((0.1, 0.2, 0.3, 0.4, 0.5))]
    default = Trial({}, (0.45, 0.45), False, 1.0)
    assert hopeless([0.35], trials)
    assert not hopeless([0.25], trials)
    assert not hopeless([0.35], [*trials, default])
    assert hopeless([0.46], [*trials, default])
    assert not hopeless([9.0], trials[:4])
    assert hopeless([float("nan")], [])


def test_runs_at_the_same_time_share_the_work(bowl, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: tuned(tmp_path, 24, "random"), range(3)))
    trials = read(board_file(tmp_path, "glm", 28), bowl.mark).trials
    assert 24 <= len(trials) <= 26
    assert len({str(t.parameters) for t in trials}) == len(trials)


def test_stale_trials_and_torn_lines_are_told(bowl, tmp_path):
    tuned(tmp_path, 2)
    with board_file(tmp_path, "glm", 28).open("a") as file:
        file.write('{"until')
    bowl.mark = bowl.mark._replace(data="new")
    found = tuned(tmp_path, 2)
    assert found.trials.height == 2
    assert len(found.notes) == 3


def test_what_makes_no_sense_is_refused(tmp_path):
    for wrong in ({"model": "oracle"}, {"search": "magic"}, {"seed": -1}):
        with pytest.raises(UsageError, match=str(next(iter(wrong.values())))):
            tune(log(n_users=5), AS_OF, tmp_path, budget=Budget(1), **wrong)
    for wrong in ({"trials": 0}, {"trials": 3, "minutes": 0.0}, {"trials": 3, "minutes": float("nan")}):
        with pytest.raises(UsageError, match="budget"):
            Budget(**wrong)


def test_tuning_a_real_model_is_repeatable_and_can_be_asked_for(tmp_path):
    rule = LifecycleRule()
    tables = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        tables.append(tune(log(), AS_OF, tmp_path / folder, "glm", 14, rule, budget=Budget(4)))
    one, two = tables
    assert one.trials.drop("seconds").equals(two.trials.drop("seconds"))
    assert best(tmp_path / "one", "glm", 14, AS_OF, rule, "UTC") == one.best
    assert best(tmp_path / "one", "glm", 14, AS_OF - timedelta(days=1), rule, "UTC") == {}
