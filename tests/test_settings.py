"""A workspace's settings survive the file, and a broken file gets a clear sentence."""

import shutil
from pathlib import Path

import pytest

from foretide.errors import NotAWorkspaceError, UsageError
from foretide.settings import DOMAINS, SETTINGS_FILE, Settings


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_saved_is_loaded(tmp_path, domain):
    chosen = Settings(domain, "Europe/Berlin", 5, ("purchase", 'say "hi"'))
    chosen.save(tmp_path)
    assert Settings.load(tmp_path) == chosen


def test_a_folder_without_the_file_is_no_workspace(tmp_path):
    with pytest.raises(NotAWorkspaceError, match="foretide init"):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("domain = ", "not valid TOML"),
        ("colour = 'red'", "unknown setting 'colour'"),
        ("domain = 'cooking'", "'cooking' is not one of"),
        ("window_days = 0", "from 1 to 30"),
        ("window_days = 'a week'", "from 1 to 30"),
        ("timezone = 'Mars/Olympus'", "IANA"),
        ("timezone = '../etc'", "IANA"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, words):
    (tmp_path / SETTINGS_FILE).write_text(line + "\n")
    with pytest.raises(UsageError, match=words):
        Settings.load(tmp_path)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_example_of_each_domain_is_valid(tmp_path, domain):
    example = Path(__file__).parents[1] / "examples" / f"{domain}.toml"
    shutil.copy(example, tmp_path / SETTINGS_FILE)
    assert Settings.load(tmp_path).domain == domain
