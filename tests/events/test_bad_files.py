"""A file that cannot be used is refused in one sentence that names it and says what to do."""

import gzip
import os
import tracemalloc

import polars as pl
import pytest

from foretide.errors import DataError, ForetideError, MappingError, UnreadableFileError
from foretide.events.sources.files import sniff

GOOD = b"user,ts\n" + b"".join(b"u%d,2026-01-01T10:00:00Z\n" % i for i in range(2_000))


def refused(path, **how):
    """Return the error and its message of a file that is read to the end."""
    with pytest.raises(ForetideError) as caught:
        list(sniff(path, **how).chunks())
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return type(caught.value), message


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("empty.csv", b"", UnreadableFileError, "is empty"),
        ("blank.csv", b"\n\n  \n", UnreadableFileError, "is empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), UnreadableFileError, "is empty"),
        ("header.csv", b"user_id,ts\n", DataError, "no rows"),
        ("ragged.csv", b"user_id,ts\n1\n2\n", DataError, "none of its 2 rows"),
        ("binary.csv", bytes(range(256)) * 20, UnreadableFileError, "binary"),
        ("sheet.csv", b"PK\x03\x04\x14\x00\x06\x00" + bytes(100), UnreadableFileError, "binary"),
        ("utf16.csv", "user,ts\nu,1767261600\n".encode("utf-16-le"), UnreadableFileError, "--encoding"),
        ("latin.csv", "us\u00e9r,ts\nu,1\n".encode("latin-1"), UnreadableFileError, "--encoding"),
        ("cut.csv.gz", gzip.compress(GOOD, mtime=0)[:-200], UnreadableFileError, "cut off"),
        ("odd.csv.gz", b"\x1f\x8bnot gzip at all", UnreadableFileError, "damaged"),
        ("cut.parquet", b"PAR1garbage", UnreadableFileError, "cut off"),
        ("text.parquet", GOOD, UnreadableFileError, "not a Parquet file"),
        ("array.json", b'[{"user": 1}]', UnreadableFileError, "one object a line"),
        ("no_user.csv", b"ts,item\n2026-01-01T00:00:00Z,1\n", MappingError, "--map user_id=COLUMN"),
        ("naive.csv", b"user,time\nu1,2026-01-01 10:00:00\n", MappingError, "--timezone"),
        ("dates.csv", b"user,time\nu1,01/02/2026\n", MappingError, "--date-order"),
    ],
)
def test_refused(tmp_path, name, content, error, words):
    path = tmp_path / name
    path.write_bytes(content)
    kind, message = refused(path)
    assert kind is error
    assert words in message


def test_a_parquet_file_that_is_cut_off(tmp_path):
    whole = tmp_path / "whole.parquet"
    pl.DataFrame({"user": range(1_000), "ts": ["2026-01-01T10:00:00Z"] * 1_000}).write_parquet(whole)
    path = tmp_path / "cut.parquet"
    path.write_bytes(whole.read_bytes()[:-50])
    assert refused(path)[0] is UnreadableFileError


def test_a_large_gzip_that_is_cut_off_fails_when_its_end_is_reached(tmp_path):
    path = tmp_path / "cut.csv.gz"
    noise = b"".join(b"u%d,2026-01-01T10:00:00Z,%s\n" % (i, os.urandom(40).hex().encode()) for i in range(120_000))
    path.write_bytes(gzip.compress(b"user,ts,noise\n" + noise, 1)[:-1_000])
    source = sniff(path)
    with pytest.raises(UnreadableFileError, match="cut off"):
        list(source.chunks())


