"""Questions about users to a workspace without events: told what to do before any model is loaded."""

from __future__ import annotations

import sys

import pytest

from foretide.workspace import Workspace

#: What learns, walks or groups: seconds to load.
HEAVY = ("foretide.outlook", "foretide.explain", "foretide.users.stages", "foretide.users.segments")


@pytest.mark.parametrize(
    "command",
    [
        ("outlook", "--all"),
        ("outlook", "u1"),
        ("outlook", "--segment"),
        ("explain",),
        ("explain", "u1"),
        ("explain", "--all"),
        ("segments",),
        ("worth",),
        ("population",),
        ("whatif", "--arrivals", "+5"),
    ],
    ids=" ".join,
)
def test_an_empty_workspace_says_what_to_do_and_loads_no_model(foretide, tmp_path, monkeypatch, command):
    Workspace.create(tmp_path / "empty")
    for name in HEAVY:
        monkeypatch.delitem(sys.modules, name, raising=False)
    told = foretide(*command, "-w", tmp_path / "empty")
    assert told.code == 3
    assert "foretide import FILE" in told.err
    assert not sys.modules.keys() & set(HEAVY)
