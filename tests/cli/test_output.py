"""How answers are printed for a person."""

import polars as pl

from foretide.cli.output import n_that_fit, print_table, readable_column


def test_counts_have_no_fraction_whatever_their_type():
    assert readable_column(pl.Series([12.0, None, 1234.0])) == ["12", "", "1,234"]
    assert readable_column(pl.Series([12.0, float("nan"), -3.0])) == ["12", "nan", "-3"]
    assert readable_column(pl.Series([12, None])) == ["12", ""]


def test_other_numbers_of_a_column_are_written_alike():
    assert readable_column(pl.Series([1.0, 0.25])) == ["1.000", "0.250"]
    assert readable_column(pl.Series([True, None])) == ["True", ""]


def test_a_table_without_rows_has_its_columns(capsys):
    print_table(pl.DataFrame(schema={"user_id": pl.String, "n_events": pl.Float64}))
    assert capsys.readouterr().out.split() == ["user_id", "n_events"]


def test_a_title_is_not_folded_to_the_width_of_its_table(capsys):
    title = "What is told of all users, in a sentence that is longer than the table"
    print_table(pl.DataFrame({"n": [1]}), title)
    assert capsys.readouterr().out.splitlines()[0].rstrip() == title


def test_chinese_characters_take_two_places():
    rows = [["ab", "cd"], ["四个汉字", "x"]]
    assert n_that_fit(rows, 12) == 2
    assert n_that_fit(rows, 11) == 1
