"""The outlook end to end: a known population, laws of the answer, and awkward questions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import NotEnoughDataError, UnknownIdError, UsageError
from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.outlook import outlook
from foretide.schema import EVENTS, OUTLOOK, STAGES
from foretide.text import LANGUAGES, say, speaking
from foretide.users.scores import QUALITY, calibration_error
from foretide.users.targets import targets

START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = START + timedelta(days=210)
RULE = LifecycleRule()


def simulated(n_users, n_days, seed):
    """Make a log of users who come, are active as a Poisson process of their own rate, and drop out."""
    rng = np.random.default_rng(seed)
    born = rng.uniform(0, n_days * 0.9, n_users)
    rate = rng.gamma(1.0, 0.12, n_users)  # events a day
    died = born + rng.exponential(120, n_users)
    rows = []
    for user in range(n_users):
        alive = min(died[user], n_days) - born[user]
        days = born[user] + np.append(0, rng.uniform(0, alive, rng.poisson(rate[user] * alive)))
        rows += [(f"u{user:04}", day) for day in days]
    users, days = zip(*rows, strict=True)
    return events(users, np.array(days), rng.choice(["books", "films", "music"], len(rows)))


def events(users, days, categories):
    """Make a log of events ``days`` after START."""
    frame = pl.DataFrame({"user_id": list(users), "category": list(categories)})
    ts = pl.Series("ts", [START + timedelta(days=float(day)) for day in days], dtype=EVENTS["ts"])
    frame = frame.with_columns(ts, event_type=pl.lit("visit"), value=pl.lit(1.0))
    return FrameBuckets(frame)


@pytest.fixture(scope="module")
def log():
    return simulated(2500, 250, seed=1)


@pytest.fixture(scope="module")
def told(log):
    return outlook(log, AS_OF, 28)


def test_every_user_known_has_a_row(log, told):
    assert told.users.schema == OUTLOOK
    known = log.frame.filter(pl.col("ts") < AS_OF)["user_id"].unique().sort()
    assert told.users["user_id"].to_list() == known.to_list()
    assert set(told.users["stage"]) <= set(STAGES)
    assert told.users["as_of"].unique().to_list() == [AS_OF]
    assert set(told.interests["user_id"]) == set(known)


def test_chances_and_active_days_come_true(log, told):
    happened = targets(log, [AS_OF], 28, RULE).drop("as_of").join(told.users, on="user_id")
    y = happened["inactive"].to_numpy().astype(float)
    p = happened["p_inactive"].to_numpy()
    assert calibration_error(y, p) < 0.035
    assert p.mean() == pytest.approx(y.mean(), abs=0.02)
    days = happened["expected_active_days"]
    assert days.mean() == pytest.approx(happened["active_days"].mean(), rel=0.08)
    assert np.corrcoef(days, happened["active_days"])[0, 1] > 0.65


def test_the_backtest_beats_the_simple_rates(told):
    assert told.quality.schema == QUALITY
    for stage in ("all", "eligible"):
        loss = dict(told.quality.filter(pl.col("stage") == stage).select("model", "log_loss").iter_rows())
        assert loss["foretide"] < loss["stage rate"] - 0.02
        assert loss["stage rate"] < loss["population rate"]
    assert told.notes == ()


def test_answers_keep_their_bounds(told):
    users = told.users
    assert users["p_inactive"].is_between(0, 1).all()
    assert (users["expected_active_days"] >= 1 - users["p_inactive"] - 1e-12).all()
    assert (users["expected_active_days"] <= 28).all()


def test_nothing_after_the_moment_changes_the_answer_nor_does_the_order_of_rows(log, told):
    newcomers = log.frame.with_columns(user_id="new" + pl.col("user_id")).filter(pl.col("ts") >= AS_OF)
    frame = pl.concat([log.frame, newcomers]).sample(fraction=1, shuffle=True, seed=7)
    again = outlook(FrameBuckets(frame), AS_OF, 28)
    same(again, told)
    before = outlook(FrameBuckets(log.frame.filter(pl.col("ts") < AS_OF)), AS_OF, 28)
    same(before, told)


@dataclass
class Split:
    """A log whose users are spread over three buckets."""

    frame: pl.DataFrame
    timezone: str = "UTC"
    ids = (0, 1, 2)

    def bucket(self, i, columns=None, until=None):
        rows = self.frame.filter(pl.col("user_id").str.tail(2).cast(pl.Int64) % 3 == i)
        return FrameBuckets(rows).bucket(0, columns, until)


def test_breadth_of_interests_comes_true(log, told):
    begin, end = AS_OF + timedelta(days=1), AS_OF + timedelta(days=29)
    ahead = log.frame.filter(pl.col("ts") >= begin, pl.col("ts") < end).select("user_id", "category").unique()
    before = log.frame.filter(pl.col("ts") < AS_OF).select("user_id", "category").unique()
    entered = ahead.join(before, on=["user_id", "category"], how="anti")["user_id"].unique()
    chances = told.further.with_columns(entered=pl.col("user_id").is_in(entered.to_list()))
    assert chances["p_new_category"].is_between(0, 1).all()
    assert chances["p_new_category"].mean() == pytest.approx(chances["entered"].mean(), abs=0.015)
    likely = chances.filter(pl.col("p_new_category") > chances["p_new_category"].quantile(0.9))
    assert likely["entered"].mean() > 2 * chances["entered"].mean()
    kinds = ahead.join(chances.select("user_id"), on="user_id").group_by("user_id").len()
    said = told.further.join(kinds, on="user_id")
    assert chances["expected_hill_1"].is_between(1, 3.2).all()
    assert np.corrcoef(said["expected_hill_1"], said["len"])[0, 1] > 0.4


def test_buckets_make_no_difference(log, told):
    same(outlook(Split(log.frame), AS_OF, 28), told)


def test_of_many_users_only_some_buckets_are_learnt_from(log, told, monkeypatch):
    monkeypatch.setattr("foretide.users.examples.TRAINING_USERS", 1000)
    asked = outlook(Split(log.frame), AS_OF, 28)
    assert asked.users["user_id"].equals(told.users["user_id"])
    assert asked.users["p_inactive"].to_numpy() == pytest.approx(told.users["p_inactive"].to_numpy(), abs=0.2)
    n = asked.quality.filter(pl.col("stage") == "all")["n"][0]
    assert 1000 < n < told.quality.filter(pl.col("stage") == "all")["n"][0]


def same(one, other):
    """Assert that two outlooks say the same, up to rounding."""
    for a, b in ((one.told, other.told), (one.quality, other.quality)):
        assert a.select(pl.exclude(pl.Float64)).equals(b.select(pl.exclude(pl.Float64)))
        assert a.select(pl.col(pl.Float64)).to_numpy() == pytest.approx(
            b.select(pl.col(pl.Float64)).to_numpy(), abs=1e-6, nan_ok=True
        )
    assert one.interests.select("user_id", "category").equals(other.interests.select("user_id", "category"))


def test_one_user_gets_what_everyone_gets(log, told):
    some = told.users["user_id"].gather([3, 5]).to_list()
    asked = outlook(log, AS_OF, 28, users=some)
    known = told.users.filter(pl.col("user_id").is_in(some))
    assert asked.users.select("user_id", "stage").equals(known.select("user_id", "stage"))
    assert asked.users["p_inactive"].to_list() == pytest.approx(known["p_inactive"].to_list())
    assert set(asked.interests["user_id"]) == set(some)


def test_an_unknown_user_is_an_error_unless_a_fallback_is_wanted(log, told):
    with pytest.raises(UnknownIdError, match="'nobody'"):
        outlook(log, AS_OF, 28, users=["nobody"])
    asked = outlook(log, AS_OF, 28, users=["nobody"], fallback=True)
    assert asked.notes == (say("outlook.new_users", n=1, users="nobody"),)
    row = asked.users.row(0, named=True)
    assert row["stage"] == "new"
    new = told.users.filter(pl.col("stage") == "new")["p_inactive"].mean()
    assert row["p_inactive"] == pytest.approx(new, abs=0.1)


@pytest.mark.parametrize("days", [0, -3])
def test_a_horizon_below_a_day_is_refused(log, days):
    with pytest.raises(UsageError, match="1 or more"):
        outlook(log, AS_OF, days)


def test_a_horizon_of_one_day_is_an_active_day_or_none(log):
    users = outlook(log, AS_OF, 1).users
    assert users["expected_active_days"].to_numpy() == pytest.approx(1 - users["p_inactive"].to_numpy())


def test_a_horizon_longer_than_the_log_is_carried_on(log):
    early = START + timedelta(days=100)
    asked = outlook(log, early, 80)
    assert say("outlook.carried_on", asked=80, longest=59) in asked.notes
    happened = targets(log, [early], 80, RULE).drop("as_of").join(asked.users, on="user_id")
    eligible = happened.filter(pl.col("eligible"))
    assert eligible["p_inactive"].mean() == pytest.approx(eligible["inactive"].mean(), abs=0.1)
    assert asked.users["expected_active_days"].max() <= 80


def test_too_little_history_is_said():
    one_day = events(["a", "b"], [0.1, 0.5], ["x", "x"])
    with pytest.raises(NotEnoughDataError, match="three days"):
        outlook(one_day, START + timedelta(days=1), 28)
    with pytest.raises(NotEnoughDataError, match="no activity"):
        outlook(one_day, START, 28)


def test_a_handful_of_users_get_the_rates_of_their_stage():
    days = np.arange(0, 60, 3.0)
    few = events(["a"] * 20 + ["b"] * 10, [*days, *days[:10]], ["x"] * 30)
    asked = outlook(few, START + timedelta(days=60), 14)
    assert say("outlook.stage_rates") in asked.notes
    assert asked.users["p_inactive"].is_between(0, 1, closed="none").all()


def test_stages_after_a_horizon_longer_than_any_seen_are_not_made_up(log):
    days, users = np.random.default_rng(3).uniform(0, 14, 400), np.arange(400) % 60
    young = events([f"u{user:02}" for user in users], days, ["x"] * 400)
    asked = outlook(young, START + timedelta(days=14), 28)
    chances = asked.further.select(pl.col("^p_(new|growing|active|resurrected|at_risk|churned)$"))
    assert chances.null_count().sum_horizontal().item() == chances.height * chances.width > 0
    assert say("outlook.no_next_stage", n=chances.height) in asked.notes
    whole = outlook(log, AS_OF, 28, users=["u0000"]).further.select(chances.columns)
    assert whole.sum_horizontal().item() == pytest.approx(1)


def test_events_without_categories_have_no_interests(log):
    bare = FrameBuckets(log.frame.with_columns(category=pl.lit(None, pl.String)))
    asked = outlook(bare, AS_OF, 28, users=["u0000"])
    assert asked.interests.is_empty()
    assert asked.further.select("expected_hill_1", "p_new_category").rows() == [(None, None)]
    assert asked.notes == (say("outlook.no_categories"),)


def test_only_critical_events_count(log):
    views = log.frame.with_columns(event_type=pl.lit("view"), user_id=pl.col("user_id") + "v")
    both = FrameBuckets(pl.concat([log.frame, views]))
    asked = outlook(both, AS_OF, 28, LifecycleRule(critical_events=("visit",)))
    assert not asked.users["user_id"].str.ends_with("v").any()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_notes_are_in_the_language_spoken(log, lang):
    with speaking(lang):
        note = outlook(log, AS_OF, 28, users=["nobody"], fallback=True).notes[0]
        assert note == say("outlook.new_users", n=1, users="nobody")
