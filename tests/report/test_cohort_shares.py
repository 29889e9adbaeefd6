"""Shares of cohorts: merged and pooled they stay sums over the same users."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from foretide.report.cohort_shares import (
    EXACT,
    MAX_COHORTS,
    OR_LATER,
    TIME_LEFT_DAYS,
    WITHIN,
    all_kinds,
    cohorts,
    kind_map,
    pooled,
    returned,
)
from foretide.schema import RETENTION

DAY = date(2024, 1, 1)


@each(st.integers(2, 70))
def test_merged_cohorts_are_few_and_complete(n_weeks):
    rows = [
        (DAY + timedelta(weeks=c), age, 10, 10 if age == 0 else 5) for c in range(n_weeks) for age in range(n_weeks - c)
    ]
    table, span = cohorts(pl.DataFrame(rows, schema=RETENTION, orient="row"))
    assert table["cohort"].n_unique() <= MAX_COHORTS
    assert table["share"].to_list() == pytest.approx([0.5] * len(table))
    assert table["users"].max(), span == 10 * min(span, n_weeks)


def test_who_returned_is_counted_over_all_cohorts(data):
    rows = [row for row in data.retention.iter_rows(named=True) if row["age"] == 4]
    assert returned(data.retention, 4) == (sum(r["retained"] for r in rows), sum(r["users"] for r in rows))


@pytest.fixture
def counts(data):
    return all_kinds(data.retention_by_day, data.last_day)


def test_an_age_is_pooled_over_all_who_reached_it(data, counts):
    everyone = {row["cohort"]: row["users"] for row in counts.iter_rows(named=True)}
    table = pooled(counts)
    assert set(table["kind"]) == {EXACT, WITHIN, OR_LATER}
    for row in table.iter_rows(named=True):
        known = counts.filter(kind=row["kind"], age=row["age"]).rows(named=True)
        assert row["share"] == pytest.approx(sum(k["retained"] for k in known) / sum(k["users"] for k in known))
        assert row["users"] >= sum(everyone.values()) / 2


def test_a_late_age_that_few_have_reached_is_not_pooled(data):
    first = data.retention_by_day[EXACT]["cohort"].min()
    late = pl.DataFrame([(first, 364, 10, 9)], schema=RETENTION, orient="row")
    kinds = {EXACT: pl.concat([data.retention_by_day[EXACT], late])}
    assert 364 not in pooled(all_kinds(kinds, data.last_day))["age"]


def test_coming_back_later_is_told_of_those_who_had_the_time(data, counts):
    later = counts.filter(pl.col("kind") == OR_LATER, pl.col("age") > 0)
    assert later.height
    for row in later.iter_rows(named=True):
        last_comer = row["cohort"] + timedelta(days=6 + row["age"])
        assert (data.last_day - last_comer).days >= TIME_LEFT_DAYS
    assert later.height < data.retention_by_day[OR_LATER].filter(pl.col("age") > 0).height


def test_the_columns_of_the_map_go_by_the_way_of_counting(counts):
    cells, span = kind_map(counts)
    assert span > 1
    order = cells.unique("place").sort("place")["days"].to_list()
    assert order == ["1", "7", "28", "1–7", "8–14", "15–28", "28+"]
    (cell,) = cells.filter(days="8–14").sort("cohort").head(1).iter_rows(named=True)
    end = cell["cohort"] + timedelta(weeks=span)
    own = counts.filter(pl.col("kind") == WITHIN, pl.col("age") == 8, pl.col("cohort") < end)
    assert (cell["users"], cell["retained"]) == (own["users"].sum(), own["retained"].sum())
