"""The same rows are the same events, whatever file they come in; and every row of a file is accounted for."""

# ruff: noqa: DTZ001 - times without a zone are what this is about

import gzip
import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import UsageError
from foretide.events.sources.files import sniff
from foretide.events.sources.frames import frame_chunks
from foretide.schema import EVENTS

words = st.text(st.sampled_from('ab0 ,;"\n\u6587'), min_size=1, max_size=5).map(lambda word: f"w{word}w")
rows = st.fixed_dictionaries(
    {
        "CustomerID": st.integers(1, 10**12),
        "StockCode": st.none() | words,
        "ts": st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
        "amount": st.none() | st.floats(-1e9, 1e9, width=32).map(float),
        "genre": st.none() | words,
        "stars given": st.none() | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
        "first": st.booleans(),
    }
)
SCHEMA = {
    "CustomerID": pl.Int64, "StockCode": pl.String, "ts": pl.Datetime("us", "UTC"), "amount": pl.Float64,
    "genre": pl.String, "stars given": pl.Float64, "first": pl.Boolean,
}  # fmt: skip


def events(source):
    """Return all events of a source in one frame."""
    chunks = list(source)
    assert all(chunk.rejected.is_empty() for chunk in chunks)
    return pl.concat([chunk.rows for chunk in chunks])


