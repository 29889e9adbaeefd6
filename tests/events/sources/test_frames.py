"""Frames of every kind give the same events."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from foretide.errors import DataError, MappingError
from foretide.events.sources.frames import frame_chunks

TS = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]
FRAME = pl.DataFrame({"user": [1, 2], "ts": TS, "value": [1.5, None], "tag": ["a", None]})


def events(frame, **how):
    """Return the events of a small frame."""
    (chunk,) = frame_chunks(frame, **how)
    return chunk.rows


@pytest.mark.parametrize("convert", [pl.DataFrame.to_arrow, pl.DataFrame.lazy, lambda frame: frame.to_pandas()])
def test_pandas_polars_and_arrow_agree(convert):
    assert events(convert(FRAME)).equals(events(FRAME))


def test_floats_that_are_ids_in_pandas():
    frame = pd.DataFrame({"user": [17850.0, float("nan"), 2.0], "ts": [*TS, TS[0]], "price": [1.0, 2.0, float("nan")]})
    (chunk,) = frame_chunks(frame)
    assert chunk.rows["user_id"].to_list() == ["17850", "2"]
    assert chunk.rows["value"].to_list() == [1.0, None]
    assert chunk.rejected.select("line", "reason").rows() == [(2, "no_user")]


def test_large_ids_keep_every_digit():
    frame = pl.DataFrame({"user": [31198570044.0, 900719925474099.0], "ts": TS})
    assert events(frame)["user_id"].to_list() == ["31198570044", "900719925474099"]


def test_nested_and_odd_types_become_text():
    frame = pl.DataFrame(
        {
            "user": ["a", "b"],
            "ts": TS,
            "tags": [["x", "y"], None],
            "where": [{"city": "Ulm"}, None],
            "raw": [b"abc", None],
            "kind": pl.Series(["p", "q"], dtype=pl.Categorical),
            "day": [TS[0].date(), None],
        }
    )
    assert events(frame).select("tags", "where", "raw", "kind", "day").rows() == [
        ('["x","y"]', '{"city":"Ulm"}', "abc", "p", "2026-01-01"), (None, None, None, "q", None)
    ]  # fmt: skip


def test_the_call_fails_before_anything_is_read():
    with pytest.raises(MappingError, match="--map user_id"):
        frame_chunks(pl.DataFrame({"ts": TS}))
    with pytest.raises(MappingError, match="--timezone"):
        frame_chunks(FRAME.with_columns(pl.col("ts").dt.replace_time_zone(None)))
    with pytest.raises(DataError, match="no rows"):
        frame_chunks(FRAME.clear())
    for column in ([1, 2], pl.Series([1]), pd.Series([1])):
        with pytest.raises(MappingError, match=r"frame is a (list|Series); give"):
            frame_chunks(column)
    with pytest.raises(MappingError, match="types"):
        frame_chunks(pd.DataFrame({"user": ["a", 1], "ts": TS}))


def test_an_arrow_stream_is_a_frame():
    batches = pa.Table.to_batches(FRAME.to_arrow())
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    assert events(reader).equals(events(FRAME))


def test_a_rejected_row_of_any_types_is_kept_as_json():
    frame = FRAME.with_columns(
        user=pl.lit(None, pl.String),
        raw=pl.lit(b"\xff\x00"),
        kind=pl.lit("p").cast(pl.Categorical),
        price=pl.lit(Decimal("1.10")),
        took=pl.duration(minutes=3),
        day=pl.col("ts").dt.date(),
        clock=pl.col("ts").dt.time(),
        tags=pl.concat_list("tag", "tag"),
    )
    (chunk,) = frame_chunks(frame, corrections={"user_id": "user"})
    assert chunk.rejected["reason"].to_list() == ["no_user", "no_user"]
    assert [json.loads(raw)["day"] for raw in chunk.rejected["raw"]] == ["2026-01-01", "2026-01-02"]
    assert events(frame.with_columns(user=pl.lit("u"))).height == 2


def test_a_column_with_the_offset_of_the_clock_is_kept():
    moments = [datetime(2026, 1, 1, tzinfo=UTC)] * 2
    offsets = pl.Series([60, None], dtype=pl.Int16)
    (chunk,) = frame_chunks(pl.DataFrame({"user_id": ["a", "b"], "ts": moments, "tz_offset_min": offsets}))
    assert chunk.rows["tz_offset_min"].to_list() == [60, None]
    assert "source_tz_offset_min" not in chunk.rows.columns
