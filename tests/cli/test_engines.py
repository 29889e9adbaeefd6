"""Every command that reads events takes an engine, and reads them nowhere else."""

from __future__ import annotations

import threading

import pytest

from foretide.events import engine
from foretide.events.engine import LocalEngine
from foretide.events.store import EventStore

USER = "u00064"
ASKED = [
    ("history",),
    ("history", "users", "--by", "category"),
    ("history", "value"),
    ("history", "stages"),
    ("history", "interests", "--as-of", "2025-03-01"),
    ("stages",),
    ("growth",),
    ("life",),
    ("features",),
    ("drift",),
    ("habits",),
    ("cohorts",),
    ("stickiness",),
    ("moves",),
    ("changes",),
    ("effects", "--holidays", "DE"),
    ("effects", "--holidays", "DE", "--by", "category"),
    ("forecast", "value"),
    ("backtest",),
    ("check",),
    ("population",),
    ("whatif",),
    ("outlook", "--all"),
    ("outlook", USER),
    ("explain", USER),
    ("explain",),
    ("segments", "--interests"),
    ("segments", "--users"),
    ("worth",),
    ("recommend", USER),
    ("recommend", "--all"),
    ("train", "users", "--model", "bgnbd"),
    ("tune", "bgnbd", "--trials", "1", "--search", "random"),
    ("report", "-o", "report.html"),
]


class Watched:
    """One thread, which knows whether it works on a bucket."""

    def __init__(self):
        self.here = threading.local()

    def map_buckets(self, fn, buckets, schema):
        def work(buckets, i):
            self.here.working = True
            try:
                return fn(buckets, i)
            finally:
                self.here.working = False

        return LocalEngine(1).map_buckets(work, buckets, schema)


@pytest.mark.parametrize("command", ASKED, ids=" ".join)
def test_buckets_are_read_through_the_engine_only(foretide, shop, monkeypatch, command):
    monkeypatch.chdir(shop)
    watched, chosen, read = Watched(), [], []
    scan = EventStore._scan

    def reading(store, i):
        read.append(getattr(watched.here, "working", False))
        return scan(store, i)

    def named(*options):
        chosen.append(options)
        return watched

    monkeypatch.setattr(EventStore, "_scan", reading)
    monkeypatch.setattr(engine, "engine_named", named)
    told = foretide(*command, "-w", shop, "--engine", "spark", "--master", "local[3]", "--workers", "5")
    assert told.code == 0, told.err
    assert chosen == [("spark", "local[3]", 5)]
    assert read
    assert all(read)


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
