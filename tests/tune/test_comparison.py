"""Models beside each other on the folds: beside the simple rates, blind to the test, and frank about a short log."""

from datetime import timedelta

import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.text import say
from foretide.tune.comparison import COMPARED, beaten, compare, of_models
from foretide.tune.folds import cutoff_of_test
from foretide.tune.run import Budget, tune
from foretide.users.backtest import POPULATION_RATE, STAGE_RATE
from tune.visits import START, log, visits

AS_OF = START + timedelta(days=120)
HORIZON = 14
UNTIL = cutoff_of_test(AS_OF, HORIZON, "UTC")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return compare(log(), AS_OF, tmp_path_factory.mktemp("shop"), ["tree", "glm", "bgnbd"], HORIZON)


def test_models_stand_beside_the_simple_rates_the_best_first(compared):
    assert compared.table.schema == COMPARED
    assert compared.table["log_loss"].is_sorted()
    assert set(compared.table["model"]) == {"tree", "glm", "bgnbd", STAGE_RATE, POPULATION_RATE}
    assert set(of_models(compared.table)["model"]) == {"tree", "glm", "bgnbd"}
    assert compared.until == UNTIL
    assert compared.notes == ()


def test_nothing_from_the_test_cutoff_on_changes_a_comparison_or_a_search(compared, tmp_path):
    before = visits().filter(pl.col("ts") < UNTIL)
    other = FrameBuckets(pl.concat([before, visits(n_users=400, seed=9).filter(pl.col("ts") >= UNTIL)]))
    again = compare(other, AS_OF, tmp_path, ["tree", "glm", "bgnbd"], HORIZON)
    assert again.table.drop("seconds").equals(compared.table.drop("seconds"))
    boards = []
    for name, buckets in (("one", log()), ("two", other)):
        (tmp_path / name).mkdir()
        told = tune(buckets, AS_OF, tmp_path / name, "tree", HORIZON, budget=Budget(3), search="random")
        boards.append(told.trials.drop("seconds"))
    assert boards[0].equals(boards[1])


def test_tuned_settings_are_used(compared, tmp_path):
    found = tune(log(), AS_OF, tmp_path, "tree", HORIZON, budget=Budget(6), search="grid")
    assert found.best
    row = of_models(compare(log(), AS_OF, tmp_path, ["tree"], HORIZON).table)
    assert row["log_loss"].item() == pytest.approx(found.trials["log_loss"][0])
    assert row["log_loss"].item() < compared.table.filter(model="tree")["log_loss"].item()


@pytest.mark.parametrize(("horizon", "days", "folds"), [(45, 19, 3), (100, 6, 1)])
def test_a_log_too_short_for_the_horizon_is_told(tmp_path, horizon, days, folds):
    notes = compare(log(), AS_OF, tmp_path, ["glm"], horizon).notes
    assert say("tune.shorter", asked=horizon, days=days) in notes
    assert (say("tune.one_fold") in notes) == (folds == 1)


@pytest.mark.parametrize("active", [True, False])
def test_one_outcome_only_is_told(active, tmp_path):
    """All come every other day, or nobody ever comes back: no model has anything to learn from."""
    days = visits().select("user_id").unique().join(pl.DataFrame({"day": range(0, 120, 2)}), how="cross")
    daily = days.with_columns(
        ts=(pl.lit(START) + pl.duration(days="day", hours=9)).cast(pl.Datetime("us", "UTC")),
        event_type=pl.lit("visit"),
        value=pl.lit(1.0),
        category=pl.lit(None, pl.String),
    )
    once = daily.filter(pl.col("day") == 0)
    buckets = FrameBuckets(daily if active else once)
    for told in (
        compare(buckets, AS_OF, tmp_path, ["glm", "tree"], HORIZON),
        tune(buckets, AS_OF, tmp_path, "glm", HORIZON, budget=Budget(2), search="grid"),
    ):
        assert say("tune.stage_rates") in told.notes


def test_a_rate_that_beats_all_models_is_told():
    rows = [(STAGE_RATE, 0.3), ("glm", 0.4), (POPULATION_RATE, 0.5)]
    table = pl.DataFrame([(name, loss, loss, 1.0, "{}") for name, loss in rows], schema=COMPARED, orient="row")
    assert beaten(table) == [
        say("tune.no_better", model="glm", baseline=STAGE_RATE, loss="0.4000", rate="0.3000"),
    ]
    assert beaten(table[1:]) == []


def test_an_unknown_name_is_refused(tmp_path):
    for wrong in ("oracle", "", STAGE_RATE):
        with pytest.raises(UsageError, match="no model"):
            compare(log(n_users=5), AS_OF, tmp_path, [wrong], HORIZON, LifecycleRule())
