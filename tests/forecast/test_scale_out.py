"""Forecasts of a file are those of its frame, wherever it is cut and wherever they are computed."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import DataError, MappingError, UnreadableFileError, UsageError
from foretide.events.engine import LocalEngine
from foretide.forecast import scale_out
from foretide.forecast.frames import forecast, panel_of
from foretide.forecast.scale_out import SeriesFile, forecast_file, panel_of_run

BEGIN = date(2024, 1, 1)
N_SERIES, N_DAYS = 12, 90
ENDS = {f"s{i:02}": BEGIN + timedelta(days=60 + 2 * i) for i in range(N_SERIES)}


def counts():
    days = [BEGIN + timedelta(days=n) for n in range(N_DAYS)]
    rng = np.random.default_rng(0)
    return pl.concat(
        pl.DataFrame({"unique_id": f"s{i:02}", "ds": days, "y": rng.poisson(5 + i, N_DAYS)}) for i in range(N_SERIES)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cut")


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "series.parquet"
    counts().write_parquet(place, row_group_size=100)
    return place


def test_one_run_is_the_frame(path, tmp_path):
    rows = forecast_file(path, tmp_path / "out.parquet", h=5)
    told = pl.read_parquet(tmp_path / "out.parquet")
    assert rows == told.height == 60
    assert told.equals(forecast(pl.read_parquet(path), h=5).frame)


def test_runs_hold_whole_series(path):
    series = SeriesFile.open(path, run_values=250)
    parts = [series.bucket(i) for i in series.ids]
    assert [part["unique_id"].n_unique() for part in parts] == [2] * 6
    assert pl.concat(parts).equals(pl.read_parquet(path))


def test_series_that_end_early_are_forecast_from_the_end_of_all(tmp_path, monkeypatch):
    ends = pl.DataFrame({"unique_id": list(ENDS), "end": list(ENDS.values())})
    frame = counts().join(ends, on="unique_id", maintain_order="left").filter(pl.col("ds") <= pl.col("end")).drop("end")
    frame.write_parquet(tmp_path / "series.parquet")
    monkeypatch.setattr(scale_out, "RUN_VALUES", 250)  # two or three series a run
    forecast_file(tmp_path / "series.parquet", tmp_path / "out.parquet", h=3, engine=LocalEngine(2))
    told = pl.read_parquet(tmp_path / "out.parquet")
    after = max(ENDS.values()) + timedelta(days=1)
    assert told.select("unique_id", "ds").equals(forecast(frame, h=3).frame.select("unique_id", "ds"))
    assert told["ds"].unique().sort().to_list() == [after + timedelta(days=n) for n in range(3)]
    first = frame.filter(pl.col("unique_id").is_in(["s00", "s01", "s02"]))
    assert told[:9].equals(forecast(first, h=3, until=after).frame)


ragged = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 30), st.sampled_from([1, 2, 7])), min_size=1, max_size=6
)  # of each series: days until it begins, figures, days from one figure to the next


@settings(max_examples=30)
@given(
    shapes=ragged,
    series_a_run=st.integers(1, 6),
    until=st.none() | st.integers(41, 400),
    gaps=st.sampled_from(["last", "zero"]),
)
def test_what_is_learnt_from_is_the_same_wherever_the_file_is_cut(folder, shapes, series_a_run, until, gaps):
    days = [[BEGIN + timedelta(days=late + step * n) for n in range(size)] for late, size, step in shapes]
    frame = pl.concat(pl.DataFrame({"unique_id": f"s{i}", "ds": ds, "y": i + 0.5}) for i, ds in enumerate(days))
    end = None if until is None else BEGIN + timedelta(days=until)
    whole, grid = panel_of(frame, gaps, end)
    frame.write_parquet(folder / "series.parquet")
    series = SeriesFile.open(folder / "series.parquet", end, series_a_run * grid.n_steps)
    assert series.grid == grid
    panels = [panel_of_run(series, i, grid, end, gaps) for i in series.ids]
    assert len(panels) == -(-len(shapes) // series_a_run)
    assert [name for panel in panels for name in panel.ids] == whole.ids
    np.testing.assert_array_equal(np.concatenate([panel.y for panel in panels]), whole.y)


def test_series_without_a_figure_have_no_forecast(path, tmp_path, monkeypatch):
    y = pl.when(pl.col("unique_id") >= "s10").then("y")
    pl.read_parquet(path).with_columns(y).write_parquet(path)
    monkeypatch.setattr(scale_out, "RUN_VALUES", 100)  # one series a run
    assert forecast_file(path, tmp_path / "out.parquet", h=2, season_length=7) == 4
    assert pl.read_parquet(tmp_path / "out.parquet")["unique_id"].unique().sort().to_list() == ["s10", "s11"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda frame: frame.sort("ds", "unique_id"), DataError, "sort the file"),
        (lambda frame: frame.drop("y"), MappingError, "'y'"),
        (lambda frame: frame[:0], DataError, "no row"),
    ],
)
def test_a_file_that_is_no_series_is_told(path, tmp_path, change, error, said):
    change(pl.read_parquet(path)).write_parquet(path)
    with pytest.raises(error, match=said):
        forecast_file(path, tmp_path / "out.parquet")


def test_what_cannot_be_read_or_written_is_told_and_leaves_nothing(path, tmp_path):
    (tmp_path / "text.parquet").write_text("unique_id,ds,y")
    for wrong in ("nowhere.parquet", "text.parquet"):
        with pytest.raises(UnreadableFileError, match=wrong):
            forecast_file(tmp_path / wrong, tmp_path / "out.parquet")
    with pytest.raises(UsageError, match="no folder"):
        forecast_file(path, tmp_path / "nowhere" / "out.parquet")
    with pytest.raises(UsageError, match="oracle"):
        forecast_file(path, tmp_path / "out.parquet", models=["oracle"])
    assert {file.name for file in tmp_path.iterdir()} == {"series.parquet", "text.parquet"}


def test_holidays_and_events_are_those_of_the_frame(path, tmp_path):
    fair = pl.DataFrame({"event": "fair", "ds": [BEGIN + timedelta(days=n) for n in (20, 50, 80, 92)]})
    forecast_file(path, tmp_path / "out.parquet", h=5, models=(), events=fair, holidays="DE")
    told = forecast(pl.read_parquet(path), h=5, models=(), events=fair, holidays="DE").frame
    assert pl.read_parquet(tmp_path / "out.parquet").equals(told)


def test_trees_learn_once_from_series_all_over_the_file(tmp_path, monkeypatch):
    """Counts that are high in every other week; four series, a run, are too few to learn that from."""
    t = np.arange(196)
    mean = np.linspace(40, 90, 12)[:, None] * (1 + 0.3 * np.sin(2 * np.pi * t / 7)) * np.where(t // 7 % 2, 1.5, 0.7)
    y = np.random.default_rng(3).poisson(mean)
    days = [BEGIN + timedelta(days=n) for n in range(182)]
    parts = [pl.DataFrame({"unique_id": f"s{i:02}", "ds": days, "y": y[i, :182]}) for i in range(12)]
    pl.concat(parts).write_parquet(tmp_path / "series.parquet")
    monkeypatch.setattr(scale_out, "RUN_VALUES", 4 * 182)
    errors = []
    for name, models in (("trees", ("lightgbm",)), ("fast", ())):
        forecast_file(tmp_path / "series.parquet", tmp_path / name, h=14, season_length=7, models=models)
        told = pl.read_parquet(tmp_path / name)["median"].to_numpy().reshape(12, 14)
        errors.append(np.abs(np.log(told / mean[:, 182:])).mean())
    assert errors[0] < 0.5 * errors[1]
