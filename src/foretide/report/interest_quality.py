"""How well users' expected interests told what they turned to, in words and as a table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import polars as pl

from foretide.report.blocks import Columns, Table, table
from foretide.report.models import margin_words, standing
from foretide.report.trust import best_rows
from foretide.report.wording import number, titled
from foretide.text import say


def quality_words(scores: pl.DataFrame) -> str:
    """Say whether the expected mixes of users were better than the best simple mix."""
    ours = scores.row(0, named=True)
    return say(
        f"ahead.interests.{standing(ours)}",
        baseline=mix_words(ours["baseline"]),
        margin=margin_words(ours["margin"], ours["margin_lo"], ours["margin_hi"]),
    )


def quality_table(scores: pl.DataFrame) -> Table:
    """Return the expected mixes beside the simple ones, the best figure stressed."""
    margins = [margin_words(*row) for row in scores.select("margin", "margin_lo", "margin_hi").iter_rows()]
    own = scores["model"] == scores["baseline"]
    rows = scores.with_columns(margins=pl.when(own).then(pl.lit(number(None))).otherwise(pl.Series(margins)))
    columns: Columns = {
        "model": (say("ahead.interests.mix"), lambda name: titled(mix_words(name))),
        "log_loss": (say("report.metric.log_loss"), partial(number, digits=3)),
        "margins": (say("ahead.models.margin"), str),
    }
    caption = say("ahead.interests.caption", users=number(scores["users"][0]), events=number(scores["events"][0]))
    written = table(caption, rows, columns)
    return replace(written, best=frozenset((row, 1) for row in best_rows(rows, "log_loss", written, 1)))


def mix_words(name: str) -> str:
    """Return the words for a mix."""
    return say(f"ahead.interests.{name.replace(' ', '_')}")
