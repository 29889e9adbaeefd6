"""Drift of interests and change of habits: what is told of a user, and what must not matter to it."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features import oracle
from features.oracle import BEGIN, DAY, Event
from foretide.errors import UsageError
from foretide.events.records import FrameBuckets
from foretide.features.drift import DRIFT, drift

END = BEGIN + 112 * DAY
MINUTES = 24 * 60


def event(day, category="a", minute=600):
    """Return an event so many whole days before the end."""
    return Event((111 - day) * MINUTES + minute, category)


#: Few active days, each with a few events.
DAYS = st.dictionaries(
    st.integers(0, 111), st.lists(st.sampled_from("abc"), min_size=1, max_size=3), min_size=2, max_size=9
)


def told(by_user, what="interests", as_of=END):
    return drift(oracle.log(by_user), as_of, what)


def users_without_change(n_users, n_days, basket, seed=0):
    rng = np.random.default_rng(seed)
    log = {}
    for user in range(n_users):
        mix = rng.dirichlet(np.ones(6))
        days = rng.integers(0, 112, n_days).tolist()
        log[f"u{user}"] = [event(day, f"c{c}") for day in days for c in [rng.choice(6, p=mix)] for _ in range(basket)]
    return log


def test_a_moved_interest_is_found_and_named():
    users = users_without_change(300, 120, 1)
    for user in range(60):
        users[f"m{user}"] = [event(day, "new" if day < 28 and day % 5 else "old") for day in range(112)]
    table = told(users)
    moved = table.filter(pl.col("user_id").str.starts_with("m"))
    assert moved["changed"].all()
    assert moved.select("rising", "falling").unique().rows() == [("new", "old")]
    assert moved["p_value"].max() < 1e-6
    assert moved["exploration"].min() > 0.7
    assert moved["exploration_expected"].max() < 0.3
    assert table.filter(~pl.col("changed"))["rising"].null_count() == table.height - table["changed"].sum()


def test_a_moved_hour_is_found_whatever_was_bought():
    rng = np.random.default_rng(0)
    hours = {"night owl": lambda day: 2 if day < 28 else 14, "steady": lambda day: 14, "weekender": lambda day: 14}
    users = {
        user: [event(day, "a", 60 * hour(day) + int(rng.integers(0, 60))) for day in range(112)]
        for user, hour in hours.items()
    }
    users["weekender"] = [e for e in users["weekender"] if (e.ts > END - 28 * DAY) == (e.ts.weekday() > 4)]
    table = told(users, "habits")
    assert dict(table.select("user_id", "changed").iter_rows()) == {
        "night owl": True,
        "steady": False,
        "weekender": True,
    }
    (row,) = table.filter(user_id="night owl").iter_rows(named=True)
    assert (row["rising"], row["falling"]) == ("weekday 00-04", "weekday 12-16")


@given(st.lists(DAYS, min_size=1, max_size=5), st.lists(st.integers(0, 9), max_size=3))
@example(
    [
        {0: ["a"], 1: ["a"]},
        {0: ["a", "b"], 1: ["a", "c"], 2: ["a"], 3: ["a", "b"], 28: ["a", "c"], 29: ["a", "b", "c"]},
    ],
    [],
)
@settings(max_examples=20, deadline=None)
def test_neither_the_future_nor_other_users_nor_buckets_matter(users, later):
    by_user = {
        f"u{n}": [event(day, c) for day, categories in days.items() for c in categories] for n, days in enumerate(users)
    }
    table = told(by_user)
    future = {user: [*events, *(event(-1 - day, "z") for day in later)] for user, events in by_user.items()}
    assert told(future).equals(table)
    alone = pl.concat([told({user: events}) for user, events in by_user.items()])
    own = [
        "user_id",
        "n_recent",
        "n_reference",
        "divergence",
        "excess",
        "exploration",
        "exploration_expected",
        "p_value",
    ]
    assert alone.select(own).equals(table.select(own))


@dataclass(frozen=True)
class Split:
    """The events of a frame in several buckets, in an order."""

    log: FrameBuckets
    ids: list[int]
    timezone: str = "UTC"

    def bucket(self, i, columns=None, until=None):
        mine = [crc32(user.encode()) % len(self.ids) == i for user in self.log.frame["user_id"]]
        return FrameBuckets(self.log.frame.filter(mine)).bucket(0, columns, until)


@pytest.mark.parametrize("what", ["interests", "habits"])
@pytest.mark.parametrize("ids", [range(5), range(4, -1, -1)])
def test_neither_the_number_nor_the_order_of_buckets_matters(what, ids):
    """The verdicts too: false discoveries are counted over all users."""
    users = users_without_change(40, 30, 1)
    users["moved"] = [event(day, "new" if day < 28 else "old", 60 * (2 if day < 28 else 14)) for day in range(112)]
    log = oracle.log(users)
    table = drift(log, END, what).sort("user_id")
    assert table["changed"].any()
    assert drift(Split(log, list(ids)), END, what).sort("user_id").equals(table)


def test_no_bucket_at_all_has_no_rows():
    table = drift(Split(oracle.log({"u": [event(0)]}), []), END)
    assert table.is_empty()
    assert table.schema == DRIFT


def test_seeds_may_be_large_and_change_the_permutations_only():
    log = oracle.log(users_without_change(30, 30, 1))
    first, second = drift(log, END, seed=0), drift(log, END, seed=2**40 + 1)
    assert first["divergence"].equals(second["divergence"])
    assert not first["p_value"].equals(second["p_value"])


def test_an_event_at_as_of_is_not_known_and_windows_are_exact():
    users = {"u": [event(0), event(27), event(28), event(111), Event(112 * MINUTES, "z"), Event(-1, "z")]}
    (row,) = told(users).iter_rows(named=True)
    assert (row["n_recent"], row["n_reference"], row["divergence"]) == (2, 2, 0.0)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event(3)],
        [event(50), event(60)],
        [Event(0, None), Event(111 * MINUTES, None)],
        [event(30)] * 50,
        [event(-1), event(-40)],
    ],
)
def test_who_cannot_be_compared_has_no_row(events):
    table = told({"u": events})
    assert table.is_empty()
    assert table.schema == DRIFT


def test_one_category_or_one_instant_is_no_change():
    users = {"one": [event(day, "a") for day in range(112)], "burst": [event(30, "b")] * 200 + [event(2, "b")]}
    table = told(users)
    assert table["p_value"].to_list() == [1.0, 1.0]
    assert table["changed"].to_list() == [False, False]


def test_a_hundred_thousand_categories():
    n = 100_000
    users = {"u": [event(n % 112, f"c{n}") for n in range(n)]}
    (row,) = told(users).iter_rows(named=True)
    assert (row["p_value"], row["exploration"]) == (1.0, 1.0)


def test_few_active_days_cannot_tell_a_change():
    users = {"few": [event(3), event(40)], "many": [event(day) for day in range(112)]}
    table = told(users)
    assert dict(table.select("user_id", "p_least").iter_rows())["few"] == pytest.approx(0.5)
    assert table.filter(user_id="many")["p_least"][0] < 1e-20
    assert (table["p_value"] >= table["p_least"]).all()


def test_what_cannot_be_asked_is_told():
    with pytest.raises(UsageError, match="interests, habits"):
        told({"u": [event(0)]}, "weather")
    for rate in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match="rate"):
            drift(oracle.log({"u": [event(0)]}), END, rate=rate)
