"""The LSTM over users' days: laws of histories and answers, known truth, attributions that add up."""

import json
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from foretide.errors import MissingExtraError, UsageError
from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.users import covariates, sequence_network, sequence_training
from foretide.users.examples import examples, feature_names
from foretide.users.rates import Rates
from foretide.users.reasons import reasons
from foretide.users.scores import scores
from foretide.users.sequence import SequenceLSTM
from foretide.users.sequence_inputs import STATIC, Scales, outcomes
from foretide.users.sequence_network import Shape, begun, built
from foretide.users.sequence_training import Seen, Training, best_steps, early_and_late
from foretide.users.sequence_windows import HISTORIES, HISTORY, NUMBERS, histories, padded, with_histories
from foretide.users.turning import turning

with_keras = pytest.mark.skipif(
    not all(find_spec(name) for name in ("keras", "jax")), reason="the extra neural is not installed"
)
START = datetime(2024, 1, 1, tzinfo=UTC)
RULE = LifecycleRule(critical_events=("buy",))
HORIZON = 7
TINY = {"window_days": 6, "units": 8, "batch": 128, "steps": 60, "check_every": 30, "learning_rate": 1e-2}
SCHEMA = {
    "user_id": pl.String,
    "ts": pl.Datetime("us", "UTC"),
    "event_type": pl.String,
    "value": pl.Float64,
    "category": pl.String,
    "tz_offset_min": pl.Int16,
}


def log(events, timezone="UTC"):
    """Make a log of (user, hours since START, event type, value, category)."""
    rows = [(user, START + timedelta(hours=hours), *rest, None) for user, hours, *rest in events]
    return FrameBuckets(pl.DataFrame(rows, schema=SCHEMA, orient="row"), timezone)


def regulars(n_users=300, n_days=90, seed=0):
    """Make users who buy every other day; those who have just bought twice on one day in the category "last" stop."""
    rng = np.random.default_rng(seed)
    events = []
    for user in range(n_users):
        stops = rng.integers(10, 2 * n_days)
        days = [d for d in range(user % 2, n_days, 2) if d <= stops and rng.random() < 0.9]
        events += [(f"u{user:03}", 24 * d + 10, "buy", 1.0, "usual") for d in days]
        if days and days[-1] < n_days - 3:
            events.append((f"u{user:03}", 24 * days[-1] + 11, "buy", 9.0, "last"))
    return log(events)


def at(day):
    return START + timedelta(days=day)


def seen_at(buckets, days, horizon_days=HORIZON):
    rows = examples(buckets, [(at(day), horizon_days) for day in days], RULE)
    return with_histories(rows, buckets, RULE, TINY["window_days"])


EVENT = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, 24 * 40),
    st.sampled_from(["buy", "view"]),
    st.integers(-5, 20).map(float),
    st.sampled_from(["x", "y", None]),
)


def recounted(events, cutoff, zone, window_days):
    """Tell the days of each user one by one: gaps, events and values, the cut-off last."""
    told = {}
    for user in {event[0] for event in events}:
        mine = [(START + timedelta(hours=h), v) for u, h, kind, v, _ in events if u == user and kind == "buy"]
        local = [(ts.astimezone(zone).date(), v) for ts, v in mine if ts < cutoff]
        days = sorted({day for day, _ in local})
        if not days:
            continue
        today = (cutoff - timedelta(microseconds=1)).astimezone(zone).date()
        gaps = [0, *((b - a).days for a, b in zip(days, [*days[1:], today], strict=True))]
        counts = [sum(day == d for day, _ in local) for d in days] + [0]
        values = [sum(v for day, v in local if day == d) for d in days] + [0]
        told[user] = list(zip(gaps, counts, values, strict=True))[-window_days - 1 :]
    return told


