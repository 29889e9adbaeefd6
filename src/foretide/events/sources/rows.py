"""Rows as a source has them, before anything is made of them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from foretide.events.plain_values import as_text

#: Rows that could not be used. ``raw`` is cut: one long line must not fill the quarantine.
REJECTED = pl.Schema({"line": pl.Int64(), "reason": pl.String(), "raw": pl.String()})
RAW_CHARS = 2_000


@dataclass(frozen=True)
class Rows:
    """A piece of a source.

    Parameters
    ----------
    fields
        The source's columns, as text or typed.
    line
        Line or row number of each row, from 1.
    raw
        The rows as they came; None where they were never text.
    rejected
        ``REJECTED``: what could not be taken apart into fields.
    """

    fields: pl.DataFrame
    line: pl.Series
    raw: pl.Series | None
    rejected: pl.DataFrame

    def reject(self, reason: pl.Series) -> pl.DataFrame:
        """Return the rows that have a reason, as ``REJECTED``."""
        bad = reason.is_not_null()
        raw = self.raw.filter(bad) if self.raw is not None else as_json(self.fields.filter(bad))
        rows = {"line": self.line.filter(bad), "reason": reason.filter(bad), "raw": cut(raw)}
        return pl.DataFrame(rows, schema=REJECTED)


def cut(raw: pl.Series) -> pl.Series:
    """Cut texts to what the quarantine keeps."""
    return raw.str.slice(0, RAW_CHARS)


def as_json(fields: pl.DataFrame) -> pl.Series:
    """Write typed rows as JSON objects of texts, so that a NaN is seen."""
    texts = fields.select(as_text(column).alias(column.name) for column in fields)
    return texts.select(pl.struct(pl.all()).struct.json_encode()).to_series()


def rejected(line: pl.Series, reason: str, raw: pl.Series) -> pl.DataFrame:
    """Return rows that share a reason, as ``REJECTED``."""
    return pl.DataFrame({"line": line, "raw": cut(raw)}).select("line", pl.lit(reason).alias("reason"), "raw")
