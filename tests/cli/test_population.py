"""Where the population goes, asked from the command line."""

import json
from itertools import pairwise

import pytest


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_stages_ahead_add_up_to_all_users(foretide, shop, lang):
    told = foretide("population", "-w", shop, "-h", "5", "--format", "json", "--lang", lang)
    assert told.code == 0, told.err
    shares = {}
    for row in json.loads(told.out):
        shares[row["ds"]] = shares.get(row["ds"], 0.0) + row["share"]
        assert row["share-lo-80"] <= row["share"] <= row["share-hi-80"]
    assert len(shares) == 5
    assert all(abs(total - 1) < 1e-9 for total in shares.values())


def test_the_account_ahead_adds_up(foretide, shop):
    rows = json.loads(foretide("population", "-w", shop, "-h", "5", "--accounting", "--format", "json").out)
    for before, after in pairwise(rows):
        assert after["active"] == pytest.approx(before["active"] + after["new"] + after["resurrected"] - after["lost"])


def test_what_if_moves_the_mix_and_refuses_what_cannot_be(foretide, shop):
    told = foretide("whatif", "-w", shop, "-h", "5", "--arrivals", "+50%", "--format", "json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    assert sum(row["users_if"] for row in rows[-6:]) >= sum(row["users"] for row in rows[-6:])
    for refused in ("-150", "many"):
        assert foretide("whatif", "-w", shop, "--reactivation", refused).code == 2
