"""Delimited files are taken apart as Python's csv module does, and a bad row costs that row only."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.sources.delimited import read_delimited
from foretide.events.sources.dialect import find_dialect, header
from foretide.events.sources.lines import read_lines

fields = st.text(st.sampled_from('ab,;\t|"\n \u00fc\u6587'), max_size=6)
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(fields, min_size=width, max_size=width), min_size=1, max_size=8)
)


def read(path, **how):
    """Return the good rows with their lines, and the rejected ones."""
    head = next(read_lines(path)).good["raw"]
    dialect = find_dialect(head.filter(head.str.strip_chars() != ""))
    parts = list(read_delimited(read_lines(path, **how), dialect))
    assert all(part.fields.height == part.line.len() for part in parts)
    good = [row for part in parts for row in zip(part.line, part.fields.rows(), strict=True)]
    bad = pl.concat([part.rejected for part in parts]).sort("line").rows()
    return dialect, good, bad


@settings(deadline=None, max_examples=100)
@given(tables, st.sampled_from(",\t;|"), st.sampled_from(["\n", "\r\n"]), st.sampled_from([7, 64, 2**20]))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, table, separator, end, block_bytes):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    names = [f"n{i}" for i in range(len(table[0]))]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL).writerow(names)
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(table)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    dialect, good, bad = read(path, block_bytes=block_bytes)
    assert dialect.separator == separator
    assert dialect.columns == tuple(names)
    assert [list(row) for _, row in good] == table
    assert bad == []


def test_a_bad_row_costs_that_row_only(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(
        b'a,b,c\r\n1,"x, y",3\r\n2,"two\r\n\r\nlines",4\r\n3,5" screen,4\r\n4,"open,5\r\n5,x,y\r\n\r\n6,x\r\n'
        b'7,"a""b",\r\n8,"q"x,1\r\n9,a,b,c\r\n10,"more\n1,2,3\nend","again\nx"\n11,\xff,c\n12,last,line'
    )
    for block_bytes in (5, 2**20):
        _, good, bad = read(path, block_bytes=block_bytes)
        assert good == [
            (2, ("1", "x, y", "3")),
            (3, ("2", "two\n\nlines", "4")),
            (6, ("3", '5" screen', "4")),
            (8, ("5", "x", "y")),
            (11, ("7", 'a"b', "")),
            (14, ("10", "more\n1,2,3\nend", "again\nx")),
            (19, ("12", "last", "line")),
        ]
        assert bad == [
            (7, "malformed_line", '4,"open,5'),
            (10, "too_few_columns", "6,x"),
            (12, "malformed_line", '8,"q"x,1'),
            (13, "too_many_columns", "9,a,b,c"),
            (18, "bad_encoding", "11,\ufffd,c"),
        ]


def test_a_stray_quote_does_not_swallow_the_rest(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('a,b\n1,"open\n' + "2,x\n" * 3_000)
    _, good, bad = read(path, block_bytes=100)
    assert len(good) == 3_000
    assert bad == [(2, "malformed_line", '1,"open')]


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_the_end_of_the_file_does_not_matter(tmp_path, end):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3,4" + end)
    assert read(path)[1:] == ([(2, ("1", "2")), (3, ("3", "4"))], [])


def test_one_column(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a\n1\n\n2\n")
    assert read(path)[1] == [(2, ("1",)), (4, ("2",))]


def test_names_of_columns_differ():
    assert header(["a", "a", " ", "a_2", "a"]) == ("a", "a_2", "column_3", "a_2_2", "a_3")


def test_long_lines_are_rejected_in_bounded_pieces(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,2\n3," + b"x" * 5_000 + b"\n4,5\n" + b"y" * 100 + b",z\n6,7\n")
    for block_bytes in (64, 2**20):
        _, good, bad = read(path, block_bytes=block_bytes, max_line_bytes=60)
        assert [row for _, row in good] == [("1", "2"), ("4", "5"), ("6", "7")]
        assert [(line, reason) for line, reason, _ in bad] == [(3, "line_too_long"), (5, "line_too_long")]
        assert bad[0][2].startswith("3,xxx")
        assert len(bad[0][2]) <= 2_000
