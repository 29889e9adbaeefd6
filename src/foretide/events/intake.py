"""What happens to rows on their way into the store: judged by their time, given ids, staged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl

from foretide.errors import MappingError
from foretide.events.identity import number_repeats
from foretide.events.records import Chunk
from foretide.events.staging import MARKS, Staging

#: Events before this are taken for a mistake (a zero that became 1970, say).
FIRST_TS = datetime(1980, 1, 1, tzinfo=UTC)
#: A clock may be wrong by this much before its events count as events of the future.
CLOCK_TOLERANCE = timedelta(days=1)
RESERVED = {"bucket", *MARKS}


def screened(rows: pl.DataFrame, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows with plausible times from the others, which are returned as rejected rows."""
    if RESERVED & set(rows.columns):
        raise MappingError(f"the names {', '.join(sorted(RESERVED))} are taken; rename with --map other=COLUMN")
    late, early = pl.col("ts") > now + CLOCK_TOLERANCE, pl.col("ts") < FIRST_TS
    odd = rows.filter(late | early)
    if odd.is_empty():
        return rows, rejection(odd)
    reason = pl.when(late).then(pl.lit("future_ts")).otherwise(pl.lit("ancient_ts"))
    reasons = odd.select(reason).to_series()
    return rows.filter(~(late | early)), rejection(odd).with_columns(reason=reasons)


def rejection(rows: pl.DataFrame, reason: str = "conflict") -> pl.DataFrame:
    """Return canonical rows as rejected rows: their content as JSON."""
    raw = [json.dumps(row, default=str, ensure_ascii=False) for row in rows.iter_rows(named=True)]
    return pl.DataFrame(
        {"line": pl.Series([None] * len(raw), dtype=pl.Int64), "raw": pl.Series(raw, dtype=pl.String)}
    ).with_columns(reason=pl.lit(reason))


def with_ids(rows: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Give an id to the rows that have none; tell whether some have one of their own."""
    lacking = rows["event_id"].is_null()
    if not lacking.any():
        return rows, True
    if lacking.all():
        return rows.with_columns(event_id=number_repeats(rows["hash"])), False
    derived = number_repeats(rows.filter(lacking)["hash"])
    places = lacking.arg_true()
    return rows.with_columns(rows["event_id"].scatter(places, derived)), True


def while_staging(chunks: Iterable[Chunk], staged: Staging, now: datetime) -> Iterator[tuple[Chunk, pl.DataFrame]]:
    """Stage each chunk while the next one is being read; return it with its implausible rows as rejected."""

    def add(chunk: Chunk) -> tuple[Chunk, pl.DataFrame]:
        good, implausible = screened(chunk.rows, now)
        staged.add(good)
        return chunk, implausible

    with ThreadPoolExecutor(1) as worker:
        waiting = None
        for chunk in chunks:
            ahead = worker.submit(add, chunk)
            if waiting is not None:
                yield waiting.result()
            waiting = ahead
        if waiting is not None:
            yield waiting.result()