def test_no_file_and_a_folder(tmp_path):
    assert "no such file" in refused(tmp_path / "nowhere.csv")[1]
    assert "folder" in refused(tmp_path)[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_bytes(GOOD)
    path.chmod(0)
    assert "rights" in refused(path)[1]


def test_an_unknown_encoding(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(GOOD)
    assert "klingon" in refused(path, encoding="klingon")[1]


def test_rows_that_are_all_bad_are_all_rejected(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("user_id,ts\nu1,soon\nu2,later\n")
    (chunk,) = sniff(path).chunks()
    assert chunk.rows.is_empty()
    assert chunk.rejected["reason"].to_list() == ["bad_ts", "bad_ts"]


def test_a_very_long_line_costs_itself_and_little_memory(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(b"user,ts\nu1,2026-01-01T10:00:00Z\nu2,")
        for _ in range(50):
            file.write(b"x" * 2**20)
        file.write(b"\nu3,2026-01-01T10:00:00Z\n")
    source = sniff(path, max_line_bytes=2**16)
    tracemalloc.start()
    chunks = list(source.chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [user for chunk in chunks for user in chunk.rows["user_id"]] == ["u1", "u3"]
    rejected = pl.concat([chunk.rejected for chunk in chunks])
    assert rejected.select("line", "reason").rows() == [(3, "line_too_long")]
    assert rejected["raw"].item().startswith("u2,xxx")
    assert peak < 50 * 2**20


def test_a_first_line_without_end(tmp_path):
    path = tmp_path / "long.csv"
    path.write_bytes(b"x" * 2**20)
    assert "line 1" in refused(path, max_line_bytes=1_000)[1]


@pytest.mark.parametrize(
    ("encoding", "city", "named"),
    [("cp1252", "K\u00f6ln", "cp1252"), ("cp1252", "Preis 5 \u20ac", "cp1252"), ("gb18030", "\u5317\u4eac", "gb18030")],
)
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_a_file_of_another_encoding_is_refused_at_once(tmp_path, name, encoding, city, named):
    path = tmp_path / name
    text = f"user,ts,city\nu1,1767261600,Ulm\nu2,1767261600,{city}\n".encode(encoding)
    path.write_bytes(gzip.compress(text, mtime=0) if name.endswith("gz") else text)
    with pytest.raises(UnreadableFileError, match=f"--encoding {named}") as caught:
        sniff(path)
    assert "line 3" in str(caught.value)
    assert city in str(caught.value)
    (chunk,) = sniff(path, encoding=named).chunks()
    assert chunk.rows["city"].to_list() == ["Ulm", city]


@pytest.mark.parametrize(
    "lines",
    [
        ["u1,1767261600,K\u00f6ln".encode(), b"u2,1767261600,K\xf6ln"],  # UTF-8 with a line of something else
        [b"u1,1767261600,Ulm", b"u2,1767261600,\x81\x8d"],  # no character has these bytes
        [b"u1,1767261600,Ulm", b"u2,1767261600,\xff\xff"],
    ],
)
def test_damaged_lines_of_a_good_file_cost_themselves(tmp_path, lines):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\n".join([b"user,ts,city", *lines]) + b"\n")
    (chunk,) = sniff(path).chunks()
    assert chunk.rows["user_id"].to_list() == ["u1"]
    assert chunk.rejected.select("line", "reason").rows() == [(3, "bad_encoding")]


def test_bad_bytes_far_behind_cost_their_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"user,ts,city\n" + b"u1,1767261600,Ulm\n" * 80_000 + b"u2,1767261600,K\xf6ln\n")
    chunks = list(sniff(path).chunks())
    assert sum(chunk.rows.height for chunk in chunks) == 80_000
    assert [row for chunk in chunks for row in chunk.rejected["line"]] == [80_002]


def test_names_that_repeat_are_told_apart(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("user,ts,tag,tag\nu1,1767261600,a,b\n")
    (chunk,) = sniff(path).chunks()
    assert chunk.rows.select("tag", "tag_2").rows() == [("a", "b")]


def test_an_impossible_date_costs_its_row(tmp_path):
    path = tmp_path / "x.csv"
    days = ["01.02.2025", "28.02.2025", "99.99.2025", "12.25.2025", "03.04.2025"]
    path.write_text("user,date\n" + "".join(f"u,{day}\n" for day in days))
    (chunk,) = sniff(path, timezone="UTC").chunks()
    assert [f"{ts:%d.%m.%Y}" for ts in chunk.rows["ts"]] == [days[0], days[1], days[4]]
    assert chunk.rejected.select("line", "reason").rows() == [(4, "bad_ts"), (5, "ambiguous_date")]
