"""JSON Lines: one JSON object a line. Each value becomes its text, nested ones as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb
import polars as pl

from foretide.events.sources.lines import Lines
from foretide.events.sources.rows import Rows, rejected

MEMORY_LIMIT = "512MB"
IS_OBJECT = "SELECT coalesce(json_valid(raw) AND starts_with(ltrim(raw), '{'), false) AS is_object FROM lines"
KEYS = """
    SELECT key, min(place) AS place
    FROM (SELECT unnest(json_keys(raw)) AS key, generate_subscripts(json_keys(raw), 1) AS place FROM lines)
    GROUP BY key
    ORDER BY place, key
"""


def read_json_lines(pieces: Iterable[Lines]) -> Iterator[Rows]:
    """Take lines of JSON apart into the keys of their objects; lines that are no object are rejected."""
    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY_LIMIT}) as connection:
        for good, bad in pieces:
            lines = good.filter(good["raw"].str.strip_chars() != "")
            whole = ask(connection, lines, IS_OBJECT)["is_object"]
            objects, broken = lines.filter(whole), lines.filter(~whole)
            broken = rejected(broken["line"], "malformed_line", broken["raw"])
            fields = extract(connection, objects)
            yield Rows(fields, objects["line"], objects["raw"], pl.concat([bad, broken]))


def extract(connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame) -> pl.DataFrame:
    """Return a column of text for each key of the objects, in the order in which they come up."""
    keys = ask(connection, lines, KEYS)["key"].to_list()
    texts = (f"json_extract_string(raw, {quoted(pointer(key))}) AS c{i}" for i, key in enumerate(keys))
    table = ask(connection, lines, f"SELECT line, {', '.join(texts)} FROM lines")
    return table.drop("line").rename({f"c{i}": key for i, key in enumerate(keys)})


def ask(connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame, sql: str) -> pl.DataFrame:
    """Return the answer to a question about lines, in their order."""
    connection.register("lines", lines.to_arrow())
    return connection.sql(sql).pl()


def pointer(key: str) -> str:
    """Return the JSON pointer of a key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
