"""The leaderboard: nothing is lost, nothing is mixed, and many may write."""

import errno
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from foretide.errors import StorageError
from foretide.features.lifecycle import LifecycleRule
from foretide.tune import leaderboard
from foretide.tune.exam import Mark, settings_digest
from foretide.tune.leaderboard import best, board_file, keep, read, writer
from foretide.tune.spaces import SPACES
from foretide.tune.trials import Trial, table

RULE = LifecycleRule()
MARK = Mark("2024-03-01T00:00:00+00:00", settings_digest(RULE, "UTC"), "d")


def trial(c, *losses, pruned=False):
    return Trial({} if c is None else {"penalty_c": c}, losses or (0.5, 0.6), pruned, 1.25)


@pytest.fixture
def path(tmp_path):
    file = board_file(tmp_path, "glm", 28)
    file.parent.mkdir()
    return file


def test_trials_come_back_as_they_were_kept(path):
    trials = [trial(None), trial(0.1, 1 / 3, 0.1), trial(1.0, 0.7, pruned=True)]
    assert [keep(path, MARK, t) for t in trials] == [1, 2, 3]
    assert read(path, MARK) == (trials, 0, 0)
    assert [json.loads(line)["until"] for line in path.read_text().splitlines()] == [MARK.until] * 3


def test_the_same_trial_is_kept_once(path):
    assert keep(path, MARK, trial(0.1))
    assert keep(path, MARK, trial(0.1, 0.9)) is None
    assert read(path, MARK).trials == [trial(0.1)]


@pytest.mark.parametrize("field", Mark._fields)
def test_trials_on_other_data_or_settings_are_not_mixed_in(path, field):
    other = MARK._replace(**{field: "2025-01-01T00:00:00+00:00"})
    keep(path, other, trial(0.1, 0.01))
    keep(path, MARK, trial(0.1))
    assert read(path, MARK) == ([trial(0.1)], 1, 0)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_passed_over_and_spoils_nothing_after_it(path, cut):
    keep(path, MARK, trial(0.1))
    keep(path, MARK, trial(0.2))
    path.write_bytes(path.read_bytes()[: -1 - cut])
    keep(path, MARK, trial(0.3))
    assert read(path, MARK) == ([trial(0.1), trial(0.3)], 0, 1)


@pytest.mark.parametrize("line", ["[]", "7", '{"until": 1}', '{"losses": "x"}', "\udcff", "null"])
def test_lines_that_are_no_trials_are_passed_over(path, line):
    path.write_bytes(line.encode("utf-8", "surrogateescape") + b"\n")
    keep(path, MARK, trial(0.1))
    assert read(path, MARK) == ([trial(0.1)], 0, 1)


def test_a_full_disk_is_told_in_one_sentence(path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(leaderboard.os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        keep(path, MARK, trial(0.1))


def test_many_writers_lose_and_repeat_nothing(path):
    values = [i / 100 for i in range(60)] * 2
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda c: keep(path, MARK, trial(c)), values))
    assert sorted(number for number in kept if number) == list(range(1, 61))
    board = read(path, MARK)
    assert sorted(t.parameters["penalty_c"] for t in board.trials) == sorted(set(values))
    assert board.n_torn == 0


def test_writers_have_numbers_of_their_own(path):
    with writer(path) as one, writer(path) as two:
        assert (one, two) == (0, 1)
    with writer(path) as again:
        assert again == 0


def test_too_many_writers_are_told(path, monkeypatch):
    monkeypatch.setattr(leaderboard, "MOST_WRITERS", 1)
    with writer(path), pytest.raises(StorageError, match="written by 1 others"), writer(path):
        pass


AS_OF = datetime(2024, 3, 30, tzinfo=UTC)  # its test cut-off is the first of March


def chosen(path, as_of=AS_OF, rule=RULE):
    return best(path.parent.parent, "glm", 28, as_of, rule, "UTC")


def test_the_best_is_the_least_loss_of_those_that_went_to_the_end(path):
    assert chosen(path) == {}
    for t in (trial(None), trial(0.1, 0.4, 0.5), trial(0.2, 0.3, 0.5), trial(9.0, 0.1, pruned=True)):
        keep(path, MARK, t)
    assert chosen(path) == {"penalty_c": 0.2}


def test_the_best_never_saw_the_test_cutoff_and_has_the_same_settings(path):
    later = MARK._replace(until="2024-03-01T00:00:01+00:00")
    other = MARK._replace(settings="another rule")
    for mark in (later, other):
        keep(path, mark, trial(7.0, 0.1, 0.1))
    assert chosen(path) == {}
    keep(path, MARK._replace(until="2024-02-01T00:00:00+00:00"), trial(1.0, 0.1, 0.1))
    assert chosen(path) == {"penalty_c": 1.0}
    keep(path, MARK, trial(2.0))
    assert chosen(path) == {"penalty_c": 2.0}  # the latest, whatever its loss
    keep(path, MARK._replace(data="more"), trial(3.0, 0.8, 0.9))
    assert chosen(path) == {"penalty_c": 3.0}
    assert chosen(path, datetime(2024, 3, 31, tzinfo=UTC)) == {"penalty_c": 7.0}


def test_the_table_has_the_best_first_and_keeps_the_numbers():
    rows = table([trial(None), trial(0.2, 0.3, 0.5), trial(9.0, 0.1, pruned=True)], SPACES["glm"])
    assert rows["trial"].to_list() == [2, 1, 3]
    assert rows["penalty_c"].to_list() == [0.2, None, 9.0]
    assert rows["log_loss"].to_list() == pytest.approx([0.4, 0.55, 0.1])
    assert rows["spread"].to_list() == [pytest.approx(0.02**0.5), pytest.approx(0.005**0.5), None]
    assert rows["folds"].to_list() == [2, 2, 1]
