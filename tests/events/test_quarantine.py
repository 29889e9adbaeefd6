"""Rejected rows are kept, each once, and summed up by reason."""

from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretide.events import quarantine
from foretide.schema import QUARANTINE

ROWS = st.tuples(st.sampled_from(["f", "g"]), st.none() | st.integers(1, 3), st.sampled_from(["x", "y"]), st.text())


def rejected(*rows, day=1):
    """Return ``source, line, reason, raw`` as rejected rows."""
    moment = datetime(2025, 1, day, tzinfo=UTC)
    return pl.DataFrame([(*row, moment) for row in rows], schema=QUARANTINE, orient="row")


def kept(folder):
    return pl.read_parquet(DeltaTable(folder / "quarantine").file_uris())


@given(st.lists(ROWS, min_size=1, max_size=6, unique=True), st.lists(ROWS, max_size=6, unique=True))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_quarantine_is_the_union_of_what_came(tmp_path_factory, before, after):
    folder = tmp_path_factory.mktemp("q")
    quarantine.keep(folder, [rejected(*before)])
    quarantine.keep(folder, [rejected(*after[:2], day=2), rejected(*after[2:], day=2)])
    told = kept(folder).select(quarantine.SAME).rows()
    assert len(told) == len(set(told))
    assert set(told) == {*before, *after}


def test_the_first_row_of_each_reason_is_the_example(tmp_path):
    quarantine.keep(tmp_path, [rejected(("f", 9, "bad_ts", "i"), ("f", 4, "bad_ts", "h"), ("f", 5, "no_user", "k"))])
    quarantine.keep(tmp_path, [rejected(("e", 1, "bad_ts", "later"), day=2)])
    told = quarantine.by_reason(tmp_path).select("reason", "count", "line", "raw").rows()
    assert told == [("bad_ts", 3, 4, "h"), ("no_user", 1, 5, "k")]


def test_nothing_is_kept_of_nothing(tmp_path):
    quarantine.keep(tmp_path, [])
    assert not (tmp_path / "quarantine").exists()
    assert quarantine.by_reason(tmp_path).is_empty()


@pytest.mark.parametrize("line", [None, 7])
def test_the_moment_of_the_import_makes_no_difference(tmp_path, line):
    for day in (1, 2):
        quarantine.keep(tmp_path, [rejected(("f", line, "bad_ts", "soon"), day=day)])
    assert kept(tmp_path)["imported_at"].to_list() == [datetime(2025, 1, 1, tzinfo=UTC)]
