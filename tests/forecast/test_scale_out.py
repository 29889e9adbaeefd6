"""Forecasts of a file are those of its frame, wherever they are computed."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import DataError
from foretide.events.engine import LocalEngine
from foretide.forecast import scale_out
from foretide.forecast.frames import forecast
from foretide.forecast.scale_out import SeriesFile, forecast_file


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(90)]
    series = [pl.DataFrame({"unique_id": f"s{i:02}", "ds": days, "y": rng.poisson(5 + i, 90)}) for i in range(12)]
    place = tmp_path / "series.parquet"
    pl.concat(series).write_parquet(place, row_group_size=100)
    return place


def test_one_run_is_the_frame(path, tmp_path):
    rows = forecast_file(path, tmp_path / "out.parquet", h=5)
    told = pl.read_parquet(tmp_path / "out.parquet")
    assert rows == told.height == 60
    assert told.equals(forecast(pl.read_parquet(path), h=5).frame)


def test_runs_hold_whole_series(path, tmp_path, monkeypatch):
    monkeypatch.setattr(scale_out, "RUN_VALUES", 250)
    series = SeriesFile.open(path, 250)
    parts = [series.bucket(i) for i in series.ids]
    assert len(parts) > 3
    assert pl.concat(parts).equals(pl.read_parquet(path))
    assert sum(part["unique_id"].n_unique() for part in parts) == 12
    job = [forecast(part, h=3).frame for part in parts]
    told = LocalEngine(3).map_buckets(lambda s, i: forecast(s.bucket(i), h=3).frame, series, job[0].schema)
    assert pl.concat(told).equals(pl.concat(job))


def test_a_file_that_is_not_sorted_is_told(path, tmp_path):
    mixed = tmp_path / "mixed.parquet"
    pl.read_parquet(path).sort("ds", "unique_id").write_parquet(mixed)
    with pytest.raises(DataError, match="sort the file"):
        forecast_file(mixed, tmp_path / "out.parquet")
