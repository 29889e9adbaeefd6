"""Effects of known events: against sums by hand, a planted event, and windows in which nothing happened."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretide.errors import NotEnoughDataError, UnknownIdError, UsageError
from foretide.events.records import FrameBuckets
from foretide.events.sources.simulator import Scenario, simulate
from foretide.features.calendar import CALENDAR
from foretide.features.effects import EFFECTS, effects

FIRST = date(2025, 1, 1)
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
FIGURES = ["observed", "expected", "ratio", "population_ratio", "effect"]


@dataclass(frozen=True)
class Split:
    """Buckets of a frame by user."""

    frames: list
    timezone: str = "UTC"

    @property
    def ids(self):
        return range(len(self.frames))

    def bucket(self, i, columns=None, until=None):
        return FrameBuckets(self.frames[i]).bucket(i, columns, until)


def calendar(*rows):
    return pl.DataFrame([(*row, None)[:4] for row in rows], schema=CALENDAR, orient="row")


def window(name, first, length, category=None):
    day = FIRST + timedelta(days=first)
    return name, day, day + timedelta(days=length - 1), category


@pytest.fixture(scope="module")
def world():
    return simulate(Scenario(n_users=500, drift=None))


@pytest.fixture(scope="module")
def planted(world):
    scenario = world.scenario
    event = scenario.social_event
    return window("planted", scenario.day(event.day), event.duration_days)


def grid(events, segment):
    """Return the daily counts of a category (None for all) over the year."""
    counts = dict.fromkeys(range(365), 0)
    for ts, category in events.select("ts", "category").iter_rows():
        if segment in {None, category}:
            counts[(ts.date() - FIRST).days] += 1
    return counts


def by_hand(counts, first, length, busy):
    """Return what is observed and expected in a window."""
    own = range(first, first + length)
    around = [n for n in range(first - 28, first + length + 28) if n not in own and n in counts and n not in busy]
    expected = 0.0
    for day in own:
        alike = [counts[n] for n in around if (n - day) % 7 == 0]
        expected += sum(alike) / len(alike)
    return sum(counts[n] for n in own), expected


def test_figures_are_sums_by_hand(world, planted):
    rows = [window("a", 100, 3), window("b", 110, 1), planted]
    busy = {n for _, ds, end, _ in rows for n in range((ds - FIRST).days, (end - FIRST).days + 1)}
    table = effects(FrameBuckets(world.events), calendar(*rows), AS_OF, "category")
    assert table.schema == EFFECTS
    assert table["event"].to_list() == [name for name in ("a", "b", "planted") for _ in range(8)]
    all_counts = grid(world.events, None)
    for segment in ("groceries", "household"):
        counts = grid(world.events, segment)
        rest = {day: all_counts[day] - n for day, n in counts.items()}
        for name, ds, end, _ in rows:
            first, length = (ds - FIRST).days, (end - ds).days + 1
            observed, expected = by_hand(counts, first, length, busy)
            others = np.divide(*by_hand(rest, first, length, busy))
            ratio = observed / expected
            row = table.filter(event=name, segment=segment)
            assert row.select(FIGURES).row(0) == pytest.approx((observed, expected, ratio, others, ratio / others))
            assert row["lo"].item() < row["effect"].item() < row["hi"].item()


def test_the_planted_event_is_found_with_its_size(world, planted):
    table = effects(FrameBuckets(world.events), calendar(planted), AS_OF, "category")
    found = table.filter(segment=world.scenario.categories[world.scenario.social_event.category])
    assert found["effect"].item() == pytest.approx(world.scenario.social_event.size, rel=0.15)
    assert found["lo"].item() < world.scenario.social_event.size < found["hi"].item()
    assert found["q_value"].item() < 1e-6
    assert table["q_value"].arg_min() == table["effect"].arg_max()


def test_the_whole_population_is_compared_with_itself_only(world, planted):
    row = effects(FrameBuckets(world.events), calendar(planted), AS_OF).row(0, named=True)
    assert row["segment"] == "all"
    assert row["population_ratio"] is None
    assert row["effect"] == row["ratio"]
    factor = world.truth.daily.filter(pl.col("ds").is_between(planted[1], planted[2]))["social_factor"].mean()
    assert row["lo"] < factor < row["hi"]


def test_false_alarms_are_rare():
    told = []
    for seed in range(4):
        world = simulate(Scenario(n_users=300, social_event=None, drift=None, seed=seed))
        rows = calendar(*(window(f"{n}", n, 7) for n in range(40, 320, 30)))
        told.append(effects(FrameBuckets(world.events), rows, AS_OF, "category"))
    p = pl.concat(told)["p_value"]
    assert p.len() == 4 * 10 * 8
    assert (p < 0.05).mean() <= 0.08  # 0.05 and two standard errors of neighbouring windows and segments
    assert (pl.concat(told)["q_value"] < 0.05).sum() == 0


def test_buckets_order_and_later_events_change_nothing(world, planted):
    as_of = AS_OF - timedelta(days=10)
    rows = calendar(window("a", 100, 3), planted)
    one = effects(FrameBuckets(world.events), rows, as_of, "category")
    parts = world.events.partition_by("user_id")
    split = Split([pl.concat(parts[:100]), world.events.clear(), pl.concat(parts[100:])])
    assert effects(split, rows, as_of, "category").equals(one)
    assert effects(FrameBuckets(world.events.filter(pl.col("ts") < as_of)), rows, as_of, "category").equals(one)


def test_a_category_of_the_calendar_is_the_only_segment(world, planted):
    table = effects(FrameBuckets(world.events), calendar((*planted[:3], "toys")), AS_OF, "category")
    assert table["segment"].to_list() == ["toys"]
    assert effects(FrameBuckets(world.events), calendar((*planted[:3], "toys")), AS_OF)["segment"].to_list() == ["all"]


def test_one_user_against_all_others(world, planted):
    busiest = world.events["user_id"].value_counts(sort=True)["user_id"][0]
    table = effects(FrameBuckets(world.events), calendar(planted), AS_OF, "user_id", segments=[busiest])
    inside = pl.col("ts").dt.date().is_between(planted[1], planted[2])
    assert table["segment"].to_list() == [busiest]
    assert table["observed"].item() == world.events.filter(inside, pl.col("user_id") == busiest).height
    assert 0 < table["lo"].item() < table["hi"].item()


def log(days, users=1):
    """Return an event of each user on each of the days."""
    rows = [
        (f"u{n}", datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=d), None, None)
        for d in days
        for n in range(users)
    ]
    schema = {"user_id": pl.String, "ts": pl.Datetime("us", "UTC"), "value": pl.Float64, "category": pl.String}
    return FrameBuckets(pl.DataFrame(rows, schema=schema, orient="row"))


@given(st.sets(st.integers(0, 100), min_size=1), st.integers(-10, 110), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_any_log_and_window_has_an_answer_or_nulls(days, first, length):
    as_of = datetime(2025, 4, 10, tzinfo=UTC)
    if min(days) > 98:
        return
    table = effects(log(days), calendar(window("x", first, length)), as_of)
    assert table.height == (min(days) <= first and first + length <= 99)
    for row in table.iter_rows(named=True):
        assert row["p_value"] is None or 0 <= row["p_value"] <= 1
        assert (row["effect"] is None) == (not row["expected"])
        assert row["lo"] is None or row["lo"] <= row["effect"] <= row["hi"]


def test_edges_of_a_log():
    rows = calendar(window("x", 50, 2))
    for empty in (log([]), log([400])):
        with pytest.raises(NotEnoughDataError):
            effects(empty, rows, AS_OF)
    table = effects(log([50]), rows, AS_OF)  # the first day of the log: nothing before
    assert table["expected"].to_list() == [0]
    assert table["effect"].to_list() == [None]
    assert effects(log([50]), calendar(), AS_OF).schema == EFFECTS
    assert effects(log([50]), rows, AS_OF, "category")["segment"].to_list() == ["(none)"]
    with pytest.raises(UsageError, match="column"):
        effects(log([50]), rows, AS_OF, segments=["u0"])
    with pytest.raises((UnknownIdError, pl.exceptions.ColumnNotFoundError)):
        effects(log([50]), rows, AS_OF, "colour")


def test_an_outage_is_not_compared_with():
    days = [d for d in range(150) if d != 90]
    table = effects(
        log(days, users=30), calendar(window("near", 97, 1), window("in", 90, 1)), AS_OF - timedelta(days=215)
    )
    assert table.filter(event="near")["expected"].item() == 30
    assert table.filter(event="in")["expected"].item() is None


def test_what_lasts_is_compared_with_the_weeks_before():
    """Twice as much of one category from day 200 on: the weeks after hide it, and hide it more as time passes."""
    rng = np.random.default_rng(5)
    day = np.arange(300)
    counts = {"a": rng.poisson(np.where(day < 200, 30, 60)), "b": rng.poisson(80, 300)}
    rows = [(n, f"{name}{k}", name) for name, y in counts.items() for n in day.tolist() for k in range(y[n])]
    frame = pl.DataFrame(rows, schema=["n", "user_id", "category"], orient="row").select(
        "user_id", "category", ts=pl.lit(datetime(2025, 1, 1, 12, tzinfo=UTC)) + pl.duration(days="n"), value=1.0
    )
    frame = frame.with_columns(pl.col("ts").dt.cast_time_unit("us"))
    event = calendar(window("shelf", 200, 7))
    for end in (207, 230, 300):
        as_of = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=end)
        told = effects(FrameBuckets(frame), event, as_of, "category", lasting=True).filter(segment="a")
        assert told["lo"][0] < 2 < told["hi"][0]
        assert told["q_value"][0] < 0.05
    assert effects(FrameBuckets(frame), event, as_of, "category").filter(segment="a")["hi"][0] < 2


@pytest.mark.parametrize("running", [window("campaign", 345, 56), window("campaign", -20, 40)])
def test_an_event_that_is_not_told_is_not_compared_with(running):
    """Events thrice as many while a campaign runs over an end of the log; a feast beside it had no effect."""
    _, ds, end, _ = running
    days = range(max((ds - FIRST).days, 0), min((end - FIRST).days, 364) + 1)
    counts = np.random.default_rng(0).poisson(np.where(np.isin(np.arange(365), days), 300, 100))
    noon = pl.lit(datetime(2025, 1, 1, 12, tzinfo=UTC)).dt.cast_time_unit("us")
    n = pl.Series("n", np.repeat(np.arange(365), counts))
    frame = n.to_frame().select(user_id=pl.format("u{}", pl.int_range(pl.len()) % 500), ts=noon + pl.duration(days="n"))
    feast = window("feast", 330 if ds > FIRST else 25, 3)
    told = effects(FrameBuckets(frame.with_columns(value=1.0)), calendar(feast, running), AS_OF)
    assert told["event"].to_list() == ["feast"]
    assert told["effect"].item() == pytest.approx(1, abs=0.15)
    assert told["p_value"].item() > 0.05


def test_an_event_that_goes_on_all_the_time_hides_nothing():
    rows = window("x", 50, 1)
    always = window("always", -10, 400)
    assert effects(log(range(100)), calendar(rows, always), AS_OF).equals(
        effects(log(range(100)), calendar(rows), AS_OF)
    )


def test_an_event_that_is_there_twice_counts_once():
    one, two = (effects(log([50, 57, 64]), calendar(*[window("x", 57, 1)] * n), AS_OF) for n in (1, 2))
    assert two.equals(one)
