"""Which interests rise and fall in each group of users, in words."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from foretide.report.blocks import Columns, Table, table
from foretide.report.wording import listing, number, percent, titled
from foretide.text import say
from foretide.users.interest_trends import EVERYBODY

#: Interests told of a group, each way.
MOST = 3
WAYS = ("rising", "falling")


def moving(trends: pl.DataFrame) -> pl.DataFrame:
    """Return the interests that are told to rise or to fall."""
    return trends.filter(pl.col("direction").is_in(WAYS))


def trend_table(trends: pl.DataFrame, groups: Sequence[str]) -> Table:
    """Return what rises and what falls, a row for everybody and one for each group, in their order."""
    names = [EVERYBODY, *groups]
    words = [[listed(trends.filter(segment=name, direction=way)) for name in names] for way in WAYS]
    rows = pl.DataFrame([names, *words], schema=["segment", *WAYS])
    columns: Columns = {
        "segment": (titled(say("segments.column.segment")), group_name),
        "rising": (titled(say("segments.direction.rising")), str),
        "falling": (titled(say("segments.direction.falling")), str),
    }
    return table(say("ahead.trends.caption"), rows, columns, n_names=3)


def group_name(segment: str) -> str:
    """Return the name of a group, that of everybody in words."""
    return say("segments.all") if segment == EVERYBODY else segment


def listed(trends: pl.DataFrame) -> str:
    """Return the interests whose shares move furthest, each with its share now and expected."""
    far = (pl.col("share_expected") - pl.col("share_now")).abs()
    rows = trends.sort(far, "category", descending=[True, False]).head(MOST)
    told = [
        say("ahead.trends.move", category=category, now=percent(now), ahead=percent(ahead))
        for category, now, ahead in rows.select("category", "share_now", "share_expected").iter_rows()
    ]
    return listing(told) if told else number(None)