@settings(max_examples=25, deadline=None)
@given(
    st.lists(EVENT, max_size=40),
    st.integers(1, 24 * 45),
    st.integers(1, 5),
    st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_histories_are_what_a_recount_gives(events, hours, window_days, timezone):
    cutoff = START + timedelta(hours=hours)
    rows = histories(log(events, timezone), [cutoff], RULE, window_days)
    assert rows.schema == HISTORIES
    told = {
        user: [(day["gap_days"], day["events"], day["value"]) for day in history]
        for user, history in zip(rows["user_id"], rows["history"].to_list(), strict=True)
    }
    assert told == recounted(events, cutoff, ZoneInfo(timezone), window_days)


@settings(max_examples=15, deadline=None)
@given(st.lists(EVENT, max_size=30), st.lists(EVENT, max_size=10), st.randoms())
def test_neither_later_events_nor_the_order_of_lines_change_a_history(events, later, random):
    cutoffs = [at(20), at(40)]
    after = [(user, hours + 24 * 40, *rest) for user, hours, *rest in later]
    shuffled = events + after
    random.shuffle(shuffled)
    told, again = (histories(log(rows), cutoffs, RULE).sort("user_id", "as_of") for rows in (events, shuffled))
    assert told.equals(again)


def test_the_hour_and_the_category_are_those_of_the_days_last_event():
    rows = histories(
        log([("a", 10, "buy", 1.0, "x"), ("a", 30, "buy", 1.0, "x"), ("a", 33, "buy", 1.0, "y")]), [at(9)], RULE
    )
    first, second, end = rows["history"][0]
    assert [day["hour"] for day in (first, second, end)] == [10, 33, -1]
    assert first["category"] != second["category"]
    assert end["category"] == 0
    alone = histories(log([("b", 99, "buy", 1.0, "x")]), [at(9)], RULE)["history"][0]
    assert alone[0]["category"] == first["category"]


def test_nobody_known_has_no_history():
    buckets = log([("a", 24 * 30, "buy", 1.0, None), ("b", 1, "view", 1.0, None)])
    assert histories(buckets, [at(10)], RULE).equals(HISTORIES.to_frame())
    assert histories(buckets, [], RULE).equals(HISTORIES.to_frame())


def test_histories_stand_at_the_end_of_their_rows():
    rows = histories(
        log([("a", 24 * d, "buy", 1.0, "x") for d in (0, 1, 5)] + [("b", 0, "buy", 1.0, "x")]), [at(9)], RULE
    )
    steps = padded(rows.sort("user_id"), 2)
    assert steps.there.tolist() == [[True, True, True], [False, True, True]]
    gaps = np.expm1(steps.numbers[..., NUMBERS.index("gap_days")])
    np.testing.assert_allclose(gaps, [[1, 4, 3], [0, 0, 8]], rtol=1e-6)
    assert not steps.numbers[1, 0].any()
    with pytest.raises(UsageError, match="with_histories"):
        padded(rows.drop("history"), 2)


def test_what_tells_when_to_stop_begins_where_what_is_learnt_from_is_over():
    pairs = [(at(day), days) for day, days in ((9, 14), (10, 14), (12, 7), (20, 14), (25, 14), (26, 7), (33, 7))]
    rows = pl.DataFrame(pairs, schema={"as_of": SCHEMA["ts"], "horizon_days": pl.Int32}, orient="row")
    early, late = early_and_late(rows)
    assert early.tolist() == [True, False, True, False, False, False, False]  # the clocks may go back an hour
    assert late.tolist() == [False, False, False, False, True, True, True]


@pytest.fixture(scope="module")
def learnt():
    rows = seen_at(regulars(), (20, 27, 34, 41, 48))
    return SequenceLSTM(HORIZON, **TINY).fit(rows), rows


@pytest.fixture(scope="module")
def asked():
    return seen_at(regulars(seed=1), (60,))


@pytest.fixture(scope="module")
def parts(learnt, asked):
    return learnt[0].contributions(asked)


@with_keras
def test_what_only_the_sequence_tells_is_learnt(learnt, asked):
    """Who stops is told by the last day alone: the covariates know of no category, and of values only their sum."""
    fresh = asked.filter(pl.col("recency_days") <= 2)
    told = learnt[0].predict(fresh)
    happened = fresh["inactive"].to_numpy().astype(float)
    assert 0.02 < happened.mean() < 0.5
    assert scores(happened, told["p_inactive"].to_numpy()).auc > 0.95


@with_keras
def test_answers_keep_their_bounds_and_go_row_by_row(learnt, asked):
    model, _ = learnt
    told = model.predict(asked)
    p, days = told["p_inactive"].to_numpy(), told["expected_active_days"].to_numpy()
    assert ((p >= 0) & (p <= 1) & (days >= 1 - p - 1e-9) & (days <= HORIZON)).all()
    backwards = model.predict(asked.reverse()).reverse()
    np.testing.assert_allclose(told.to_numpy(), backwards.to_numpy(), atol=1e-6)
    np.testing.assert_allclose(model.predict(asked[:1]).to_numpy(), told[:1].to_numpy(), atol=1e-6)


@with_keras
def test_expected_days_are_about_those_that_happen(learnt, asked):
    told = learnt[0].predict(asked)["expected_active_days"]
    assert told.mean() == pytest.approx(asked["active_days_ahead"].mean(), rel=0.15)


@with_keras
def test_a_longer_horizon_has_a_smaller_chance_of_no_activity(learnt, asked):
    scales, network = learnt[0].scales_, learnt[0].network_
    chances = []
    for days in (3, 7, 30, 365):
        inputs = scales.inputs(asked.with_columns(horizon_days=pl.lit(days)), TINY["window_days"], HORIZON)
        chances.append(sequence_network.told(network, inputs, TINY["batch"])[:, 0])
    assert (np.diff(chances, axis=0) < 0).all()


@with_keras
def test_the_same_seed_gives_the_same_in_any_order_and_says_how_far_it_is(learnt, asked):
    model, rows = learnt
    seen = []
    again = SequenceLSTM(HORIZON, **TINY, progress=lambda *told: seen.append(told)).fit(
        rows.sample(fraction=1, shuffle=True, seed=5)
    )
    assert again.predict(asked).equals(model.predict(asked))
    assert [told[:2] for told in seen] == [(30, 60), (60, 60)]


@with_keras
def test_nobody_is_no_problem_and_what_happens_ahead_is_not_looked_at(learnt, asked):
    assert learnt[0].predict(asked.clear()).height == 0
    assert reasons(learnt[0], asked.clear()).is_empty()
    assert HISTORY not in feature_names(asked)
    known = asked.select("user_id", "as_of", "stage", *feature_names(asked), *learnt[0].needs)
    assert learnt[0].predict(known).equals(learnt[0].predict(asked))


@with_keras
@pytest.mark.parametrize(("kind", "lead"), [("silence", 1), ("visits", -1)])
def test_what_is_said_to_turn_an_outlook_turns_it(learnt, asked, kind, lead):
    """The log of a single user with the visits, or at the later day, is folded anew; histories are brought with it."""
    model = learnt[0]
    order = asked.with_columns(model.predict(asked)).sort(lead * pl.col("p_inactive"))["user_id"]
    turns = turning(model, regulars(seed=1), at(60), order[0], RULE)
    n, p = turns["n"][-1], turns["p_inactive"][-1]
    assert turns["kind"].unique().to_list() == [kind]
    assert turns["turns"].to_list() == [False] * (turns.height - 1) + [True]
    own = regulars(seed=1).frame.filter((pl.col("user_id") == order[0]) & (pl.col("ts") < at(60)))
    visit = own.filter(event_type="buy").tail(1).with_columns(value=pl.lit(None, pl.Float64))
    days = [59 - 3 * k for k in range(n)] if kind == "visits" else []
    added = [visit.with_columns(ts=pl.lit(at(day)).cast(own.schema["ts"])) for day in days]
    buckets = FrameBuckets(pl.concat([own, *added]).sort("ts"), "UTC")
    moment = at(60) if days else at(60 + n)
    row = with_histories(feature_table(buckets, [moment], RULE), buckets, RULE)
    assert model.predict(row)["p_inactive"].item() == pytest.approx(p, abs=1e-6)


@with_keras
def test_what_users_do_later_changes_no_answer(learnt, asked):
    buckets = regulars(seed=1)
    later = buckets.frame.filter(pl.col("ts") >= at(60)).with_columns(pl.col("value") * 100, category=pl.lit("odd"))
    changed = FrameBuckets(pl.concat([buckets.frame, later]))
    assert learnt[0].predict(seen_at(changed, (60,))).equals(learnt[0].predict(asked))


@with_keras
def test_parts_add_up_to_the_log_odds(learnt, asked, parts):
    odds = logit(learnt[0].predict(asked)["p_inactive"].to_numpy())
    assert parts.parts.shape == (asked.height, len(parts.names))
    np.testing.assert_allclose(parts.parts.sum(axis=1) + parts.base, odds, atol=5e-6)
    told = reasons(learnt[0], asked).group_by("user_id", maintain_order=True).agg(pl.col("log_odds").sum())
    np.testing.assert_allclose(told["log_odds"], odds, atol=5e-6)


@with_keras
def test_what_tells_who_stops_has_the_largest_part(asked, parts):
    """In these users a last day of high value and another category means the end."""
    stopped = ((pl.col("recency_days") <= 2) & pl.col("history").list.get(-2).struct.field("value").gt(5)).alias(
        "stopped"
    )
    mine = asked.select(stopped).to_series().to_numpy()
    of_day = parts.parts[:, [parts.names.index(name) for name in ("day_value", "day_category", "day_events")]].sum(
        axis=1
    )
    others = ~mine & (asked["recency_days"] <= 2).to_numpy()
    assert of_day[mine].mean() > of_day[others].mean() + 1


@with_keras
def test_the_part_of_an_input_that_was_constant_is_nothing(learnt, parts):
    constant = [name for name, spread in zip(STATIC, learnt[0].scales_.static.spread, strict=True) if spread == 0]
    assert constant
    for name in constant:
        assert not parts.parts[:, parts.names.index(name)].any()


@with_keras
def test_saved_and_loaded_say_the_same_without_a_pickle(learnt, asked, parts, tmp_path):
    model, _ = learnt
    model.save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".npz", ".json"}
    loaded = SequenceLSTM.load(tmp_path / "model")
    assert loaded == model
    assert loaded.predict(asked).equals(model.predict(asked))
    np.testing.assert_array_equal(loaded.contributions(asked).parts, parts.parts)


