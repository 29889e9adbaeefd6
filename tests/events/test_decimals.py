"""Decimal commas are read where the numbers show them or the user says so; what may be either is asked for."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.errors import MappingError
from foretide.events.plain_values import as_number
from foretide.events.sources.files import sniff
from foretide.text import say, speaking

T = "2026-01-02T10:00:00Z"


def european(x):
    """Write a number with a decimal comma and dots between the thousands."""
    return f"{x:,.2f}".translate(str.maketrans(",.", ".,"))


@given(st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20))
def test_what_is_written_with_a_comma_is_read_back(cents):
    numbers = [n / 100 for n in cents]
    for texts, decimal in (
        ([european(x) for x in numbers], ","),
        ([f"{x:.2f}".replace(".", ",") for x in numbers], ","),
        ([f"{x:,.2f}".replace(",", "\u202f").replace(".", ",") for x in numbers], ","),
        ([f"{x:,.2f}" for x in numbers], "."),
    ):
        read, bad = as_number(pl.Series(texts), decimal)
        assert read.to_list() == pytest.approx(numbers)
        assert not bad.any()


@pytest.mark.parametrize("text", ["12.50", "1,2,3", "1.23,4", "12,50 EUR", ".", ",", "-", "inf", "nan", "1.2345,0"])
def test_what_is_no_number_with_a_decimal_comma(text):
    read, bad = as_number(pl.Series([text, None, "null", " 7 "]), ",")
    assert (read.to_list(), bad.to_list()) == ([None, None, None, 7.0], [True, False, False, False])


def read(tmp_path, header, *rows, **how):
    """Return the source and the values of a file."""
    path = tmp_path / "x.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    source = sniff(path, **how)
    (chunk,) = source.chunks()
    return source, chunk


@pytest.mark.parametrize(
    ("header", "rows", "values"),
    [
        ("user;ts;value", ["u;{t};2.905,80", "u;{t};1.234"], [2905.8, 1234.0]),
        ("user;ts;value", ["u;{t};12,50"], [12.5]),
        ("user;ts;value", ["u;{t};1,234"], [1.234]),  # a semicolon is taken where the comma is in use
        ("user,ts,value", ['u,{t},"12,50"', 'u,{t},"1,234"'], [12.5, 1.234]),
        ("user,ts,value", ['u,{t},"1,234.50"', 'u,{t},"1,234"'], [1234.5, 1234.0]),
        ("user;ts;value;weight", ["u;{t};1.234;12,50"], [1234.0]),  # commas elsewhere
        ("user;ts;value", ["u;{t};1.234", "u;{t};5"], [1.234, 5.0]),  # no comma anywhere
        ("user,ts,value,tags", ['u,{t},3.125,"1,2"'], [3.125]),  # a list is no number
    ],
)
def test_the_numbers_show_their_mark(tmp_path, header, rows, values):
    _, chunk = read(tmp_path, header, *(row.format(t=T) for row in rows))
    assert chunk.rows["value"].to_list() == values
    assert chunk.rejected.is_empty()


def test_what_the_user_says_counts(tmp_path):
    _, chunk = read(tmp_path, "user;ts;value", f"u;{T};1.234", f"u;{T};0.5", decimal=",")
    assert chunk.rows["value"].to_list() == [1234.0]
    assert chunk.rejected["reason"].to_list() == ["bad_value"]
    assert read(tmp_path, "user,ts,value", f'u,{T},"1,234"', decimal=".")[1].rows["value"].to_list() == [1234.0]


@pytest.mark.parametrize("name", ["value", "amount"])
def test_numbers_that_may_be_either_are_asked_for_and_never_a_property_in_silence(tmp_path, name):
    with pytest.raises(MappingError, match=rf"'1,234' in column '{name}'.*--decimal ,"):
        read(tmp_path, f"user,ts,{name}", f'u,{T},"1,234"')
    source, _ = read(tmp_path, f"user,ts,{name}", f'u,{T},"1,234"', corrections={"value": "", "price": name})
    assert source.mapping.properties == ("price",)


def test_an_unknown_mark(tmp_path):
    with pytest.raises(MappingError, match="--decimal"):
        read(tmp_path, "user,ts", f"u,{T}", decimal=";")


@pytest.mark.parametrize(("lang", "words"), [("en", "comma"), ("zh", "小数点")])
def test_the_mark_is_shown_with_the_mapping(tmp_path, lang, words):
    source, _ = read(tmp_path, "user;ts;value", f"u;{T};12,50")
    with speaking(lang):
        how = dict(source.mapping.to_frame().select("target", "how").iter_rows())
    assert words in how["value"]
    assert words not in how["ts"]


def test_a_series_with_decimal_commas(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("date;sales\n2026-01-02;1.234,5\n2026-01-03;7,5\n")
    good, _ = sniff(path).table()
    assert good["y"].to_list() == [1234.5, 7.5]


def test_a_value_beyond_any_size_is_kept_out(tmp_path):
    _, chunk = read(tmp_path, "user,ts,value", *(f"u,{T},{x}" for x in ("1e308", "-2e15", "1e15", "5")))
    assert chunk.rows["value"].to_list() == [1e15, 5.0]
    assert chunk.rejected["reason"].to_list() == ["bad_value"] * 2
    typed = pl.Series([1e308, 5.0, None])
    assert [part.to_list() for part in as_number(typed)] == [[None, 5.0, None], [True, False, False]]
    for lang, words in (("en", "1e15"), ("zh", "1e15")):
        with speaking(lang):
            assert words in say("reason.bad_value")
