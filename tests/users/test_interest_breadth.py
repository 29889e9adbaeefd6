"""Breadth ahead: windows counted by hand, chances that hold, planted explorers told apart, stated fallbacks."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.users.backtest import trial
from foretide.users.examples import examples, of_pairs
from foretide.users.interest_breadth import BreadthModel, breadth, breadth_ahead, rates, with_breadth

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = BEGIN + timedelta(days=170)
RULE = LifecycleRule()


def frame(rows):
    """Make a log of (user, category, days after BEGIN)."""
    events = [(user, category, BEGIN + timedelta(days=float(day))) for user, category, day in rows]
    schema = {"user_id": pl.String, "category": pl.String, "ts": pl.Datetime("us", "UTC")}
    table = pl.DataFrame(events, schema=schema, orient="row")
    return FrameBuckets(table.with_columns(value=1.0, event_type=pl.lit("view")))


def people(n_users, rng, n_days=200):
    """Make explorers, who draw from sixty categories, and creatures of habit, who draw from two."""
    rows = []
    for user in range(n_users):
        days = np.sort(rng.uniform(0, n_days, rng.integers(5, 40)))
        pool = rng.choice(60, 60 if user % 2 else 2, replace=False)
        drawn = rng.choice(pool, days.size)
        rows += [(f"u{user:04}", f"c{category:02}", day) for category, day in zip(drawn, days, strict=True)]
    return frame(rows)


@pytest.fixture(scope="module")
def log():
    return people(900, np.random.default_rng(1))


@pytest.fixture(scope="module")
def told(log):
    test = trial(BEGIN, AS_OF, 28, "UTC")
    rows = with_breadth(examples(log, test.pairs, RULE), log, test.pairs, RULE)
    seen, asked = of_pairs(rows, test.training), of_pairs(rows, [test.test])
    p_inactive = np.full(asked.height, asked["inactive"].mean())
    return asked, BreadthModel(28).fit(seen), p_inactive


def test_a_window_counted_by_hand():
    events = [("a", "x", 1), ("a", "x", 10), ("a", "y", 11), ("a", "y", 12), ("a", "z", 13), ("b", "x", 30)]
    (table,) = breadth(frame(events), [(BEGIN + timedelta(days=10), BEGIN + timedelta(days=13))])
    share = np.array([1, 2]) / 3
    assert table.rows() == [("a", pytest.approx(np.exp(-(share * np.log(share)).sum())), True)]
    (later,) = breadth(frame(events), [(BEGIN + timedelta(days=12), BEGIN + timedelta(days=13))])
    assert later.rows() == [("a", pytest.approx(1.0), False)]


def test_what_is_new_on_the_day_before_the_horizon_is_not_new_in_it():
    log = frame([("a", "x", 1), ("a", "y", 10.5), ("a", "y", 12)])
    ahead = breadth_ahead(log, [(BEGIN + timedelta(days=10), 7), (BEGIN + timedelta(days=9), 7)])
    assert ahead["entered_ahead"].to_list() == [False, True]


def test_chances_and_breadths_hold_their_bounds(told):
    asked, model, p_inactive = told
    ahead = model.predict(asked, p_inactive)
    assert (ahead["expected_hill_1"] >= 1).all()
    assert ahead["p_new_category"].is_between(0, 1).all()
    assert (ahead["p_new_category"] <= 1 - p_inactive[0]).all()  # every event is activity here
    certain = model.predict(asked, np.ones(asked.height))
    assert (certain["p_new_category"] == 0).all()


def test_explorers_are_told_from_creatures_of_habit(told):
    asked, model, p_inactive = told
    ahead = pl.concat([asked, model.predict(asked, p_inactive)], how="horizontal")
    explorer = ahead["user_id"].str.slice(1).cast(pl.Int32) % 2 == 1
    wide, narrow = ahead.filter(explorer), ahead.filter(~explorer)
    assert wide["p_new_category"].mean() > 5 * narrow["p_new_category"].mean()
    assert wide["p_new_category"].mean() == pytest.approx(wide["entered_ahead"].mean(), abs=0.08)
    for group in (wide, narrow):
        came = group.filter(pl.col("hill_1_ahead").is_not_null())
        assert came["expected_hill_1"].mean() == pytest.approx(came["hill_1_ahead"].mean(), rel=0.1)


def test_nothing_after_as_of_matters(log):
    test = trial(BEGIN, AS_OF, 28, "UTC")
    cut = FrameBuckets(log.frame.filter(pl.col("ts") < AS_OF))
    both = [with_breadth(examples(seen, test.pairs, RULE), seen, test.pairs, RULE) for seen in (log, cut)]
    assert_frame_equal(*both, rel_tol=1e-9)


def test_a_longer_horizon_than_was_learnt_makes_the_chance_larger(told):
    asked, model, _ = told
    longer = BreadthModel(56)
    longer.__dict__.update(model.__dict__ | {"horizon_days": 56})
    nobody_idle = np.zeros(asked.height)
    p, q = (m.predict(asked, nobody_idle)["p_new_category"].to_numpy() for m in (model, longer))
    assert q == pytest.approx(1 - (1 - p) ** 2)


def test_few_examples_fall_back_to_the_rate_of_the_stage(log):
    test = trial(BEGIN, AS_OF, 28, "UTC")
    rows = with_breadth(examples(log, test.pairs, RULE), log, test.pairs, RULE)
    few = rows.filter(pl.col("entered_ahead")).head(10)
    model = BreadthModel(28).fit(pl.concat([few, rows.filter(~pl.col("entered_ahead")).head(20)]))
    told = model.predict(few, np.zeros(few.height))
    assert model.enters_ is None
    assert (
        told.with_columns(few["stage"])
        .group_by("stage")
        .agg(pl.col("p_new_category").n_unique())["p_new_category"]
        .to_list()
        == [1] * few["stage"].n_unique()
    )


def test_rates_are_drawn_to_those_of_all():
    rows = pl.DataFrame({"stage": ["new", "new", "active"], "entered_ahead": [True, False, False]})
    everyone = (1 + 1) / (3 + 2)
    assert rates(rows)[:3] == pytest.approx([(1 + 10 * everyone) / 12, everyone, 10 * everyone / 11])
    assert (rates(rows.filter(~pl.col("entered_ahead"))) == 0).all()


def test_without_categories_nothing_is_said(log):
    bare = FrameBuckets(log.frame.with_columns(category=pl.lit(None, pl.String)))
    test = trial(BEGIN, AS_OF, 28, "UTC")
    rows = with_breadth(examples(bare, test.pairs, RULE), bare, test.pairs, RULE)
    told = BreadthModel(28).fit(rows).predict(rows, np.full(rows.height, 0.3))
    assert told.null_count().row(0) == (rows.height, rows.height)
