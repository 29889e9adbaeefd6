"""Change points: planted steps, stationary series, and the rates that are watched against counts by hand."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import NotEnoughDataError
from foretide.events.records import FrameBuckets
from foretide.events.sources.simulator import Drift, Scenario, simulate
from foretide.features.calendar import CALENDAR
from foretide.features.change_points import (
    CHANGE_POINTS,
    LEVEL_DAYS,
    change_points,
    changes_of,
    filled,
    level_breaks,
    levels,
    long_run_variance,
    without_bursts,
    without_weekday,
)
from foretide.features.daily_rates import RATES, daily_rates
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import accounting

BEGIN = datetime(2024, 2, 1, tzinfo=UTC)
FIRST = date(2024, 2, 1)
RULE = LifecycleRule(window_days=3)
WEEKDAYS = np.array([0.8, 0.75, 0.85, 0.97, 1.1, 1.35, 1.2])


def weekly(n_days, level):
    return level * WEEKDAYS[np.arange(n_days) % 7]


def rates(y, n=None):
    days = [FIRST + timedelta(days=d) for d in range(len(y))]
    return pl.DataFrame({"series": ["s"] * len(y), "ds": days, "y": y, "n": [n] * len(y)}, schema=RATES)


def test_a_step_is_found_on_its_day_with_its_size():
    rng = np.random.default_rng(0)
    y = rng.poisson(weekly(365, 100) * np.where(np.arange(365) < 200, 1, 1.5)).astype(float)
    table = changes_of(rates(y))
    assert table.schema == CHANGE_POINTS
    row = table.row(0, named=True)
    assert table.height == 1
    assert abs((row["ds"] - FIRST).days - 200) <= 1
    assert (row["before"], row["after"]) == pytest.approx((100.3, 150.4), rel=0.03)
    assert row["ratio"] == pytest.approx(row["after"] / row["before"])


def test_two_steps_are_told_apart():
    rng = np.random.default_rng(1)
    y = rng.poisson(weekly(365, 100) * np.repeat([1, 1.6, 1], [120, 60, 185])).astype(float)
    assert np.abs(level_breaks(y, count=True) - [120, 180]).max() <= 1


@pytest.mark.parametrize("n_days", [84, 365])
@pytest.mark.parametrize("kind", ["poisson", "rare", "negative binomial", "autocorrelated"])
def test_false_alarms_in_stationary_series_are_rare(kind, n_days):
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(60):
        noise = rng.standard_normal(n_days + 1)
        state = np.array([0.3 * a + np.sqrt(1 - 0.09) * b for a, b in pairwise(noise)])  # MA, cor .29
        factor = {
            "poisson": np.ones(n_days),
            "rare": np.full(n_days, 0.01),
            "negative binomial": rng.gamma(5, 1 / 5, n_days),
            "autocorrelated": np.exp(0.3 * state),
        }[kind]
        alarms += level_breaks(rng.poisson(weekly(n_days, 50) * factor).astype(float), count=True).size > 0
    assert alarms <= 5  # 3 expected at most


def test_a_slow_trend_is_not_a_staircase():
    rng = np.random.default_rng(3)
    growth = np.exp(0.3 * np.arange(365) / 365)
    found = [level_breaks(rng.poisson(weekly(365, 100) * growth).astype(float), count=True).size for _ in range(20)]
    assert sum(found) <= 4


@given(st.lists(st.floats(0, 100), min_size=56, max_size=80), st.lists(st.floats(-5, 5), min_size=7, max_size=7))
@settings(max_examples=30, deadline=None)
def test_the_weekday_is_taken_out_whole(y, effect):
    y, effect = np.array(y), np.array(effect)
    plain, weekdays = without_weekday(y), without_weekday(y + effect[np.arange(y.size) % 7])
    assert weekdays - plain == pytest.approx(np.full(y.size, effect.mean()), abs=1e-9)


def test_the_long_run_variance_is_that_of_long_means():
    rng = np.random.default_rng(4)
    white = rng.standard_normal(20_000)
    assert long_run_variance(white) == pytest.approx(1, rel=0.1)
    red = np.zeros(20_000)
    for n, shock in enumerate(white[1:], start=1):
        red[n] = 0.3 * red[n - 1] + shock
    assert long_run_variance(red) == pytest.approx(1 / 0.7**2, rel=0.2)


def test_constant_short_and_empty_series_have_no_changes():
    assert level_breaks(np.full(100, 7.0), count=True).size == 0
    assert level_breaks(np.zeros(100), count=False).size == 0
    assert changes_of(rates([0.0] * 20 + [50.0] * 20)).is_empty()  # too short
    assert changes_of(rates([None] * 100, 0)).is_empty()
    assert changes_of(RATES.to_frame()).schema == CHANGE_POINTS
    gaps = [None if n % 10 == 0 else 0.5 for n in range(100)]
    assert changes_of(rates(gaps, 5)).is_empty()


def test_a_rise_from_nothing_has_no_ratio():
    row = changes_of(rates([0.0] * 60 + [50.0] * 60)).row(0, named=True)
    assert (row["ds"], row["before"], row["after"], row["ratio"]) == (FIRST + timedelta(days=60), 0, 50, None)


@given(st.lists(st.integers(0, 100), min_size=28, max_size=60), st.integers(7, 20))
@settings(max_examples=30, deadline=None)
def test_levels_share_the_weekdays(y, first):
    """Weekday times level has the right total in the days that tell a level."""
    y = np.array(y, dtype=float)
    found = np.concatenate(levels(y, np.array([first])))
    weekday = np.arange(y.size) % 7
    plain = np.where(np.arange(y.size) < first, y[:first].mean(), y[first:].mean())
    factor = np.array([y[weekday == day].sum() / max(plain[weekday == day].sum(), 1e-12) for day in range(7)])
    factor /= max(factor.mean(), 1e-12)
    for level, part in zip(found, (slice(0, first), slice(first, first + LEVEL_DAYS)), strict=True):
        assert (level * factor[weekday][part]).sum() == pytest.approx(y[part].sum())


def test_levels_are_those_beside_the_break():
    """A year that falls slowly and steps up in the middle: what came months later changes nothing of it."""
    y = np.concatenate([np.linspace(300, 150, 170), np.full(60, 180.0), np.linspace(180, 400, 130)])
    (before,), (after,) = levels(y, np.array([170]))
    assert before == pytest.approx(150 + 150 / 169 * 13.5, rel=0.01)
    assert after == pytest.approx(180, rel=0.01)
    for end in (210, 230, 300):
        assert levels(y[:end], np.array([170]))[1][0] == pytest.approx(after, rel=0.01)


def test_days_after_the_log_are_no_change():
    """Asked in 2030, a log that ends in 2024 has the changes that it has the day after."""
    rng = np.random.default_rng(3)
    counts = np.concatenate([rng.poisson(30, 100), rng.poisson(60, 100)])
    rows = [(n, 24 * day + 1, "view", "a") for day, count in enumerate(counts.tolist()) for n in range(count)]
    by_end = [change_points(log(rows), BEGIN + timedelta(days=days)) for days in (200, 2_000)]
    assert by_end[0].height >= 1
    assert by_end[1].equals(by_end[0])


# The rates


def log(rows):
    table = [(f"u{n}", BEGIN + timedelta(hours=h), kind, 1.0, name) for n, h, kind, name in rows]
    names = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "event_type": pl.String, "value": pl.Float64}
    return FrameBuckets(pl.DataFrame(table, schema=names | {"category": pl.String}, orient="row"))


ROWS = st.tuples(
    st.integers(0, 4), st.integers(0, 24 * 60 - 1), st.sampled_from(["view", "buy"]), st.sampled_from(["a", "b", None])
)


@given(st.lists(ROWS, min_size=1, max_size=60))
@settings(max_examples=20, deadline=None)
def test_rates_are_counted_by_hand(rows):
    as_of = BEGIN + timedelta(days=60)
    rule = LifecycleRule(3, ("view", "buy"))
    table = daily_rates(log(rows), as_of, rule)
    assert table.schema == RATES
    first = min(h // 24 for _, h, _, _ in rows)
    expected = {}
    sizes = Counter(name for *_, name in rows if name)
    for day in range(first, 60):
        ds = FIRST + timedelta(days=day)
        here = [row for row in rows if row[1] // 24 == day]
        users = len({row[0] for row in here})
        named = [row[3] for row in here if row[3]]
        expected["daily_users", ds] = (users, None)
        expected["events_per_daily_user", ds] = (len(here) / users if users else None, users)
        for name in sizes:
            expected[f"share: {name}", ds] = (named.count(name) / len(named) if named else None, len(named))
    flows = accounting(log(rows), as_of, rule)[8 * 3 :]
    for flow in ("new", "resurrected", "lost"):
        expected |= {(flow, ds): (n, None) for ds, n in flows.select("ds", flow).iter_rows()}
    assert {row[:2]: row[2:] for row in table.iter_rows()} == expected


def test_users_and_events_are_critical_ones_and_categories_all():
    buckets = log([(0, h * 24, "view", "a") for h in range(10)])
    table = daily_rates(buckets, BEGIN + timedelta(days=10), LifecycleRule(3, ("buy",)))
    assert table.filter(series="daily_users")["y"].to_list() == [0] * 10
    assert table.filter(series="share: a")["y"].to_list() == [1] * 10


def test_a_drift_of_interests_is_found_and_later_events_change_nothing():
    drift = Drift(share=0.4, day=200)
    world = simulate(Scenario(n_users=400, n_days=300, drift=drift, social_event=None))
    end = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=290)
    table = change_points(FrameBuckets(world.events), end)
    planted = date(2025, 1, 1) + timedelta(days=200)
    for category, sign in ((drift.from_category, -1), (drift.to_category, 1)):
        found = table.filter(series=f"share: {world.scenario.categories[category]}")
        assert found.height == 1
        assert abs((found["ds"].item() - planted).days) <= 3
        assert sign * (found["ratio"].item() - 1) > 0.2
    assert change_points(FrameBuckets(world.events.filter(pl.col("ts") < end)), end).equals(table)


def busy_log(mean, seed=0):
    """Return a log with so many events a day of one kind, on average, of 400 users."""
    n = np.repeat(np.arange(mean.size), np.random.default_rng(seed).poisson(mean))
    noon = pl.lit(BEGIN + timedelta(hours=12)).dt.cast_time_unit("us")
    user = pl.format("u{}", pl.int_range(pl.len()) * 7919 % 400)
    kind = {"event_type": pl.lit("view"), "category": pl.lit("a"), "value": pl.lit(1.0)}
    return FrameBuckets(pl.DataFrame({"n": n}).select(user_id=user, ts=noon + pl.duration(days="n"), **kind))


@pytest.mark.parametrize("n_days", [1, 10])
def test_an_outage_is_no_change(n_days):
    day = np.arange(300)
    out = (day >= 200) & (day < 200 + n_days)
    buckets, as_of = busy_log(np.where(out, 0, 100)), BEGIN + timedelta(days=300)
    table = daily_rates(buckets, as_of)
    unknown = table.filter(pl.col("y").is_null())
    assert unknown["series"].n_unique() == table["series"].n_unique() == 6
    assert unknown["ds"].unique().sort().to_list() == [FIRST + timedelta(days=n) for n in np.flatnonzero(out).tolist()]
    assert change_points(buckets, as_of).is_empty()
    assert change_points(buckets, as_of + timedelta(days=900)).is_empty()


def test_days_of_a_known_event_say_nothing_of_a_level():
    """Twice as much for 21 days is a level, unless it is known why; what goes on for 60 days is one all the same."""
    day = np.arange(300)
    for length, told in ((21, 0), (60, 2)):
        buckets = busy_log(np.where((day >= 150) & (day < 150 + length), 200, 100))
        first = FIRST + timedelta(days=150)
        row = ("sale", first, first + timedelta(days=length - 1), None)
        calendar = pl.DataFrame([row], schema=CALENDAR, orient="row")
        as_of = BEGIN + timedelta(days=300)
        assert change_points(buckets, as_of).filter(series="daily_users").height == 2
        assert change_points(buckets, as_of, calendar=calendar).filter(series="daily_users").height == told
        assert change_points(buckets, as_of, calendar=CALENDAR.to_frame()).equals(change_points(buckets, as_of))


@pytest.mark.parametrize(("size", "n_days"), [(3, 1), (2, 3), (1.5, 7), (2, 13), (0, 5)])
def test_a_burst_is_no_level_and_hides_none(size, n_days):
    rng = np.random.default_rng(6)
    day = np.arange(365)
    burst = np.where((day >= 120) & (day < 120 + n_days), size, 1)
    for step, expected in ((1, []), (1.5, [200])):
        mean = weekly(365, 100) * burst * np.where(day < 200, 1, step)
        found = level_breaks(rng.poisson(mean).astype(float), count=True)
        assert len(found) == len(expected)
        assert found == pytest.approx(expected, abs=1)


def test_many_bursts_leave_the_days_between_them():
    """Every tenth day thrice as much, and twice the level from day 205 on, between two bursts."""
    day = np.arange(365)
    mean = weekly(365, 100) * np.where(day % 10 == 0, 3, 1) * np.where(day < 205, 1, 2)
    (found,) = level_breaks(np.random.default_rng(7).poisson(mean).astype(float), count=True)
    assert found == pytest.approx(205, abs=2)


@given(st.lists(st.sampled_from([0.0, 50.0, -1e6]), min_size=56, max_size=70))
@settings(max_examples=40, deadline=None)
def test_bursts_of_any_series_come_to_an_end(x):
    assert np.isfinite(without_bursts(np.array(x))).all()


@given(st.sets(st.integers(0, 69), max_size=40))
def test_gaps_are_closed_by_weekday(gaps):
    week = 10 * WEEKDAYS
    y = np.tile(week, 10)
    y[list(gaps)] = np.nan
    known = {n % 7 for n in range(70)} - {day for day in range(7) if all(n in gaps for n in range(day, 70, 7))}
    told = filled(y).reshape(10, 7)
    assert told[:, sorted(known)] == pytest.approx(np.tile(week, (10, 1))[:, sorted(known)])
    assert not np.isnan(told).any()


def test_edges_of_a_log():
    with pytest.raises(NotEnoughDataError):
        change_points(log([]), BEGIN)
    with pytest.raises(NotEnoughDataError):
        change_points(log([(0, 30, "view", "a")]), BEGIN + timedelta(days=1))
    assert change_points(log([(0, 5, "view", None)]), BEGIN + timedelta(days=1)).is_empty()
    assert change_points(log([(0, 5, "view", None)]), BEGIN + timedelta(days=90)).is_empty()
