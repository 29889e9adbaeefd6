"""Engines: the laws of mapping buckets, on threads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import polars as pl
import pytest

from events.small import chunk, event
from foretide.errors import MissingExtraError, UsageError
from foretide.events.engine import LocalEngine, cores, engine_named
from foretide.events.records import FrameBuckets
from foretide.events.spark import SparkEngine
from foretide.events.store import EventStore

NUMBERS = pl.Schema({"i": pl.Int64})


@dataclass
class Watched:
    """Buckets that know how many of them are held at once; later ones are faster."""

    n: int
    held: int = 0
    most: int = 0
    seen: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    timezone = "UTC"

    @property
    def ids(self):
        return range(self.n)

    def work(self, _, i):
        with self.lock:
            self.seen.append(i)
            self.held += 1
            self.most = max(self.most, self.held)
        time.sleep(0.02 / (i + 1))
        with self.lock:
            self.held -= 1
        if i == 3:
            raise KeyError("bucket 3")
        return pl.DataFrame({"i": [i]}, schema=NUMBERS)


def test_results_come_in_the_order_of_ids():
    buckets = Watched(n=3)
    assert [part.item() for part in LocalEngine(3).map_buckets(buckets.work, buckets, NUMBERS)] == [0, 1, 2]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_at_most_workers_buckets_are_in_memory(workers):
    buckets = Watched(n=20)
    parts = LocalEngine(workers).map_buckets(lambda _, i: buckets.work(_, i + 4), buckets, NUMBERS)
    assert sum(part.item() for part in parts) == sum(range(4, 24))
    assert buckets.most == workers


def test_what_is_not_fetched_is_not_computed():
    buckets = Watched(n=3)
    parts = LocalEngine(1).map_buckets(buckets.work, buckets, NUMBERS)
    assert buckets.seen == []
    next(parts)
    assert buckets.seen == [0]
    parts.close()
    assert buckets.seen == [0]


def test_an_error_is_raised_in_its_place_and_ends_the_rest():
    buckets = Watched(n=50)
    parts, got = LocalEngine(2).map_buckets(buckets.work, buckets, NUMBERS), []
    with pytest.raises(KeyError, match="bucket 3"):
        got.extend(part.item() for part in parts)
    assert got == [0, 1, 2]
    assert max(buckets.seen) <= 4


def test_an_empty_store_gives_one_empty_result(tmp_path):
    store = EventStore.create(tmp_path / "store")
    parts = list(LocalEngine().map_buckets(lambda buckets, i: buckets.bucket(i), store, NUMBERS))
    assert [(part.schema, part.height) for part in parts] == [(NUMBERS, 0)]
    assert [part.schema for part in SparkEngine().map_buckets(len, store, NUMBERS)] == [NUMBERS]


def test_other_columns_than_announced_are_an_error():
    with pytest.raises(TypeError, match="announced"):
        list(LocalEngine().map_buckets(lambda *_: pl.DataFrame({"j": [1]}), Watched(1), NUMBERS))


def test_all_buckets_are_of_one_version(tmp_path):
    store = EventStore.create(tmp_path / "store", n_buckets=4)
    store.ingest([chunk(*(event(user=f"u{n}") for n in range(30)))], "first")
    store.put("items", pl.DataFrame({"item_id": ["i1"], "brand": ["old"]}))

    def work(buckets, i):
        return buckets.bucket(i, ["user_id", "brand"])

    schema = pl.Schema({"user_id": pl.String, "brand": pl.String})
    parts = LocalEngine(1).map_buckets(work, store, schema)
    got = [next(parts)]
    store.ingest([chunk(*(event(user=f"v{n}") for n in range(30)))], "second")
    store.put("items", pl.DataFrame({"item_id": ["i1"], "brand": ["new"]}))
    got = pl.concat([*got, *parts])
    assert sorted(got["user_id"]) == sorted(f"u{n}" for n in range(30))
    assert set(got["brand"]) == {"old"}
    assert store.n_events == 60


def test_a_frame_is_one_bucket():
    frame = pl.DataFrame([event(user="b"), event(user="a")], schema_overrides={"ts": pl.Datetime("us", "UTC")})
    work = FrameBuckets.bucket
    [part] = LocalEngine().map_buckets(work, FrameBuckets(frame), frame.schema)
    assert part.equals(frame.sort("user_id"))


# Names


def test_engines_have_names():
    assert engine_named("local") == LocalEngine() == LocalEngine(cores())
    assert engine_named("local", workers=3) == LocalEngine(3)
    assert engine_named("spark", "spark://there:7077") == SparkEngine("spark://there:7077")
    assert engine_named("spark") == SparkEngine()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("ray",), "local, spark"),
        (("local", "yarn"), "--engine spark"),
        (("spark", "yarn", 3), "--workers 3 is for threads"),
        (("local", None, 0), "at least 1"),
    ],
)
def test_options_that_do_not_fit_are_told(options, told):
    with pytest.raises(UsageError, match=told):
        engine_named(*options)


def test_no_workers_is_told():
    with pytest.raises(UsageError, match="at least 1"):
        LocalEngine(0)


# What Spark needs


def first_of_spark(master="local[1]"):
    return next(SparkEngine(master).map_buckets(FrameBuckets.bucket, FrameBuckets(pl.DataFrame()), NUMBERS))


@pytest.mark.parametrize("package", ["pyspark", "pandas"])
def test_a_missing_package_is_told(monkeypatch, package):
    monkeypatch.setattr("foretide.events.spark_session.find_spec", lambda name: None if name == package else "there")
    with pytest.raises(MissingExtraError, match=rf"{package}; install foretide\[spark\]"):
        first_of_spark()


@pytest.mark.parametrize(("home", "told"), [("/nowhere", "JAVA_HOME is /nowhere"), (None, "no java on the PATH")])
def test_a_missing_java_is_told(monkeypatch, home, told):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("foretide.events.spark_session.find_spec", lambda _: "there")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    if home:
        monkeypatch.setenv("JAVA_HOME", home)
    with pytest.raises(UsageError, match=f"{told}.*install openjdk-17-jre-headless"):
        first_of_spark()


def test_pyspark_is_not_imported_without_a_job():
    code = "import sys, foretide.events.spark; sys.exit('pyspark' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
