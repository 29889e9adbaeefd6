"""The sections on the days ahead: what they say is what their tables hold, and what is missing is said."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretide.report.data import ReportData
from foretide.report.interests import interests
from foretide.report.models import judged, model_table, models, standing
from foretide.report.population import population, weeks_ahead, whole
from foretide.report.reasons import reasons
from foretide.report.reliability import by_luck, of_group, off, reliability
from foretide.report.segments import LINE, label, segments
from foretide.report.users import outlook
from foretide.report.whatif import whatif
from foretide.text import LANGUAGES, speaking
from foretide.users.backtest import BASELINES

SECTIONS = (population, whatif, models, reliability, segments, reasons)
AHEAD = ("account_ahead", "what_ifs", "models", "reliability", "segments", "importance")


def plain(text: str) -> str:
    return text.translate(str.maketrans({"\u2068": "", "\u2069": "", "\u00a0": " ", "−": "-", ",": ""}))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("section", "name"), list(zip(SECTIONS, AHEAD, strict=True)), ids=AHEAD)
def test_what_is_missing_is_said(data, section, name, lang):
    with speaking(lang):
        for gone in (None, getattr(data, name).clear()):
            told = section(replace(data, **{name: gone}))
            assert told.sentence
            assert (told.figures, told.tables) == ((), ())
        assert told.sentence != section(data).sentence


@pytest.mark.parametrize("section", SECTIONS)
def test_without_users_there_is_nothing_to_say(data, section):
    assert section(ReportData("Series", data.as_of, 28)) is None


counts = st.floats(0, 1e4)


@given(before=st.integers(0, 10_000), new=counts, back=counts, lost=counts)
def test_whole_flows_add_up_and_are_near(before, new, back, lost):
    after = before + new + back - lost
    came, returned, left = whole(before, after, new, back, lost)
    assert before + came + returned - left == round(after)
    assert min(came, returned, left) >= 0
    assert max(abs(came - new), abs(returned - back), abs(left - lost)) <= 2.5


def test_the_account_ahead_adds_up_in_words_and_by_week(data):
    with speaking("en"):
        told = population(data)
    said = re.search(
        r"(\d+) new users and (\d+) to come back while (\d+) leave: ([+-]?\d+) on balance from (\d+) to (\d+)",
        plain(told.sentence),
    )
    new, back, lost, net, before, after = map(int, said.groups())
    assert new + back - lost == net == after - before
    assert before == data.accounting["active"][-1]
    assert after == round(data.account_ahead["active"][-1])
    weekly = weeks_ahead(data.account_ahead)
    assert weekly["active"][-1] == data.account_ahead["active"][-1]
    for flow in ("new", "resurrected", "lost"):
        assert weekly[flow].sum() == pytest.approx(data.account_ahead[flow].sum())


def test_a_horizon_that_is_not_of_whole_weeks_keeps_its_last_days(data):
    weekly = weeks_ahead(data.account_ahead.head(10))
    assert weekly["ds"].to_list() == [data.account_ahead["ds"][6], data.account_ahead["ds"][9]]
    assert weekly["new"].to_list() == pytest.approx([7 * 4.2, 3 * 4.2])


def test_a_change_that_wins_hardly_anybody_is_no_difference(data):
    with speaking("en"):
        words = plain(whatif(data).sentence)
    assert "24 more (+18 to +30) if churned users came back 10 % more often" in words
    assert "8 fewer (-11 to -5) if 20 % fewer new users arrived" in words
    assert "as good as no difference (-1 to +1) if all others came 5 % more often" in words


def test_verdicts_follow_the_intervals(data):
    with speaking("en"):
        rows = judged(data, "all")
        told = {row["model"]: (standing(row), row["verdict"]) for row in rows.iter_rows(named=True)}
    assert told["glm"] == ("better", "chosen; better than the stage rate")
    assert told["svm"] == ("worse", "worse than the stage rate")
    assert {told[name][1] for name in BASELINES} == {"simple rate"}
    assert rows["model"].to_list()[-2:] == list(BASELINES)
    assert (rows.filter(~pl.col("simple"))["log_loss"].diff().drop_nulls() >= 0).all()


def test_what_was_not_tried_is_named_with_the_way_to_try_it(data):
    with speaking("en"):
        told = models(data)
        assert "mlp, lstm" in told.remark
        assert "foretide report --model all" in told.remark
        assert "--model" not in models(replace(data, models_untried=())).remark


def test_a_kept_model_that_another_clearly_beats_is_said(data):
    better = data.model_margins.with_columns(margin=pl.lit(-0.1), margin_lo=pl.lit(-0.2), margin_hi=pl.lit(-0.05))
    with speaking("en"):
        assert "no model tried was clearly better" in models(data).sentence
        words = models(replace(data, model_margins=better)).sentence
    assert f"foretide train users --models {data.model_kept}," in words


def test_no_model_better_than_a_rate_is_said(data):
    level = data.models.with_columns(margin_lo=pl.lit(-0.1), margin_hi=pl.lit(0.1))
    with speaking("en"):
        words = models(replace(data, models=level)).sentence
    assert "no model was clearly better than the stage rate" in words
    assert "It clearly beats" not in words


def test_the_best_figures_are_stressed(data):
    with speaking("en"):
        rows = judged(data, "all")
        table = model_table(rows, "")
    column = table.header.index("Log-loss")
    assert {row for row, at in table.best if at == column} == {0}


def test_one_class_has_no_auc_and_still_a_table(data):
    one = data.models.with_columns(auc=pl.lit(None, pl.Float64), days_bias=pl.lit(None, pl.Float64))
    with speaking("en"):
        table = models(replace(data, models=one)).tables[0]
    assert {row[table.header.index("AUC")] for row in table.rows} == {"–"}


def test_right_chances_are_off_by_luck_alone(data):
    rows = of_group(data.reliability, "all")
    assert off(rows) == pytest.approx(by_luck(rows), abs=0.03)
    said = plain(speaking_en(reliability, data).sentence)
    assert f"{100 * off(rows):.1f} points away from what happened" in said


def speaking_en(section, data):
    with speaking("en"):
        return section(data)


def test_each_stage_with_enough_users_is_drawn(data):
    told = speaking_en(reliability, data)
    assert [drawn.title for drawn in told.figures] == ["All users (620)", "Active (400)", "At risk (200)"]
    assert "Fewer than 50 users, so not drawn: new" in told.remark


def test_one_stage_is_drawn_once(data):
    one = data.reliability.filter(pl.col("stage").is_in(["all", "eligible", "active"]))
    assert len(speaking_en(reliability, replace(data, reliability=one)).figures) == 1


def test_groups_without_items_or_values_have_no_such_columns(data):
    bare = data.segments.with_columns(
        expected_value=pl.lit(None, pl.Float64), interests_ahead=pl.lit(None, pl.List(pl.String))
    )
    worth = data.worth.with_columns(interest=pl.lit(None, pl.String), unit=pl.lit("active_days"))
    told = speaking_en(segments, replace(data, segments=bare, worth=worth))
    headings = {heading for table in told.tables for heading in table.header}
    assert not headings & {"Expected value", "Interests ahead", "Main interest ahead"}
    assert "in active days" in told.tables[-1].caption


def test_what_rises_and_falls_in_each_group_is_told(data):
    told = speaking_en(segments, data)
    (table,) = [table for table in told.tables if table.header == ("Segment", "Rising", "Falling")]
    everybody, often, rarely = table.rows
    assert [plain(cell) for cell in everybody] == [
        "all users",
        "Fruit & vegetables (21.0 % → 25.0 %)",
        "Frozen food (9.0 % → 7.0 %)",
    ]
    assert often[1:] == ("–", "–")
    assert [plain(cell) for cell in rarely[1:]] == ["Soup (5.0 % → 8.0 %)", "–"]


def test_no_interest_that_moves_is_said_and_no_interests_are_not(data):
    steady = data.interest_trends.with_columns(direction=pl.lit("steady"))
    told = speaking_en(segments, replace(data, interest_trends=steady))
    assert "In no group does an interest clearly rise or fall" in told.sentence
    bare = speaking_en(segments, replace(data, interest_trends=data.interest_trends.clear()))
    assert "In no group" not in bare.sentence
    assert len(told.tables) == len(bare.tables) == len(speaking_en(segments, data).tables) - 1


def test_what_the_expected_interests_are_worth_is_said(data):
    told = speaking_en(interests, data)
    assert "clearly better by the user's expected mix than by the user's own mix of the last weeks" in told.sentence
    (table,) = told.folded
    assert table.best == {(0, 1)}
    assert [plain(row[2]) for row in table.rows][2] == "–"
    ours = pl.col("model") == "foretide"
    lost = data.interest_quality.with_columns(pl.when(ours).then(0.1).otherwise("margin_lo").alias("margin_lo"))
    lost = lost.with_columns(pl.when(ours).then(0.2).otherwise("margin_hi").alias("margin_hi"))
    assert "told worse" in speaking_en(interests, replace(data, interest_quality=lost)).sentence
    assert speaking_en(interests, replace(data, interest_quality=None)).folded == ()


def test_weights_of_reasons_add_up_and_say_that_they_are_no_cause(data):
    told = speaking_en(reasons, data)
    weights, users = told.tables
    assert [plain(row[1]) for row in weights.rows] == ["60 %", "33 %", "7 %"]
    assert [row[0] for row in users.rows] == ["household 1", "household 2"]
    assert "not the cause" in told.remark
    assert len(speaking_en(reasons, replace(data, explained=data.explained.clear())).tables) == 1


def test_stages_ahead_of_each_stage_add_up(data):
    told = speaking_en(outlook, data)
    (ahead,) = [table for table in told.tables if "end of the horizon" in table.caption]
    for row in ahead.rows:
        assert sum(float(plain(cell).removesuffix(" %")) for cell in row[1:]) == pytest.approx(100, abs=3)
    assert "Chance of a new interest" in told.figures[0].table.header
    assert ahead.header[1] == "new"
    nobody_new = data.outlook.with_columns(p_active=pl.col("p_active") + pl.col("p_new"), p_new=pl.lit(0.0))
    (without,) = speaking_en(outlook, replace(data, outlook=nobody_new)).tables
    assert without.header[1:] == ahead.header[2:]
    bare = data.outlook.with_columns(p_new_category=pl.lit(None, pl.Float64))
    header = speaking_en(outlook, replace(data, outlook=bare)).figures[0].table.header
    assert "Chance of a new interest" not in header


def test_one_group_and_nobody_at_stake_are_said(data):
    told = speaking_en(segments, replace(data, segments=data.segments.head(1), worth=data.worth.clear()))
    assert "make one group" in told.sentence
    assert "nobody worth acting on" in told.sentence
    assert len(told.tables) == 2


@given(st.text(alphabet="abcd 客户", min_size=1, max_size=120).filter(str.strip))
def test_no_line_of_a_name_is_too_wide_for_a_phone(name):
    lines = label(name, 1234)
    widths = [sum(1 if sign.isascii() else 2 for sign in line) for line in lines]
    assert max(widths) <= LINE