@with_keras
def test_a_folder_of_something_else_is_refused(learnt, tmp_path):
    with pytest.raises(UsageError, match="holds no SequenceLSTM"):
        SequenceLSTM.load(tmp_path)
    learnt[0].save(tmp_path)
    told = json.loads((tmp_path / "network.json").read_text())
    (tmp_path / "network.json").write_text(json.dumps(told | {"covariates": ["other"]}))
    with pytest.raises(UsageError, match="train it again"):
        SequenceLSTM.load(tmp_path)


@pytest.mark.parametrize(
    ("losses", "advised", "left"),
    [
        ([0.6, 0.4, 0.5, 0.5, 0.3], 20, 1),  # the patience ends before the last check
        ([0.6, 0.5, 0.4, 0.3, 0.2], 45, 0),
        ([0.6, 0.7, 0.7, 0.2, 0.1], 10, 2),
    ],
)
def test_the_steps_are_those_after_which_later_cutoffs_were_told_best(monkeypatch, losses, advised, left):
    told = iter(losses)
    monkeypatch.setattr(sequence_training, "stepped", lambda *args: range(1, args[-1] + 1))
    monkeypatch.setattr(sequence_training, "loss_on", lambda *_: next(told))
    how = Training(steps=45, check_every=10, patience=2)
    assert best_steps(None, None, None, how) == advised
    assert len(list(told)) == left


