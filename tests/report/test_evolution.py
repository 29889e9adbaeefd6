"""The sections on change: what they say is what their tables hold."""

from dataclasses import replace

import polars as pl

from foretide.report.evolution import chances, changes, moves
from foretide.text import speaking


def test_the_moves_of_each_stage_add_up(data):
    known = chances(data.moves)
    assert known.group_by("stage").agg(pl.col("chance").sum())["chance"].round(9).unique().to_list() == [1.0]
    assert known["users"].sum() == data.moves.drop_nulls("stage")["users"].sum()
    with speaking("en"):
        section = moves(data)
    (row,) = known.filter(stage="active", next_stage="active").iter_rows(named=True)
    assert f"Of {row['of']} users who were active" in section.sentence
    assert f"{row['chance']:.0%}".removesuffix("%") in section.sentence


def test_a_log_in_which_nobody_was_there_before_has_no_moves(data):
    with speaking("en"):
        assert moves(replace(data, moves=data.moves.with_columns(users=pl.lit(0)))) is None


def test_changed_users_are_counted_and_their_way_is_told(data):
    with speaking("en"):
        section = changes(data)
    assert "2 changes of level" in section.sentence
    by_rate, moved = section.tables
    assert moved.rows == (("Soup", "Fruit & vegetables", "2"),)
    assert [row[1] for row in by_rate.rows] == ["users with an event a day", "share of Soup"]


def test_nothing_changed(data):
    quiet = data.drift.with_columns(changed=pl.lit(value=False))
    with speaking("en"):
        section = changes(replace(data, change_points=data.change_points.clear(), drift=quiet))
    assert section.sentence.startswith("No rate of the population changed its level.")
    assert section.tables == ()


def test_without_any_of_its_tables_the_section_is_left_out(data):
    assert changes(replace(data, change_points=None, drift=None, habit_drift=None)) is None


def test_a_rate_that_rose_from_nothing_is_told_by_its_levels(data):
    from_zero = data.change_points.with_columns(before=pl.lit(0.0), after=pl.lit(50.0), ratio=pl.lit(None, pl.Float64))
    with speaking("en"):
        section = changes(replace(data, change_points=from_zero))
    assert "from 0" in section.sentence
    assert "fewer" not in section.sentence
