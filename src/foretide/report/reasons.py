"""The section on reasons: what the chances of no activity rest on, over all users and for some of them."""

from __future__ import annotations

import polars as pl

from foretide.report.blocks import Columns, Section, Table, table
from foretide.report.data import ReportData, given
from foretide.report.wording import listing, number, percent, sentences, strong
from foretide.text import say

#: Reasons that the sentence names.
NAMED = 2


def reasons(data: ReportData) -> Section | None:
    """Say what moves the chances most, and show why some users may fall silent and what would turn it."""
    if not given(data.outlook):
        return None
    title = say("ahead.reasons.title")
    if not given(data.importance):
        return Section("reasons", title, say("outlook.no_reasons"))
    first = [strong(say(f"explain.reason_{reason}")) for reason in data.importance["reason"][:NAMED]]
    tables = [importance_table(data.importance)]
    tables += [explained_table(data.explained)] if given(data.explained) else []
    remark = sentences([say("explain.caveat"), say("ahead.reasons.ask")])
    sentence = say("ahead.reasons.sentence", first=listing(first))
    return Section("reasons", title, sentence, tables=tuple(tables), remark=remark)


def importance_table(importance: pl.DataFrame) -> Table:
    """Return what the chances rest on, the weightiest first."""
    whole = importance["mean_size"].sum() or 1.0
    columns: Columns = {
        "reason": (say("ahead.reasons.reason"), lambda reason: say(f"explain.reason_{reason}")),
        "weight": (say("ahead.reasons.weight"), lambda x: percent(x, 0)),
        "mean_size": (say("ahead.reasons.mean_size"), lambda x: number(x, 2)),
    }
    rows = importance.with_columns(weight=pl.col("mean_size") / whole)
    return table(say("ahead.reasons.importance"), rows, columns)


def explained_table(told: pl.DataFrame) -> Table:
    """Return why the first users worth acting on may fall silent, and what would turn it."""
    columns: Columns = {
        "user_id": (say("report.word.user"), str),
        "why": (say("ahead.reasons.why"), str),
        "turns": (say("explain.turning_title"), str),
        "p_inactive": (say("ahead.reasons.chance"), percent),
    }
    return table(say("ahead.reasons.users"), told, columns, n_names=3)
