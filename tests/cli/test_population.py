"""Where the population goes, asked from the command line."""

import json
from itertools import pairwise

import polars as pl
import pytest

from foretide.report.ahead import population
from foretide.workspace import Workspace


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


def test_the_account_ahead_leads_from_the_users_of_today_to_the_stages_at_the_end(foretide, shop):
    today = json.loads(foretide("growth", "-w", shop, "--format", "json").out)[0]
    asked = ("population", "-w", shop, "-h", "5", "--format", "json")
    account = json.loads(foretide(*asked, "--accounting").out)
    for before, after in pairwise([today, *account]):
        assert after["active"] == pytest.approx(before["active"] + after["new"] + after["resurrected"] - after["lost"])
    stages = [row for row in json.loads(foretide(*asked).out) if row["ds"] == account[-1]["ds"]]
    assert account[-1]["active"] == pytest.approx(sum(row["users"] for row in stages if row["stage"] != "churned"))


def test_a_what_if_is_the_one_of_the_report(foretide, shop):
    place = Workspace.open(shop)
    reported = population(place, place.moment(), 5).tables["what_ifs"].row(1, named=True)
    asked = ("whatif", "-w", shop, "-h", "5", f"--{reported['scenario']}", f"{reported['change']:+}")
    told = foretide(*asked, "--format", "json")
    staying = [row for row in json.loads(told.out)[-6:] if row["stage"] != "churned"]
    assert sum(row["users"] for row in staying) == pytest.approx(reported["active"])
    assert sum(row["users_if"] for row in staying) == pytest.approx(reported["active_if"])
    assert f"{reported['difference']:+,.1f} ({reported['lo']:+,.1f} to {reported['hi']:+,.1f} " in told.err
    last_but_one, last = json.loads(foretide(*asked, "--accounting", "--format", "json").out)[-2:]
    assert last["active_if"] == pytest.approx(reported["active_if"])
    net = last["new_if"] + last["resurrected_if"] - last["lost_if"]
    assert last["active_if"] == pytest.approx(last_but_one["active_if"] + net)


def test_a_file_has_every_day_of_a_what_if(foretide, shop, tmp_path):
    path = tmp_path / "if.csv"
    told = foretide("whatif", "-w", shop, "-h", "5", "--arrivals", "-20", "-o", path, "--lang", "zh")
    assert told.code == 0, told.err
    assert pl.read_csv(path)["ds"].n_unique() == 5


def test_what_if_moves_the_mix_and_refuses_what_cannot_be(foretide, shop):
    told = foretide("whatif", "-w", shop, "-h", "5", "--arrivals", "+50%", "--format", "json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)
    assert sum(row["users_if"] for row in rows[-6:]) >= sum(row["users"] for row in rows[-6:])
    for refused in ("-150", "many"):
        assert foretide("whatif", "-w", shop, "--reactivation", refused).code == 2


@pytest.mark.parametrize("change", ["-101", "nan", "inf", "more"])
def test_an_impossible_change_is_refused_in_percent(foretide, shop, change):
    told = foretide("whatif", "-w", shop, "--arrivals", change)
    assert told.code == 2
    assert f"such as +10 or -20, at least -100, not '{change}'" in told.err
