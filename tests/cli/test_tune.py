"""Tuning from the command line."""

import json

import pytest

from foretide.tune.spaces import SPACES


def test_a_model_is_tuned_and_a_second_run_goes_on(foretide, shop):
    told = foretide("tune", "glm", "-w", shop, "-h", "14", "--trials", "2", "--format", "json")
    assert told.code == 0, told.err
    assert "Trial 1: default" in told.err
    assert len(json.loads(told.out)) == 2
    again = foretide("tune", "-w", shop, "-h", "14", "--trials", "3", "--search", "grid", "--lang", "zh")
    assert again.code == 0, again.err
    assert "试验 3" in again.err
    assert "试验 2" not in again.err
    assert len([line for line in again.out.splitlines() if line[:5].strip().isdigit()]) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["oracle"], "oracle"),
        (["--search", "magic"], "magic"),
        (["--trials", "0"], "0 trials"),
        (["--minutes", "-1"], "-1 minutes"),
        (["--minutes", "0"], "0 minutes"),
        (["--minutes", "nan"], "nan minutes"),
        (["--seed", "-1"], "the seed is -1"),
        (["--horizon", "0"], "0 days"),
        (["--horizon", "1000000"], "in no calendar"),
        (["--as-of", "0001-01-05"], "in no calendar"),
    ],
)
def test_what_makes_no_sense_is_refused(foretide, shop, arguments, words):
    told = foretide("tune", "-w", shop, *arguments)
    assert told.code == 2
    assert words in told.err


def test_a_log_that_is_too_short_is_told(foretide, shop):
    told = foretide("tune", "-w", shop, "--horizon", "118")
    assert told.code == 3
    assert "shorter horizon" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--model", "oracle"], 2, "'oracle'"),
        (["--models", "glm,"], 2, "no model ''"),
        (["--model", "stage rate"], 2, "'stage rate'"),
        (["--horizon", "-3"], 2, "-3 days"),
        (["--horizon", "1000000"], 2, "in no calendar"),
        (["--horizon", "118"], 3, "shorter horizon"),
        (["--as-of", "2001-01-01"], 3, "too few days"),
    ],
)
def test_what_cannot_be_trained_is_told_and_nothing_is_kept(foretide, shop, arguments, code, words):
    told = foretide("train", "users", "-w", shop, *arguments)
    assert told.code == code
    assert words in told.err
    assert not list(shop.glob("models/*"))


def test_the_help_names_every_model(foretide):
    words = foretide("tune", "--help").out.replace(",", " ").replace(".", " ").split()
    assert set(SPACES) <= set(words)