def test_a_single_cutoff_tells_nothing_of_when_to_stop():
    early, late = early_and_late(seen_at(regulars(20), (41,)))
    assert not early.any()
    assert late.all()


@with_keras
def test_a_network_begins_with_the_rates_of_all(asked):
    inputs = Scales.of(asked, 6).inputs(asked, 6, HORIZON)
    network = built(Shape(TINY["window_days"], TINY["units"], len(STATIC)), 0.1, 0)
    begun(network, 0.7, 0.02)
    odds = sequence_network.told(network, inputs, TINY["batch"])
    np.testing.assert_allclose(odds, np.tile(logit([0.7, 0.02]), (len(odds), 1)), rtol=1e-5)
    assert Seen(inputs, outcomes(asked)).means()[0] == pytest.approx(asked["inactive"].mean())


def test_where_one_outcome_is_missing_users_have_the_rate_of_their_stage(asked, tmp_path):
    rows = asked.filter(~pl.col("inactive"))
    model = SequenceLSTM(HORIZON, **TINY).fit(rows)
    expected = Rates().fit(rows).predict(asked, HORIZON)[0]
    np.testing.assert_allclose(model.predict(asked)["p_inactive"], expected)
    told = model.contributions(asked)
    np.testing.assert_allclose(told.parts.sum(axis=1) + told.base, logit(expected))
    model.save(tmp_path)
    assert SequenceLSTM.load(tmp_path).predict(asked).equals(model.predict(asked))


def test_the_covariates_beside_the_days_know_no_horizon(asked):
    assert set(covariates.names()) > set(STATIC)
    scales = Scales.of(asked, 6)
    short, long = (scales.inputs(asked.with_columns(horizon_days=pl.lit(d)), 6, HORIZON) for d in (7, 90))
    for name in short:
        assert np.array_equal(short[name], long[name]) == (name != "longer")


def test_an_untrained_model_says_so(asked, tmp_path):
    for ask in (SequenceLSTM(7).predict, SequenceLSTM(7).contributions):
        with pytest.raises(UsageError, match="call fit"):
            ask(asked)
    with pytest.raises(UsageError, match="call fit"):
        SequenceLSTM(7).save(tmp_path)


def test_without_keras_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r'pip install "foretide\[neural\]"'):
        SequenceLSTM(HORIZON, **TINY).fit(seen_at(regulars(), (41,)))
