"""JSON Lines become text by key, row by row."""

import json

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.events.sources.json_lines import read_json_lines
from foretide.events.sources.lines import read_lines


def read(path, **how):
    """Return the pieces of a file."""
    return list(read_json_lines(read_lines(path, **how)))


def test_values_become_their_text_and_bad_lines_are_kept(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"a":1,"b \\"/~\'":"x"}\nnot json\n{"a":"01","b":{"c":1.0,"d":[1,2]}}\n\n[1]\n{"a":null,"b":true}\n'
        '{"a":1.5,"b":"\u6587"}\n{"a":\n',
        encoding="utf-8",
    )
    (piece,) = read(path)
    assert piece.line.to_list() == [1, 3, 6, 7]
    assert piece.fields.to_dict(as_series=False) == {
        "a": ["1", "01", None, "1.5"],
        "b": [None, '{"c":1.0,"d":[1,2]}', "true", "\u6587"],
        "b \"/~'": ["x", None, None, None],
    }
    assert piece.rejected.rows() == [
        (2, "malformed_line", "not json"),
        (5, "malformed_line", "[1]"),
        (8, "malformed_line", '{"a":'),
    ]


def test_keys_may_come_late(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a":1}\n{}\n{"z":2}\n')
    pieces = read(path, block_bytes=8)
    assert sum(piece.line.len() for piece in pieces) == 3
    assert pl.concat([piece.fields for piece in pieces if piece.fields.width], how="diagonal").columns == [
        "a",
        "z",
    ]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=6), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_any_texts_under_any_keys_are_read_back(tmp_path_factory, objects):
    path = tmp_path_factory.mktemp("json") / "x.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in objects), encoding="utf-8")
    (piece,) = read(path)
    back = [{key: text for key, text in row.items() if text is not None} for row in piece.fields.iter_rows(named=True)]
    assert back == objects
