"""Codes on a screen are words of the language that is spoken; programs get the codes."""

import polars as pl
import pytest

from foretide.cli.options import Format
from foretide.cli.words import on_screen
from foretide.schema import STAGES
from foretide.text import say, speaking
from foretide.users.interest_trends import TRENDS
from foretide.users.segments import WORTH

WORTHY = pl.DataFrame([(1, "u", "at_risk", 0.5, 2.0, 1.0, "active_days", "tea")], schema=WORTH, orient="row")
TREND = pl.DataFrame([("s", "tea", 0.1, 0.2, 0.15, 0.25, "rising")], schema=TRENDS, orient="row")


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ["at risk", "active days", "rising"]), ("zh", ["有流失风险", "活跃天数", "上升"])]
)
def test_stages_units_and_directions_are_words(lang, words):
    with speaking(lang):
        worth, trend = (on_screen(table, Format.table, None) for table in (WORTHY, TREND))
        assert [worth["stage"][0], worth["unit"][0], trend["direction"][0]] == words
        every = on_screen(pl.DataFrame({"stage": STAGES}), Format.table, None)
        assert every["stage"].to_list() == [say(f"stage.{stage}") for stage in STAGES]


def test_programs_and_files_get_codes_and_what_is_not_told_stays_so(tmp_path):
    for print_as, output in ((Format.json, None), (Format.csv, None), (Format.table, tmp_path / "a.csv")):
        assert on_screen(WORTHY, print_as, output).equals(WORTHY)
    untold = TREND.with_columns(direction=pl.lit(None, pl.String))
    assert on_screen(untold, Format.table, None)["direction"].to_list() == [None]
