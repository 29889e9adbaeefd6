"""The sign of life of a command that works."""

import sys

from foretide.cli.output import inform
from foretide.cli.waiting import at_work


def test_it_is_there_until_the_command_says_something(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with at_work():
        assert "working" in capsys.readouterr().err
        inform("done")
        told = capsys.readouterr().err
        assert told.endswith("done\n")
    assert "working" not in capsys.readouterr().err


def test_nothing_is_shown_where_no_person_looks_on(capsys):
    with at_work():
        pass
    assert capsys.readouterr().err == ""
