"""The Python of the page on the outlook runs as it stands, and every name that its tables give is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from foretide.workspace import Workspace

PAGE = (Path(__file__).parents[1] / "docs/outlook.md").read_text("utf-8")


def test_the_example_runs(shop, monkeypatch):
    monkeypatch.chdir(shop.parent)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    told = {}
    exec(compile(code.replace('"shop"', repr(shop.name)), "outlook.md", "exec"), told)
    assert told["heading"]["segment"].to_list() == ["risky"]
    assert set(told["liked"]["segment"]) == {"all", "risky"}
    assert told["why"].user_id == told["first"]["user_id"][0]
    assert told["changed"].accounting["active"][-1] == pytest.approx(told["ahead"].accounting["active"][-1])


def test_every_name_is_there():
    names = set(re.findall(r"`(foretide(?:\.\w+)+)`", PAGE))
    assert len(names) > 5
    for name in names:
        module, _, last = name.rpartition(".")
        assert hasattr(import_module(module), last), name
    methods = set(re.findall(r"shop\.(\w+)", PAGE))
    assert {"outlook", "explain", "explain_model", "members"} <= methods
    missing = {name for name in methods if not hasattr(Workspace, name) and name not in Workspace.__dataclass_fields__}
    assert not missing
