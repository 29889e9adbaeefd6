"""Fixtures shared by the suites: a small simulated log, a workspace with it, the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from foretide.cli import main

# How long an example takes says something about the machine, not about the law.
settings.register_profile("foretide", deadline=None)
settings.load_profile("foretide")

# The networks of tests are small: what costs is that XLA compiles them, not that they run.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")


def pytest_configure(config: pytest.Config) -> None:
    """Have the same network compiled once, though it is built anew by every test; must be set before JAX is loaded."""
    if hasattr(config, "cache"):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("xla")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str


@pytest.fixture
def foretide(capsys, monkeypatch) -> Callable[..., Outcome]:
    """Run a command of foretide in this process, as the shell would."""

    def command(*arguments: object) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["foretide", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        return Outcome(exit_.value.code or 0, captured.out, captured.err)

    return command


@pytest.fixture(scope="session")
def simulation():
    """A quarter of a year of a small shop, with its truth."""
    from dataclasses import replace

    from foretide.events.sources.simulator import scenario_defaults, simulate

    return simulate(replace(scenario_defaults["ecommerce"], n_users=150, n_days=120))


@pytest.fixture(scope="session")
def shop_template(tmp_path_factory, simulation) -> Path:
    """A workspace with the simulated shop; tests copy it."""
    from foretide.workspace import Workspace

    path = tmp_path_factory.mktemp("template") / "shop"
    place = Workspace.create(path)
    place.ingest(simulation.events)
    place.store.put("items", simulation.items)
    place.store.put("users", simulation.users)
    return path


@pytest.fixture
def shop(tmp_path, shop_template) -> Path:
    """A workspace of the test's own with the simulated shop."""
    import shutil

    return shutil.copytree(shop_template, tmp_path / "shop")
