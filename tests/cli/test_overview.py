"""The overview of all commands, and what a mistyped option is told."""

import pytest
from typer.main import get_command

from foretide.cli import app, commands  # noqa: F401 - the commands register themselves
from foretide.cli.overview import HEADINGS


def test_every_command_stands_under_one_heading_with_its_whole_sentence(foretide):
    listed = [name for names in HEADINGS.values() for name in names]
    assert sorted(listed) == sorted(get_command(app).commands)
    told = foretide("--help")
    assert told.code == 0
    assert all(f"{heading}:" in told.out for heading in HEADINGS)
    assert "..." not in told.out.replace("[ARGS]...", "")


@pytest.mark.parametrize(
    ("option", "alike"),
    [
        ("--fast", ""),
        ("--horizn", " (Possible options: --horizon)"),
        ("--as_of", " (Possible options: --as-of)"),
    ],
)
def test_an_unknown_option_is_told_those_that_look_like_it(foretide, option, alike):
    told = foretide("forecast", option, "3")
    assert told.code == 2
    assert f"No such option: {option}{alike}\n" in told.err
