"""What the report asks about the days ahead: answers that agree with each other, and logs that leave some open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from foretide.errors import UsageError
from foretide.report.ahead import SCENARIOS, looking_ahead
from foretide.report.explained import MOST_USERS
from foretide.report.gather import gather_series
from foretide.report.trials import QUICK, trial_of_models, tried
from foretide.text import say, speaking
from foretide.users.further import FURTHER
from foretide.users.interest_trends import EVERYBODY
from foretide.users.models import USER_MODELS
from foretide.users.scores import CALIBRATION_GROUPS
from foretide.workspace import Workspace

H = 14
BEGIN = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def ahead(shop_template):
    place = Workspace.open(shop_template)
    return looking_ahead(place, place.moment(), H, None, ("bgnbd",)).tables


def test_all_tell_of_the_same_users_at_the_horizon(ahead):
    end = ahead["stage_forecast"].filter(pl.col("ds") == pl.col("ds").max())
    active = end.filter(pl.col("unique_id") != "churned")["mean"].sum()
    assert ahead["account_ahead"]["active"][-1] == pytest.approx(active)
    assert ahead["what_ifs"]["active"].to_list() == pytest.approx([active] * len(SCENARIOS))
    assert ahead["segments"]["users"].sum() == ahead["outlook"].height


def test_every_day_has_nested_intervals_of_every_stage(ahead):
    told = ahead["stage_forecast"]
    assert told.group_by("unique_id").len()["len"].to_list() == [H] * 6
    for low, high in (("lo-95", "lo-80"), ("lo-80", "mean"), ("mean", "hi-80"), ("hi-80", "hi-95")):
        assert (told[low] <= told[high] + 1e-9).all()


def test_a_difference_lies_in_its_interval_and_points_where_the_change_does(ahead):
    for row in ahead["what_ifs"].iter_rows(named=True):
        assert row["lo"] <= row["difference"] <= row["hi"]
        assert row["difference"] == pytest.approx(row["active_if"] - row["active"])
        assert row["difference"] * row["change"] > 0


def test_users_worth_acting_on_are_explained_with_what_turns_them(ahead):
    told = ahead["explained"]
    assert told["user_id"].to_list() == ahead["worth"]["user_id"].head(MOST_USERS).to_list()
    chances = dict(ahead["outlook"].select("user_id", "p_inactive").iter_rows())
    assert told["p_inactive"].to_list() == pytest.approx([chances[user] for user in told["user_id"]])
    assert told["why"].str.contains("(Raises|Lowers) it: ").all()
    assert told["turns"].str.contains("%").all()


def test_interests_are_told_of_everybody_and_of_each_group(ahead):
    assert set(ahead["interest_trends"]["segment"]) == {EVERYBODY, *ahead["segments"]["segment"]}
    assert ahead["interest_quality"]["log_loss"].is_finite().all()
    assert set(FURTHER) <= set(ahead["outlook"].columns)


def test_the_models_are_those_asked_for_and_the_kept_one(ahead):
    assert ahead["model_kept"] == "glm"
    assert {"glm", "bgnbd"} == set(ahead["models"]["model"]) & set(USER_MODELS)
    assert set(ahead["models_untried"]) == set(USER_MODELS) - {"glm", "bgnbd"}
    (kept,) = ahead["model_margins"].filter(model="glm")["margin"]
    assert kept == 0


def test_the_kept_model_scores_as_in_the_test_of_the_outlook(ahead):
    scored, tested = ahead["models"].filter(model="glm"), ahead["outlook_quality"].filter(model="foretide")
    assert scored["log_loss"].to_list() == pytest.approx(tested["log_loss"].to_list())
    everyone = ahead["reliability"].filter(stage="all")
    assert everyone["n"].sum() == scored.filter(stage="all")["n"].item()
    assert everyone.height <= CALIBRATION_GROUPS


def test_names_of_models():
    assert tried((), "stack") == ["stack", *QUICK]
    assert tried(("mlp", "glm"), "glm") == ["glm", "mlp"]
    assert set(tried(("all",), "glm")) >= set(QUICK) | {"svm", "forest", "mlp", "stack"}


def place_of(folder, days, users=12):
    """Return a workspace whose users all act once a day, without items, categories or values."""
    rows = [(f"u{n}", BEGIN + timedelta(days=day, minutes=n), "view") for day in range(days) for n in range(users)]
    place = Workspace.create(folder)
    place.ingest(pl.DataFrame(rows, schema=["user_id", "ts", "event_type"], orient="row"))
    return place


def test_a_day_is_too_short_for_anything(tmp_path):
    place = place_of(tmp_path / "day", 1)
    told = looking_ahead(place, BEGIN + timedelta(hours=11, minutes=59), H, None, ())
    assert told == ({}, ())


def test_a_few_days_without_items_and_of_one_stage_have_no_trial_and_one_group(tmp_path):
    place = place_of(tmp_path / "week", 6)
    with speaking("en"):
        told = looking_ahead(place, place.moment(), H, None, ("bgnbd",))
        assert say("outlook.no_backtest") in told.notes
        assert say("users.note.few_users") in told.notes
    assert "models" not in told.tables
    assert told.tables["segments"].height == 1
    assert told.tables["recommendations"] is None
    assert told.tables["stage_forecast"]["ds"].n_unique() == H


def test_series_alone_say_that_users_take_events(tmp_path):
    place = Workspace.create(tmp_path / "tills")
    days = [BEGIN.date() + timedelta(days=day) for day in range(40)]
    place.store.put(
        "series", pl.DataFrame({"unique_id": "till", "ds": days, "y": [float(day % 7) for day in range(40)]})
    )
    with speaking("en"):
        told = gather_series(place, H, None)
        assert say("ahead.series_only") in told.notes
    assert told.stage_history is None


def test_a_model_that_is_not_there_is_an_error(shop_template):
    with pytest.raises(UsageError, match="no model 'oracle'"):
        trial_of_models(Workspace.open(shop_template), None, H, ("oracle",))  # said before the outlook is looked at
