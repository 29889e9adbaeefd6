"""The stages ahead: laws of the tables, what comes later changes nothing, known truth, small and short logs."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from foretide.errors import NotEnoughDataError, UsageError
from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import stage_counts
from foretide.schema import STAGES
from foretide.text import LANGUAGES, say, speaking
from foretide.users.mix_weights import MODELS, TOGETHER
from foretide.users.stages import NOTES, stage_outlook
from users.populations import at, log, steady

H = 21


@pytest.fixture(scope="module")
def buckets():
    return steady(500, 140)


@pytest.fixture(scope="module")
def told(buckets):
    return stage_outlook(buckets, at(112), H)


def by_day(outlook, column):
    """Return a column of the stages, ``(h, n_stages)``."""
    return outlook.stages[column].to_numpy().reshape(-1, len(STAGES))


def test_every_stage_has_a_row_on_every_day(told):
    assert told.stages.select("ds", "stage").is_unique().all()
    assert told.stages["stage"].to_list() == list(STAGES) * H
    assert told.stages["ds"].to_list() == sorted(told.stages["ds"])
    assert told.stages["ds"][0] == (at(112)).date()


def test_shares_are_a_mix_and_users_their_part_of_all(told):
    share, users = by_day(told, "share"), by_day(told, "users")
    assert share.sum(axis=1) == pytest.approx(1)
    assert (share >= 0).all()
    assert users == pytest.approx(share * users.sum(axis=1, keepdims=True))


def test_intervals_nest_around_the_share(told):
    lo95, lo80, share, hi80, hi95 = (
        by_day(told, f"share{end}") for end in ("-lo-95", "-lo-80", "", "-hi-80", "-hi-95")
    )
    for low, high in ((0, lo95), (lo95, lo80), (lo80, share), (share, hi80), (hi80, hi95), (hi95, 1)):
        assert np.all(np.asarray(low) <= np.asarray(high) + 1e-12)
    assert (hi95 - lo95).mean() > 0
    assert by_day(told, "users-hi-80") == pytest.approx(hi80 * by_day(told, "users").sum(axis=1, keepdims=True))


def test_growth_adds_up_to_the_stages(buckets, told):
    now = stage_counts(buckets, at(112))["users"].to_numpy()[-6:]
    active, new, back, lost = (told.accounting[name].to_numpy() for name in ("active", "new", "resurrected", "lost"))
    before = np.concatenate([[now[:-1].sum()], active[:-1]])
    assert active == pytest.approx(before + new + back - lost)
    users = by_day(told, "users")
    assert active == pytest.approx(users[:, :-1].sum(axis=1))
    assert users.sum(axis=1) == pytest.approx(now.sum() + np.cumsum(new))


def test_nothing_that_comes_later_changes_the_answer(buckets, told):
    early = FrameBuckets(buckets.frame.filter(pl.col("ts") < at(112)), "UTC")
    assert stage_outlook(early, at(112) + timedelta(hours=9), H).stages.equals(told.stages)


def test_another_seed_tells_hardly_anything_else(buckets, told):
    other = stage_outlook(buckets, at(112), H, seed=5)
    assert np.abs(by_day(other, "share") - by_day(told, "share")).max() < 0.01


def test_a_population_of_known_chances_goes_where_it_went(buckets, told):
    counts = stage_counts(buckets, at(112 + H))["users"].to_numpy().reshape(-1, 6)[-H:]
    happened = counts / counts.sum(axis=1, keepdims=True)
    assert np.abs(by_day(told, "share") - happened).mean() < 0.02
    assert told.quality["last_day"][-1] < 2.5
    assert told.quality["model"].to_list() == [*MODELS, TOGETHER]
    assert told.weights["weight"].sum() == pytest.approx(1)
    assert told.notes == ()


def test_days_are_local_even_where_the_clocks_change():
    buckets = FrameBuckets(steady(60, 75).frame, "America/New_York")  # summer time began on day 69
    told = stage_outlook(buckets, at(68), 7)
    days = told.stages["ds"].unique().sort().to_list()
    assert [(day - days[0]).days for day in days] == list(range(7))


def test_two_weeks_are_told_about_with_notes():
    told = stage_outlook(steady(150, 14), at(14), 28)
    assert by_day(told, "share").sum(axis=1) == pytest.approx(1)
    assert by_day(told, "share")[-1, -1] > 0.02  # nobody was churned yet, but time goes on
    assert {"short_backtest", "horizon_longer_than_history", "never_churned", "stage_never_seen"} <= set(told.notes)


def test_two_days_are_told_about_without_a_backtest():
    told = stage_outlook(log([0, 1, 2, 1], [0, 0, 1, 1]), at(2), 5)
    assert by_day(told, "share").sum(axis=1) == pytest.approx(1)
    assert told.quality.is_empty()
    assert "no_backtest" in told.notes


def test_one_user_who_is_gone_stays_where_silence_leads():
    told = stage_outlook(log([0] * 5, range(5)), at(60), 14)
    assert by_day(told, "share").sum(axis=1) == pytest.approx(1)
    assert by_day(told, "share")[:, -1].min() > 0.5
    assert {"few_users", "no_arrivals"} <= set(told.notes)


def test_other_rules_count_too(buckets):
    told = stage_outlook(buckets, at(112), 7, LifecycleRule(window_days=3))
    counts = stage_counts(buckets, at(119), LifecycleRule(window_days=3))["users"].to_numpy()[-6:]
    assert np.abs(by_day(told, "share")[-1] - counts / counts.sum()).mean() < 0.03


@pytest.mark.parametrize(("h", "levels"), [(0, (80,)), (7, (0,)), (7, (100,))])
def test_what_cannot_be_asked_is_refused(buckets, h, levels):
    with pytest.raises(UsageError):
        stage_outlook(buckets, at(112), h, levels=levels)


def test_nothing_before_the_moment_is_refused(buckets):
    with pytest.raises(NotEnoughDataError):
        stage_outlook(buckets, at(0), 7)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_note_has_words(lang):
    with speaking(lang):
        assert all(say(f"users.note.{code}") for code in NOTES)
