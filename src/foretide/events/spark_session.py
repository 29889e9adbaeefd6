"""The Spark session of this process: found or started, quiet, stopped at the end. Only here pyspark is imported."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from foretide.errors import ForetideError, MissingExtraError, UsageError

CONF = {
    "spark.app.name": "foretide",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.maxResultSize": "0",
    "spark.executorEnv.POLARS_MAX_THREADS": "1",  # a task has one core
}
#: Settings of the queries; a value is a few MB and a batch of Arrow must stay below 2 GB.
SQL_CONF = {"spark.sql.session.timeZone": "UTC", "spark.sql.execution.arrow.maxRecordsPerBatch": "16"}
#: On one machine nothing may depend on its name in the network.
LOCAL_CONF = {"spark.driver.host": "localhost", "spark.driver.bindAddress": "127.0.0.1"}
LOCAL_ENV = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
CONNECT_TIMEOUT_S = 5.0

#: What a task does with the batches that it is given.
Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass
class _Own:
    """The context that was started here, and the settings that were asked for."""

    context: Any = None
    asked: Mapping[str, str] = field(default_factory=dict)


_own = _Own()


def session(master: str, conf: Mapping[str, str]) -> Any:
    """Return a session on ``master``: the one of this process, or a new one.

    Raises
    ------
    MissingExtraError
        If a library that Spark needs is not installed.
    UsageError
        If there is no Java, no such master, or a session of somebody else on another master.
    """
    _require()
    with without_pandas_warning():
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

    asked = {"spark.master": master, **conf}
    context = SparkContext._active_spark_context  # noqa: SLF001 - the one question without side effects
    if context is not None and context is _own.context and asked != _own.asked:
        stop()
        context = None
    if context is None:
        context = _own.context = _start(asked)
        _own.asked = asked
    elif context.master != master:
        raise UsageError(f"Spark runs on {context.master} already; stop that session or give --master {context.master}")
    spark = SparkSession(context).newSession()
    for key, value in SQL_CONF.items():
        spark.conf.set(key, value)
    return spark


@contextmanager
def without_pandas_warning() -> Iterator[None]:
    """Keep Spark's warning about new pandas back inside the block: frames never pass through pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def stop() -> None:
    """Stop the session that was started here, if any."""
    context, _own.context = _own.context, None
    if context is not None:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]

        with suppress(OSError, Py4JError):  # Java is gone already
            context.stop()


atexit.register(stop)


def map_tasks(spark: Any, task: Task, n: int, returned: str) -> pa.Table:
    """Run a task for each number below ``n`` and return the rows of all of them, which have columns ``returned``.

    Raises
    ------
    ForetideError
        If a task failed in each of its attempts; what Spark tells of it is the error's cause.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    numbers = spark.range(0, n, 1, n)
    try:
        with without_pandas_warning():
            return numbers.mapInArrow(task, returned).toArrow()
    except (PySparkException, Py4JError, OSError) as error:
        raise ForetideError(f"Spark could not finish the job: {_gist(str(error))}") from error


def _start(asked: Mapping[str, str]) -> Any:
    """Start Spark's context with these settings; what Java writes to the terminal is kept back."""
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    master = asked["spark.master"]
    _reach(master)
    local = master.startswith("local")
    if local:
        for name, value in {**LOCAL_ENV, "PYSPARK_PYTHON": sys.executable}.items():
            os.environ.setdefault(name, value)
    settings = CONF | (LOCAL_CONF if local else {}) | dict(asked)
    conf = SparkConf().setAll(list(settings.items()))
    with tempfile.TemporaryFile("w+") as said:
        try:
            running = SparkContext._gateway  # noqa: SLF001 - Java outlives a session
            gateway = running or launch_gateway(conf, {"stdout": said, "stderr": said})  # type: ignore[no-untyped-call]
            return SparkContext(conf=conf, gateway=gateway)
        except (PySparkException, Py4JError) as error:
            said.seek(0)
            raise UsageError(f"Spark does not start on {master}: {_gist(said.read() or str(error))}") from error


def _require() -> None:
    """Check what Spark needs before anything is started."""
    for package in ("pyspark", "pandas"):  # its Arrow functions import pandas
        if find_spec(package) is None:
            raise MissingExtraError(f"the engine 'spark' needs {package}; install foretide[spark]")
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        where = f"JAVA_HOME is {home}, without bin/java" if home else "no java on the PATH"
        raise UsageError(f"the engine 'spark' needs Java 17 or newer ({where}); install openjdk-17-jre-headless")


def _reach(master: str) -> None:
    """Ask a standalone master whether it is there: Spark itself would wait for a minute."""
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.partition(":")
        try:
            socket.create_connection((host, int(port or 7077)), CONNECT_TIMEOUT_S).close()
        except (OSError, ValueError):
            continue
        return
    raise UsageError(f"no Spark master answers at {master}; check the address, or start it with start-master.sh")


def _gist(text: str) -> str:
    """Return what was wrong out of a stack trace, without the names of Java's classes."""
    lines = [line.strip() for line in text.splitlines() if re.search(r"\w(Error|Exception)\b", line)]
    failures = [line for line in lines if "most recent failure" in line]
    line = (failures or lines or text.splitlines() or ["no reason was given"])[-1]
    return re.sub(r".*\b(\w+\.)+\w+(Error|Exception): ", "", line)[:300]
