"""Each series has the season that suits it; few origins do not make one of chance."""

import numpy as np
import pytest

from foretide.forecast import seasons
from foretide.forecast.candidates import candidates
from foretide.forecast.engine import ENSEMBLE, run
from foretide.forecast.seasons import best_trial, own_season, season_of_all
from foretide.schema import Panel

WEEK = np.array([0.4, 0.7, 0.9, 1.0, 1.2, 1.6, 1.2])


def mixed(n=12, n_steps=210, seed=0):
    """Twice as many series with a week as with four steps that return."""
    rng = np.random.default_rng(seed)
    fours = np.array([0.5, 1.5, 0.7, 1.3])[np.arange(n_steps) % 4]
    weeks = WEEK[np.arange(n_steps) % 7]
    return rng.poisson(60 * np.vstack([np.tile(weeks, (2 * n, 1)), np.tile(fours, (n, 1))])).astype(float)


def test_each_series_of_a_mixed_panel_has_its_own_season():
    y = mixed()
    told = best_trial(y[:, :182], 28, (7, 4), candidates)
    assert told.season_length == 7
    seven, four = (best_trial(y[:, :182], 28, (m,), candidates) for m in (7, 4))
    naive = list(told.trial.said).index("SeasonalNaive")
    np.testing.assert_array_equal(told.trial.now[naive, :24], seven.trial.now[naive, :24])
    np.testing.assert_array_equal(told.trial.now[naive, 24:], four.trial.now[naive, 24:])
    np.testing.assert_array_equal(told.trial.scale[24:], four.trial.scale[24:])
    came = y[24:, 182:]
    errors = [np.abs(came - one.verdict.expect(one.trial.now)[24:]).mean() for one in (told, seven, four)]
    assert errors[0] < 0.6 * errors[1]
    assert errors[0] == pytest.approx(errors[2], rel=0.1)


def test_the_whole_run_forecasts_a_mixed_panel_with_models_beside():
    y = mixed()
    days = np.datetime64("2024-01-01") + np.arange(182)
    run_of = {
        seasons: run(Panel([str(i) for i in range(36)], days, y[:, :182]), 28, season_length=seasons, models=["theta"])
        for seasons in ((7, 4), 7)
    }
    own, one = (np.abs(y[24:, 182:] - told.forecast.median[24:]).mean() for told in run_of.values())
    assert own < 0.6 * one
    rmsse = {key: told.backtest.filter(model=ENSEMBLE)["rmsse"].item() for key, told in run_of.items()}
    assert rmsse[7, 4] < rmsse[7]


def test_a_panel_of_one_season_is_forecast_as_with_that_alone():
    y = mixed()[:24]
    both, one = best_trial(y, 14, (7, 1), candidates), best_trial(y, 14, (7,), candidates)
    np.testing.assert_array_equal(both.verdict.past, one.verdict.past)
    np.testing.assert_array_equal(both.trial.now, one.trial.now)


def test_a_small_gain_at_a_single_origin_is_chance():
    squares = np.ones((2, 30, 4))
    squares[1] = 1.1
    squares[1, 0, 0] = 0.8
    assert (own_season(squares, 0) == 0).all()
    squares[1, 1] = 0.5
    assert own_season(squares, 0)[1] == 1
    squares[:, 2] = np.nan
    assert own_season(squares, 0)[2] == 0


@pytest.mark.parametrize(("season_lengths", "own"), [((7, 4), True), ((24, 168), False)])
def test_a_backtest_shorter_than_the_longest_season_chooses_for_the_panel_only(monkeypatch, season_lengths, own):
    """Eight origins twelve hours apart see no weekend: days that were alike so far are part of a week all the same."""
    rng = np.random.default_rng(0)
    y = rng.poisson(50 + 30 * np.sin(2 * np.pi * np.arange(24 * 20) / max(season_lengths)), (4, 480)).astype(float)
    monkeypatch.setattr(seasons, "own_season", lambda squares, best: np.array([best, 1 - best, best, best]))
    told = best_trial(y, 24, season_lengths, candidates)
    alone = best_trial(y, 24, (told.season_length,), candidates)
    assert (told.trial.now[:, 1] != alone.trial.now[:, 1]).any() == own
    np.testing.assert_array_equal(told.trial.now[:3, [0, 2, 3]], alone.trial.now[:3, [0, 2, 3]])


@pytest.mark.parametrize(
    ("errors", "season_lengths", "best"),
    [
        ((1.0, 0.995), (7, 1), 0),
        ((1.0, 0.95), (7, 1), 1),
        ((0.995, 1.0), (24, 168), 1),
        ((0.9, 1.0), (24, 168), 0),
        ((np.nan, np.nan), (24, 168), 1),
    ],
)
def test_the_panel_has_the_longest_season_unless_another_is_clearly_better(errors, season_lengths, best):
    squares = np.broadcast_to(np.array(errors)[:, None, None] ** 2, (2, 5, 4))
    assert season_of_all(squares, season_lengths) == best
