"""Series and their sums: what is forecast adds up."""

import numpy as np
import polars as pl
import pytest

import foretide.forecast
from foretide.errors import UsageError


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 6, 30), eager=True)
    means = {"a": 40.0, "b": 10.0, "c": 4.0, "d": 0.2}
    return pl.concat(
        pl.DataFrame({"unique_id": name, "ds": days, "y": rng.poisson(mean, days.len()).astype(float)})
        for name, mean in means.items()
    )


GROUPS = pl.DataFrame({"unique_id": ["a", "b", "c", "d"], "group": ["x", "x", "y", "y"]})


def test_means_of_the_parts_add_up_to_those_of_the_whole(frame):
    told = foretide.forecast(frame, 14, hierarchy=GROUPS)
    mean = told.frame.pivot("unique_id", index="ds", values="mean")
    np.testing.assert_allclose(mean["a"] + mean["b"], mean["group=x"])
    np.testing.assert_allclose(mean["c"] + mean["d"], mean["group=y"])
    np.testing.assert_allclose(mean["group=x"] + mean["group=y"], mean["total"])
    assert mean["total"].mean() == pytest.approx(54.2, rel=0.05)
    made_of = told.parts.select("level", "trend", "season", "event", "covariate", "rest").sum_horizontal()
    np.testing.assert_allclose(made_of, told.frame["median"], atol=1e-9)
    wide = told.frame
    assert (wide["lo-95"] <= wide["lo-80"]).all()
    assert ((wide["lo-80"] <= wide["median"]) & (wide["median"] <= wide["hi-80"])).all()
    assert (wide["lo-80"] == wide["lo-80"].round()).all()


def test_a_series_without_a_place_is_an_error(frame):
    with pytest.raises(UsageError, match="have no series"):
        foretide.forecast(frame.filter(pl.col("unique_id") != "d"), 7, hierarchy=GROUPS)


def test_a_series_that_is_in_no_group_is_an_error(frame):
    with pytest.raises(UsageError, match="1 series have no row in the hierarchy, the first is d"):
        foretide.forecast(frame, 7, hierarchy=GROUPS.filter(pl.col("unique_id") != "d"))


def test_a_leaf_that_is_called_as_the_sum_is_an_error(frame):
    renamed = frame.with_columns(pl.col("unique_id").replace("d", "total"))
    with pytest.raises(UsageError, match="rename"):
        foretide.forecast(renamed, 7, hierarchy=GROUPS.with_columns(pl.col("unique_id").replace("d", "total")))


def test_a_leaf_without_a_figure_is_left_out(frame):
    silent = frame.with_columns(y=pl.when(pl.col("unique_id") != "d").then("y"))
    told = foretide.forecast(silent, 7, hierarchy=GROUPS, models=())
    assert "series_left_out" in told.notes
    without = frame.filter(pl.col("unique_id") != "d")
    assert told.frame.equals(foretide.forecast(without, 7, hierarchy=GROUPS[:3], models=()).frame)


def test_no_sum_falls_because_a_leaf_is_not_known(frame):
    """One of two equal leaves is unknown for the last three weeks: the sum of both is still that of both."""
    level = frame.with_columns(y=pl.col("unique_id").replace_strict({"a": 40.0, "b": 10.0, "c": 4.0, "d": 4.0}))
    ended = level.filter((pl.col("unique_id") != "b") | (pl.col("ds") < pl.date(2024, 6, 10)))
    told = foretide.forecast(ended, 7, hierarchy=GROUPS, models=()).frame
    np.testing.assert_allclose(told.filter(unique_id="total")["mean"], 58.0, rtol=0.02)
    np.testing.assert_allclose(told.filter(unique_id="group=x")["mean"], 50.0, rtol=0.02)


def test_the_command_tells_a_total(foretide, shop):
    told = foretide("forecast", "events", "--by", "category", "--total", "-w", shop, "-h", "3", "--format", "csv")
    assert told.code == 0, told.err
    mean = pl.read_csv(told.out.encode()).pivot("unique_id", index="ds", values="mean")
    np.testing.assert_allclose(mean.drop("ds", "total").sum_horizontal(), mean["total"])
