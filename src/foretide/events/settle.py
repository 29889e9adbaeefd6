"""Which rows of a bucket are new, which are there already, and which contradict what is there."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from foretide.events.identity import content_hash
from foretide.events.intake import rejection, with_ids
from foretide.events.staging import MARKS


@dataclass(frozen=True)
class Settled:
    """What becomes of the rows of a bucket."""

    new: pl.DataFrame
    n_duplicate: int
    conflicts: pl.DataFrame  # as rejected rows


def settle(rows: pl.DataFrame, stored: pl.LazyFrame, refused: pl.Series) -> Settled:
    """Compare staged rows of a bucket with the events that are there.

    Parameters
    ----------
    rows
        In the order in which they came; those without an id get theirs here.
    stored
        The events of the bucket.
    refused
        Ids that belong to an event of another bucket.
    """
    rows, own = with_ids(rows)
    elsewhere = pl.col("event_id").is_in(refused.implode())
    strayed, rows = rows.filter(elsewhere), rows.filter(~elsewhere)
    known = stored.select("event_id").collect()
    new = rows.unique("event_id", keep="first", maintain_order=True) if own else rows
    if known.height:
        new = new.join(known, on="event_id", how="anti", maintain_order="left")
    again = rows.height - new.height
    clash = contradicting(rows, stored, new) if own and again else rows.clear()
    conflicts = pl.concat([clash, strayed]).drop(MARKS)
    return Settled(new.drop(MARKS), again - clash.height, rejection(conflicts))


def contradicting(rows: pl.DataFrame, stored: pl.LazyFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose id is taken, in the store or by a new row, with another content."""
    own = rows.filter(~pl.col("event_id").str.starts_with(pl.col("hash")))
    there = stored.join(own.lazy().select("event_id"), on="event_id", how="semi").collect()
    taken = pl.concat(
        [there.select("event_id").with_columns(taken=content_hash(there)), new.select("event_id", taken="hash")]
    )
    clash = own.join(taken, on="event_id", maintain_order="left").filter(pl.col("hash") != pl.col("taken"))
    return clash.drop("taken")
