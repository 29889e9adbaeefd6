"""Every command that reads events takes an engine; that it reads them nowhere else is held by ``conftest.foretide``."""

from __future__ import annotations

import pytest
import typer

from foretide.cli import app, commands  # noqa: F401 - the commands register themselves
from foretide.errors import UsageError
from foretide.events import engine
from foretide.events.store import EventStore

COMMANDS = [
    ("history",),
    ("stages",),
    ("growth",),
    ("life",),
    ("features",),
    ("drift",),
    ("habits",),
    ("cohorts",),
    ("stickiness",),
    ("moves",),
    ("mix",),
    ("changes",),
    ("effects", "--holidays", "DE"),
    ("forecast",),
    ("backtest",),
    ("population",),
    ("whatif",),
    ("check",),
    ("outlook", "--all"),
    ("explain",),
    ("segments",),
    ("worth",),
    ("recommend", "--all"),
    ("train", "users"),
    ("tune",),
    ("report",),
    ("demo",),
]
#: Those that read no bucket, or on the machine that they are asked of.
WITHOUT = {"init", "import", "quarantine", "compact", "models"}
#: That no other test of a command asks.
ASKED = [
    ("history", "users", "--by", "category"),
    ("history", "value"),
    ("history", "stages"),
    ("history", "interests", "--as-of", "2025-03-01"),
    ("life",),
    ("drift",),
    ("habits",),
    ("cohorts",),
    ("stickiness",),
    ("moves",),
    ("mix",),
    ("changes",),
    ("effects", "--holidays", "DE"),
    ("effects", "--holidays", "DE", "--by", "category"),
    ("forecast", "value"),
    ("backtest",),
    ("check",),
    ("train", "users", "--model", "bgnbd"),
]


def test_no_command_is_forgotten():
    run = typer.main.get_command(app)
    assert {command for command, *_ in COMMANDS} == set(run.commands) - WITHOUT


class Stopping:
    """An engine that does not work."""

    def map_buckets(self, fn, buckets, schema):
        raise UsageError("this engine does not work")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_engine_of_the_options_is_the_first_that_reads(foretide, shop, monkeypatch, command):
    chosen = []

    def named(*options):
        chosen.append(options)
        return Stopping()

    monkeypatch.setattr(engine, "engine_named", named)
    told = foretide(*command, "-w", shop, "--engine", "spark", "--master", "local[3]", "--workers", "5")
    assert told.code == 2
    assert told.err.endswith("this engine does not work\n")
    assert chosen == [("spark", "local[3]", 5)]


@pytest.mark.parametrize("command", ASKED, ids=" ".join)
def test_buckets_are_read_through_the_engine_only(foretide, shop, monkeypatch, command):
    read = []
    bucket = EventStore.bucket
    monkeypatch.setattr(EventStore, "bucket", lambda *asked, **more: read.append(asked) or bucket(*asked, **more))
    told = foretide(*command, "-w", shop)
    assert told.code == 0, told.err
    assert read


def test_the_number_of_workers_changes_no_answer(foretide, shop):
    one, many = (foretide("history", "users", "-w", shop, "--workers", n, "--format", "csv") for n in (1, 7))
    assert one.code == 0, one.err
    assert one.out == many.out


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--workers", "0"), "at least 1"), (("--engine", "spark", "--workers", "2"), "is for threads")],
)
def test_impossible_workers_are_told(foretide, shop, options, said):
    told = foretide("growth", "-w", shop, *options)
    assert told.code == 2
    assert said in told.err
