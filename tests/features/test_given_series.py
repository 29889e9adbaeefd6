"""Series that were aggregated elsewhere: figures that nobody gave."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from foretide.errors import DataError, NotEnoughDataError
from foretide.features.given_series import missing_days, series_panel
from foretide.schema import SERIES


def ready(*rows):
    return pl.DataFrame([(name, date(2024, 1, day), y) for name, day, y in rows], schema=SERIES, orient="row")


def test_missing_days_are_filled_in_and_named():
    series = ready(("s", 2, 2.0), ("s", 5, 5.0), ("t", 3, 1.0), ("t", 4, None), ("t", 6, 9.0))
    told = series_panel(series)
    assert told.ids == ["s", "t"]
    np.testing.assert_array_equal(told.y, [[2, 3, 4, 5, 5], [np.nan, 1, 11 / 3, 19 / 3, 9]])
    lacking = [("s", 3), ("s", 4), ("s", 6), ("t", 4), ("t", 5)]
    assert missing_days(series).rows() == [(name, date(2024, 1, day)) for name, day in lacking]


def test_only_figures_before_the_day_of_as_of_count():
    series = ready(("s", 1, 1.0), ("s", 2, 2.0), ("s", 3, 3.0))
    assert series_panel(series, datetime(2024, 1, 3, 12, tzinfo=UTC)).y.tolist() == [[1, 2]]
    with pytest.raises(NotEnoughDataError):
        series_panel(series, datetime(2024, 1, 1, tzinfo=UTC))
    assert missing_days(series, datetime(2024, 1, 1, tzinfo=UTC)).is_empty()


def test_two_figures_for_a_day_are_refused():
    with pytest.raises(DataError, match="'s' has two figures for 2024-01-01"):
        series_panel(ready(("s", 1, 1.0), ("s", 1, 2.0)))


def test_a_day_missing_in_ready_made_series_is_not_zero():
    series = pl.DataFrame({"unique_id": "s", "ds": [date(2024, 1, 1), date(2024, 1, 3)], "y": [2.0, 4.0]})
    assert series_panel(series).y.tolist() == [[2.0, 3.0, 4.0]]
