"""What is read of the population: as counted elsewhere, nothing of later days, a chain by hand."""

import numpy as np
import pytest

from foretide.errors import NotEnoughDataError
from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.features.population import stage_counts
from foretide.users.population import as_mix, chain, direct, read_past, setting
from users.populations import at, log, steady

RULE = LifecycleRule()


@pytest.fixture(scope="module")
def buckets():
    return steady(200, 110)


@pytest.fixture(scope="module")
def past(buckets):
    return read_past(buckets, at(100), 14, RULE)


def test_the_past_is_what_is_counted_elsewhere(buckets, past):
    counts = stage_counts(buckets, at(100), RULE)["users"].to_numpy().reshape(-1, 6)
    assert (past.users == counts).all()
    assert past.n_days == len(counts)
    assert past.h == 14
    assert past.dates[past.n_days - 1] == np.datetime64("2024-04-09")
    assert past.shares.sum(axis=1) == pytest.approx(1)
    assert past.origins[-1] == past.n_days
    assert all(origin + past.tested <= past.n_days for origin in past.origins[:-1])


def test_an_origin_knows_nothing_of_later_days(buckets, past):
    origin = past.origins[0]
    early = FrameBuckets(buckets.frame.filter(buckets.frame["ts"] < past.midnights[origin]), "UTC")
    alone = read_past(early, past.midnights[origin], past.tested, RULE)
    then, now = setting(past, origin, past.tested, 0), setting(alone, origin, past.tested, 0)
    assert (then.states == now.states).all()
    assert then.chance == pytest.approx(now.chance)
    assert then.arrivals == pytest.approx(now.arrivals)
    assert chain(past, origin, 14) == pytest.approx(chain(alone, origin, 14))
    assert direct(past, origin, 14) == pytest.approx(direct(alone, origin, 14))


def test_the_chain_is_that_of_powers_of_the_mean_moves(past):
    moved = past.moves[-28:, 1:, 1:].sum(axis=0)
    matrix = moved / moved.sum(axis=1, keepdims=True)
    arrivals = past.moves[-28:, 0, 1:].mean(axis=0)
    powers = [np.linalg.matrix_power(matrix, k) for k in range(15)]
    users = past.users[-1] @ powers[14] + sum(arrivals @ powers[k] for k in range(14))
    assert chain(past, past.n_days, 14)[-1] == pytest.approx(as_mix(users))


def test_a_mean_over_few_days_can_be_asked_for(past):
    assert not np.allclose(chain(past, past.n_days, 14, 7), chain(past, past.n_days, 14))


def test_a_week_is_needed_for_a_series_of_shares(past):
    assert direct(past, 5, 3) == pytest.approx(np.repeat(past.shares[4:5], 3, axis=0))


def test_a_single_day_is_too_little():
    with pytest.raises(NotEnoughDataError, match="1 whole day"):
        read_past(log([0], [0]), at(1), 7, RULE)


def test_of_a_large_population_a_sample_is_looked_at(buckets, monkeypatch):
    monkeypatch.setattr("foretide.users.population.LOOKED_AT", 50)
    sampled = read_past(buckets, at(100), 14, RULE)
    start = setting(sampled, sampled.n_days, 14, 0)
    assert start.states.size <= 70
    assert start.weights.sum() == pytest.approx(sampled.users[-1].sum())
