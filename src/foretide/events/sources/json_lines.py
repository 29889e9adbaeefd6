"""JSON Lines: one JSON object a line. Each value becomes its text, nested ones as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb
import polars as pl

from foretide.events.sources.lines import Lines
from foretide.events.sources.rows import Rows, rejected

MEMORY_LIMIT = "512MB"


def read_json_lines(pieces: Iterable[Lines]) -> Iterator[Rows]:
    """Take lines of JSON apart into the keys of their objects; lines that are no object are rejected."""
    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY_LIMIT}) as connection:
        for good, bad in pieces:
            lines = good.filter(pl.col("raw").str.strip_chars() != "")
            is_object = lines["raw"].to_frame("raw").select(objects(connection, lines)).to_series()
            broken = lines.filter(~is_object)
            lines = lines.filter(is_object)
            rows = rejected(broken["line"], "malformed_line", broken["raw"])
            yield Rows(extract(connection, lines), lines["line"], lines["raw"], pl.concat([bad, rows]))


def objects(connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame) -> pl.Series:
    """Tell which lines are JSON objects."""
    connection.register("lines", lines.to_arrow())
    return connection.sql(
        "select coalesce(json_valid(raw) and starts_with(ltrim(raw), '{'), false) as ok from lines"
    ).pl()["ok"]


def extract(connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame) -> pl.DataFrame:
    """Return a column of text for each key of the objects."""
    connection.register("lines", lines.to_arrow())
    keys = (
        connection.sql(
            "select key, min(place) as place from (select unnest(json_keys(raw)) as key, unnest(range(len(json_keys(raw)))) as place from lines) group by key order by place, key"
        )
        .pl()["key"]
        .to_list()
    )
    columns = ", ".join(
        f"json_extract_string(raw, {quoted(pointer(key))}) as c{i}" for i, key in enumerate(keys)
    )
    table = connection.sql(f"select {columns} from lines").pl() if keys else pl.DataFrame()
    return table.rename({f"c{i}": key for i, key in enumerate(keys)})


def pointer(key: str) -> str:
    """Return the JSON pointer of a key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