def write(frame, folder):
    """Write a frame in every format."""
    frame.write_csv(folder / "x.csv")
    frame.write_csv(folder / "x.tsv", separator="\t")
    frame.with_columns(pl.col("ts").dt.to_string("iso")).write_ndjson(folder / "x.jsonl")
    frame.write_parquet(folder / "x.parquet")
    for name in ("x.csv", "x.jsonl"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    return sorted(folder.iterdir())


@settings(deadline=None, max_examples=10)
@given(st.lists(rows, min_size=1, max_size=6))
def test_every_format_gives_the_same_events(tmp_path_factory, table):
    frame = pl.DataFrame(table, schema=SCHEMA)
    expected = events(frame_chunks(frame))
    assert dict(expected.schema) | dict(EVENTS) == dict(expected.schema)
    assert expected["ts"].to_list() == frame["ts"].to_list()
    assert expected["user_id"].to_list() == [str(user) for user in frame["CustomerID"]]
    assert expected["value"].to_list() == frame["amount"].to_list()
    for path in write(frame, tmp_path_factory.mktemp("formats")):
        got = events(sniff(path, corrections={"item_id": "StockCode", "category": "genre", "value": "amount"}).chunks())
        same = [name for name in expected.columns if name in got.columns]
        assert set(expected.columns) - set(got.columns) <= {
            name for name in expected.columns if expected[name].null_count() == expected.height
        }, path.name
        assert got.select(same).equals(expected.select(same)), path.name


def test_every_row_goes_one_way_or_the_other(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        "user,ts,item,price\n"
        "17850.0,2026-01-01T10:00:00+02:00,007,2.5\n"
        ",2026-01-01T10:00:00Z,1,1\n"
        "u,,1,1\n"
        "u,soon,1,1\n"
        "u,2026-01-01 10:00,1,1\n"
        "u,2026-01-01T10:00:00Z,1,NaN\n"
        "u,2026-01-01T10:00:00Z,1,inf\n"
        "u,2026-01-01T10:00:00Z,1,much\n"
        "u,2026-01-01T10:00:00Z,,\n"
        "u,2026-01-01T10:00:00Z,1\n"
    )
    (chunk,) = sniff(path).chunks()
    assert chunk.n_read == 10
    assert chunk.rows.select("user_id", "item_id", "tz_offset_min", "value", "event_type").rows() == [
        ("17850", "007", 120, 2.5, "event"),
        ("u", None, None, None, "event"),
    ]
    assert sorted(chunk.rejected.select("line", "reason").rows()) == [
        (3, "no_user"), (4, "no_ts"), (5, "bad_ts"), (6, "no_zone"), (7, "bad_value"), (8, "bad_value"),
        (9, "bad_value"), (11, "too_few_columns"),
    ]  # fmt: skip
    assert chunk.rejected.filter(pl.col("line") == 5)["raw"].item() == "u,soon,1,1"


def test_typed_rows_are_rejected_as_json(tmp_path):
    path = tmp_path / "x.parquet"
    ts = datetime(2026, 1, 1, tzinfo=UTC)
    pl.DataFrame({"user": [1, None, 3], "ts": [ts] * 3, "value": [1.0, 2.0, float("nan")]}).write_parquet(path)
    (chunk,) = sniff(path).chunks()
    assert chunk.rows["user_id"].to_list() == ["1"]
    assert chunk.rejected.select("line", "reason").rows() == [(2, "no_user"), (3, "bad_value")]
    assert [json.loads(raw)["value"] for raw in chunk.rejected["raw"]] == ["2.0", "NaN"]


def test_ids_of_the_source_are_kept_and_blanks_are_left_to_the_store(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("event_id,user,ts\ne1,u,1767261600\n,u,1767261600\n  ,u,1767261601\n")
    (chunk,) = sniff(path).chunks()
    assert chunk.rows["event_id"].to_list() == ["e1", None, None]


def test_types_that_are_blank_are_plain_events(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("user,ts,event_type,rating\nu,1767261600,view,\nu,1767261601,,5\n")
    (chunk,) = sniff(path).chunks()
    assert chunk.rows["event_type"].to_list() == ["view", "rating"]


@pytest.mark.parametrize(
    ("encoding", "given_as"),
    [("utf-8-sig", None), ("utf-16", None), ("gb18030", "gb18030"), ("utf-16-le", "utf-16-le")],
)
def test_encodings(tmp_path, encoding, given_as):
    path = tmp_path / "x.csv"
    path.write_text("\u7528\u6237ID,\u65f6\u95f4,\u5546\u54c1\nu1,1767261600,\u8336\n", encoding=encoding)
    (chunk,) = sniff(path, encoding=given_as).chunks()
    assert chunk.rows.select("user_id", "item_id").rows() == [("u1", "\u8336")]


def test_bytes_that_are_not_of_the_encoding_cost_their_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("user,ts,\u540d\nu1,1767261600,\u8336\n".encode("gb18030") + b"u2,1767261600,\x81\n")
    chunks = list(sniff(path, encoding="gb18030").chunks())
    assert [row for chunk in chunks for row in chunk.rows["user_id"]] == ["u1"]
    assert [row for chunk in chunks for row in chunk.rejected["reason"]] == ["bad_encoding"]


def test_items_and_users_are_tables(tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("item_id,genre,title\n1,a,x\n,b,y\n3,,z\n")
    good, bad = sniff(items).table()
    assert good.rows(named=True) == [
        {"item_id": "1", "category": "a", "title": "x"}, {"item_id": "3", "category": None, "title": "z"}
    ]  # fmt: skip
    assert bad.rows() == [(3, "no_item", ",b,y")]
    users = tmp_path / "users.jsonl"
    users.write_text('{"user_id": 7, "country": "UK"}\n{"country": "DE"}\n')
    good, bad = sniff(users).table()
    assert good.rows() == [("7", "UK")]
    assert bad["reason"].to_list() == ["no_user"]


def test_a_table_is_not_read_as_events(tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("user_id,age\n1,2\n")
    with pytest.raises(UsageError, match="--as events"):
        sniff(path).chunks()


def test_ready_made_series(tmp_path):
    path = tmp_path / "user_behavior.csv"
    path.write_text("date,count\n2026-01-02,5\n2026-01-01,4\n2026-01-03,\nsoon,1\n2026-01-04,inf\n")
    source = sniff(path)
    good, bad = source.table()
    assert source.mapping.kind == "series"
    assert [(name, str(day), y) for name, day, y in good.rows()] == [
        ("count", "2026-01-02", 5.0), ("count", "2026-01-01", 4.0)
    ]  # fmt: skip
    assert bad["reason"].to_list() == ["bad_value", "bad_ts", "bad_value"]


def test_hours_of_a_series_belong_to_days_of_its_zone(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("unique_id,ds,y\na,2026-01-01T15:00:00Z,1\na,2026-01-01T17:00:00Z,2\na,2026-01-02T01:00:00Z,4\n")
    assert sniff(path).table()[0]["ds"].dt.day().to_list() == [1, 1, 2]
    assert sniff(path, timezone="Asia/Shanghai").table()[0]["ds"].dt.day().to_list() == [1, 2, 2]


def test_the_order_of_dates_may_show_late(tmp_path):
    path = tmp_path / "x.csv"
    early = "17850,12/1/2010 8:26\n" * 5_000
    path.write_text("CustomerID,InvoiceDate\n" + early + "17850,12/13/2010 9:01\n")
    source = sniff(path, timezone="Europe/London")
    assert source.mapping.date_order == "mdy"
    assert sum(chunk.rows.height for chunk in source.chunks()) == 5_001
