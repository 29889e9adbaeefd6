"""Every command reads events through the engine of its options, and nowhere else: held whenever one is run."""

from __future__ import annotations

import threading

import pytest

from foretide.events import engine
from foretide.events.store import EventStore


class Watched:
    """An engine that knows whether a thread works on a bucket."""

    def __init__(self, within):
        self.within = within
        self.here = threading.local()

    def map_buckets(self, fn, buckets, schema):
        def work(buckets, i):
            self.here.working = True
            try:
                return fn(buckets, i)
            finally:
                self.here.working = False

        return self.within.map_buckets(work, buckets, schema)

    @property
    def working(self):
        return getattr(self.here, "working", False)


@pytest.fixture
def foretide(foretide, monkeypatch):
    """Run a command as the shell would, and hold that it reads no bucket beside the engine of its options."""

    def command(*arguments):
        bucket, engine_named = EventStore.bucket, engine.engine_named
        engines, beside = [], []

        def named(*options):
            engines.append(Watched(engine_named(*options)))
            return engines[-1]

        def reading(store, i, *more, **options):
            if not any(one.working for one in engines):
                beside.append(i)
            return bucket(store, i, *more, **options)

        with monkeypatch.context() as patched:
            patched.setattr(engine, "engine_named", named)
            patched.setattr(EventStore, "bucket", reading)
            told = foretide(*arguments)
        assert not beside
        return told

    return command
