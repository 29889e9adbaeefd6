"""Spark gives what threads give: in this machine's one process, and in a cluster of separate processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from events.small import all_events, chunk, event
from foretide.errors import ForetideError, NotEnoughDataError, UnknownIdError, UsageError
from foretide.events import check, spark, spark_session
from foretide.events.engine import LocalEngine
from foretide.events.records import FrameBuckets
from foretide.events.spark import SparkEngine
from foretide.events.store import EventStore
from foretide.features import effects, habits, interests, now, population, series
from foretide.features.daily_rates import daily_rates
from foretide.features.drift import drift
from foretide.features.fold import feature_table
from foretide.features.history import stage_history
from foretide.features.lifecycle import LifecycleRule
from foretide.features.own_pieces import Piece
from foretide.features.state import THEMES
from foretide.forecast import scale_out, trees
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.forecast.scale_out import forecast_file
from foretide.outlook import outlook
from foretide.recommend.engine import advise
from foretide.users.interest_trends import interest_trends
from foretide.users.return_cells import count_returns

pytestmark = [
    pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark is not installed"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
    pytest.mark.xdist_group("spark"),
]

#: A JVM that lives for a minute need not optimize.
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
QUICK = {"spark.driver.extraJavaOptions": JVM, "spark.executor.extraJavaOptions": JVM}

# What is mapped is defined inside functions: workers cannot import the tests, so it is pickled with its code.

MIXED = pl.Schema(
    {
        "user_id": pl.String,
        "ts": pl.Datetime("us", "UTC"),
        "local": pl.Datetime("us", "Asia/Shanghai"),
        "value": pl.Float64,
        "small": pl.Int8,
        "unsigned": pl.UInt64,
        "stage": pl.Enum(["new", "lapsed"]),
        "kind": pl.Categorical(),
        "days": pl.Array(pl.UInt16, 2),
        "gone": pl.Boolean,
        "took": pl.Duration("us"),
    }
)


DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(60)]
BRANDS = pl.Schema({"user_id": pl.String, "brand": pl.String})


@pytest.fixture(scope="module", params=["local[2,4]", "local-cluster[2,1,1024]"])
def engine(request):
    """Start each kind of Spark once, one after the other."""
    from pyspark.find_spark_home import _find_spark_home

    with SparkEngine(request.param, QUICK) as engine:
        yield engine
    shutil.rmtree(Path(_find_spark_home(), "work"), ignore_errors=True)  # of the workers of local-cluster


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = EventStore.create(tmp_path_factory.mktemp("spark") / "store", "Asia/Shanghai", n_buckets=4)
    values = [1.5, float("nan"), None, -0.0]
    events = [event(user=f"u{n % 17}", minute=n, value=values[n % 4]) for n in range(200)]
    store.ingest([chunk(*events)], "first")
    store.put("items", pl.DataFrame({"item_id": ["i1"], "brand": ["old"]}))
    assert len(store.ids) > 2
    return store


def mixed():
    schema = MIXED

    def work(buckets, i):
        rows = buckets.bucket(i, ["user_id", "ts", "value"])
        n = pl.int_range(pl.len())
        ts = pl.col("ts") + pl.duration(microseconds=n)
        return rows.select(
            "user_id",
            ts=ts,
            local=ts.dt.convert_time_zone("Asia/Shanghai"),
            value="value",
            small=pl.when(n > 0).then(-128),
            unsigned=pl.lit(2**64 - 1, pl.UInt64) - n.cast(pl.UInt64),
            stage=pl.lit("lapsed"),
            kind=pl.col("user_id").str.slice(1),
            days=pl.concat_arr(n, n + 1),
            gone=n % 2 == 0,
            took=pl.duration(microseconds=n),
        ).cast(dict(schema))

    return work


def same(engine, work, buckets, schema):
    got = list(engine.map_buckets(work, buckets, schema))
    expected = list(LocalEngine().map_buckets(work, buckets, schema))
    assert len(got) == len(expected) == len(buckets.ids)
    return all(a.schema == b.schema and a.equals(b) for a, b in zip(got, expected, strict=True))


def test_every_type_comes_back_as_it_was(engine, store):
    assert same(engine, mixed(), store, MIXED)


def test_features_drift_and_forecasts_are_those_of_this_machine(engine, store, tmp_path, monkeypatch):
    first, last = store.span()
    moments = [first + (last - first) / 2, last + timedelta(days=1)]  # within the log, and after it
    tables = (feature_table(store, moments, themes=tuple(THEMES), engine=where) for where in (None, engine))
    here, there = tables
    assert here.height == 34
    assert here["recency_days"].min() < 1
    assert there.equals(here)
    assert drift(store, moments[1], engine=engine).equals(drift(store, moments[1]))
    days = [DAYS[0] + timedelta(days=n) for n in range(110)]
    spans = [days, days[:100], days[5:90]]
    drawn = np.random.default_rng(0).poisson(np.where(np.arange(110) // 7 % 2, 60, 20))  # high in every other week
    parts = [{"unique_id": f"s{i}", "ds": ds, "y": drawn[: len(ds)]} for i, ds in enumerate(spans)]
    pl.concat(map(pl.DataFrame, parts)).write_parquet(tmp_path / "series.parquet")
    monkeypatch.setattr(scale_out, "RUN_VALUES", 220)  # two series, then one
    monkeypatch.setattr(trees, "LEAST_WINDOWS", 10)
    for name, where, models in (("here", None, BY_DEFAULT), ("there", engine, BY_DEFAULT), ("fast", None, ())):
        forecast_file(tmp_path / "series.parquet", tmp_path / f"{name}.parquet", h=7, engine=where, models=models)
    here, told, fast = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("here", "there", "fast"))
    assert told.equals(here)
    assert not told.equals(fast)  # trees that have learnt here speak there
    assert told["ds"].n_unique() == 7  # all from the end of the longest one


def answers(store, as_of, engine):
    """Return what the events are counted for, each as a frame."""
    feast = {"event": "feast", "ds": date(2025, 1, 2), "end": date(2025, 1, 2), "category": "c1"}
    end, value = now.default_as_of(store, store.span()[1], engine), series.has_values(store, as_of, engine)
    yield pl.DataFrame({"end": [end], "value": [value], "outages": [series.outages(store, as_of, engine).size]})
    for measure, by in (("value", None), ("users", "item_id")):
        yield series.panel(store, measure, by, as_of=as_of, max_series=2, engine=engine).to_frame()
    yield interests.interests(store, as_of, engine=engine)
    yield interests.population_interests(store, as_of, engine=engine)
    yield habits.habits(store, as_of, engine)
    yield habits.habit_profiles(store, as_of, engine=engine)
    yield effects.effects(store, pl.DataFrame(feast), as_of, "item_id", engine=engine)
    for answer in (population.accounting, daily_rates, stage_history):
        yield answer(store, as_of, engine=engine)
    yield from learnt_answers(store, as_of, engine)


def learnt_answers(store, as_of, engine):
    """Return what is learnt from the events, each as a frame."""
    seen = outlook(store, as_of, 2, engine=engine)
    yield seen.told
    yield seen.interests
    yield interest_trends(store, as_of, 2, engine=engine)
    yield advise(store, as_of, engine=engine).items
    ends = [as_of - timedelta(days=n) for n in range(5, -1, -1)]
    counted = count_returns(store, ends, [5], LifecycleRule(), engine=engine)
    yield pl.DataFrame({"there": counted.there.sum(axis=0), "active": counted.active.sum(axis=0)})
    yield pl.DataFrame({"days": counted.states[0]["n_days"]})
    yield check.totals(store, ["value"], lambda rows: rows.filter(pl.col("value") > 9), engine)
    yield check.days_of(store, engine)


@pytest.mark.parametrize("engine", ["local[2,4]"], indirect=True)  # how results travel is tested on both
def test_every_answer_is_that_of_this_machine(engine, tmp_path):
    store = EventStore.create(tmp_path / "store", "Asia/Shanghai", n_buckets=2)
    log = [event(f"u{n % 11}", 97 * n, f"i{n % 5 % 3}", category=("c1", "c2", None)[n % 3]) for n in range(150)]
    store.ingest([chunk(*(row | {"value": n / 7} for n, row in enumerate(log)))], "log")
    as_of = store.span()[1] + timedelta(days=1)
    pairs = list(zip(answers(store, as_of, None), answers(store, as_of, engine), strict=True))
    assert all(here.height for here, _ in pairs)
    for here, there in pairs:
        assert_frame_equal(there, here, rel_tol=1e-12)


def test_a_feature_of_your_own_is_that_of_this_machine(engine, store):
    from numba import njit

    @njit
    def update(state, event):
        state.n += event.value > 1.0
        state.category = event.category

    @njit
    def values(state, as_of, today, out):
        out[0] = state.n
        out[1] = state.category

    dtype = np.dtype([("n", "i8"), ("category", "i4")])
    large = Piece(("large", "category"), dtype, update, values, reads=("interests",))
    moments = [store.span()[1] + timedelta(days=1)]
    here, there = (feature_table(store, moments, pieces=[large], engine=where) for where in (None, engine))
    assert here["large"].sum() == all_events(store).filter(pl.col("value").fill_nan(None) > 1.0).height > 0
    assert there.equals(here)


def test_a_relative_path_and_a_frame_do(engine, store, monkeypatch):
    monkeypatch.chdir(store.path.parent)
    assert same(engine, mixed(), EventStore.open(Path(store.path.name)), MIXED)
    assert same(engine, mixed(), FrameBuckets(all_events(store)), MIXED)


def test_large_and_empty_results(engine, store):
    n, schema = 3 * spark.PIECE_BYTES // 8, pl.Schema({"i": pl.Int64})

    def work(buckets, i):
        return pl.DataFrame({"i": pl.int_range(n * (i - min(buckets.ids)), eager=True)}, schema=schema)

    assert same(engine, work, store, schema)


def test_pieces_of_texts_are_small():
    texts = pl.int_range(300_000, eager=True).hash().cast(pl.String).str.pad_start(40, "-")
    part = pl.DataFrame({"text": texts}).with_columns(lists=pl.concat_list("text", "text"))
    pieces = [spark.encoded(piece) for piece in spark.cut(part)]
    assert len(pieces) > 5
    assert max(map(len, pieces)) <= spark.PIECE_BYTES
    assert pl.concat(map(pl.read_ipc_stream, pieces)).equals(part)


def test_a_killed_worker_is_replaced(engine, store, tmp_path):
    map_bucket, marks = mixed(), str(tmp_path)

    def work(buckets, i):
        mark = Path(marks, str(i))
        if i in buckets.ids[1:3] and not mark.exists():
            mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return map_bucket(buckets, i)

    got = pl.concat(engine.map_buckets(work, store, MIXED))
    assert {mark.name for mark in tmp_path.iterdir()} == {str(i) for i in store.ids[1:3]}
    assert got.equals(pl.concat(LocalEngine().map_buckets(mixed(), store, MIXED)))


@pytest.mark.parametrize("kind", [NotEnoughDataError, UnknownIdError])
def test_an_error_of_ours_comes_back_as_it_was(engine, store, kind):
    def work(buckets, i):
        if i in buckets.ids[1:]:
            raise kind(f"bucket {i}: a day of history is too little")
        return buckets.bucket(i)

    with pytest.raises(kind, match=f"^bucket {store.ids[1]}: a day of history is too little$"):
        list(engine.map_buckets(work, store, MIXED))


def test_another_error_is_told_in_a_line(engine, store):
    def work(buckets, i):
        return buckets.bucket(1 // (i - min(buckets.ids)))

    with pytest.raises(ForetideError, match=r"^Spark could not finish the job: ZeroDivisionError: .*by zero$"):
        list(engine.map_buckets(work, store, MIXED))


def test_an_import_meanwhile_changes_nothing(engine, store, tmp_path):
    own = EventStore.open(shutil.copytree(store.path, tmp_path / "store"))
    expected = pl.concat(store.bucket(i, ["user_id", "brand"]) for i in store.ids)
    started, imported = tmp_path / "started", tmp_path / "imported"

    def work(buckets, i):
        started.touch()
        while not imported.exists():
            time.sleep(0.01)
        return buckets.bucket(i, ["user_id", "brand"])

    def import_more():
        while not started.exists():
            time.sleep(0.01)
        other = EventStore.open(own.path)
        other.ingest([chunk(*(event(user=f"u{n}", minute=9999) for n in range(17)))], "second")
        other.put("items", pl.DataFrame({"item_id": ["i1"], "brand": ["new"]}))
        imported.touch()
        return other.n_events

    with ThreadPoolExecutor(1) as pool:
        more = pool.submit(import_more)
        got = pl.concat(engine.map_buckets(work, own, BRANDS))
        assert more.result() == expected.height + 17
    assert got.equals(expected)
    assert set(got["brand"]) == {"old"}


def test_the_session_is_reused_and_quiet(engine, store, capfd):
    from pyspark import SparkContext

    before = SparkContext._active_spark_context
    assert same(SparkEngine(engine.master, QUICK), mixed(), store, MIXED)
    assert SparkContext._active_spark_context is before
    assert capfd.readouterr() == ("", "")


def test_a_session_of_somebody_else_is_used_and_left(engine, store, monkeypatch):
    from pyspark import SparkContext

    theirs = SparkContext._active_spark_context
    monkeypatch.setattr(spark_session, "_own", spark_session._Own())
    with SparkEngine(engine.master) as other:
        assert same(other, mixed(), store, MIXED)
    with pytest.raises(UsageError, match=r"Spark runs on local.* already"):
        list(SparkEngine("local[7]").map_buckets(mixed(), store, MIXED))
    assert SparkContext._active_spark_context is theirs
    assert not theirs._jsc.sc().isStopped()


def test_what_spark_says_of_a_wrong_master_is_told():
    code = """
from foretide.events.spark_session import session
session("mars", {})
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("foretide.errors.UsageError: Spark does not start on mars: Master must either be yarn or")
    assert "WARN" not in done.stdout + done.stderr


def test_a_cluster_that_does_not_answer_is_told():
    with pytest.raises(UsageError, match=r"no Spark master answers at spark://127\.0\.0\.1:9"):
        list(SparkEngine("spark://127.0.0.1:9").map_buckets(len, FrameBuckets(pl.DataFrame()), MIXED))
