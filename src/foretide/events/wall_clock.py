"""Dates and times as people and programs write them.

ISO 8601, epoch numbers and dates with a named month mean one thing only and are always read. ``3/4/2026``
does not: the order of its day and month is known from evidence (a part above 12) or asked for, never guessed.
``3.4.2026`` is written day first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import polars as pl

WALL = pl.Datetime("us")  # what a clock on a wall shows: no zone
ORDERS = ("dmy", "mdy", "ymd")
#: Times outside of these years are slips or fillers (0001-01-01, 9999-12-31), not events.
FIRST_YEAR, LAST_YEAR = 1900, 2199
#: Smallest epoch second (March 1973): smaller numbers are counters or steps, not times.
MIN_EPOCH_S = 100_000_000
PEEK_ROWS = 100

CLOCKS = (
    "",
    " %H:%M:%S%.f",
    "T%H:%M:%S%.f",
    " %H:%M",
    "T%H:%M",
    " %I:%M:%S %p",
    " %I:%M %p",
    ", %I:%M:%S %p",
)


def dated(*dates: str) -> tuple[str, ...]:
    """Return formats of dates with every time of day, and with none."""
    return tuple(date + clock for date, clock in product(dates, CLOCKS))


NAMED_DAYS = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%a, %d %b %Y", "%a %b %d %Y")
#: Formats by the shape of the texts that can have them.
SHAPES = {
    r"^\d{4}-": dated("%Y-%m-%d"),
    r"^\d{4}[/.]": dated("%Y/%m/%d", "%Y.%m.%d"),
    "年": (*dated("%Y年%m月%d日"), "%Y年%m月%d日%H:%M:%S"),
    r"^\d{8}T": ("%Y%m%dT%H%M%S%.f",),
    "[A-Za-z]{3}": (*dated(*NAMED_DAYS), "%d/%b/%Y:%H:%M:%S", "%a %b %d %H:%M:%S %Y"),
}
ORDERED_DATES = {
    "dmy": dated("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    "mdy": dated("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y"),
    "ymd": dated("%y/%m/%d", "%y.%m.%d", "%y-%m-%d"),
}
#: A date whose order of day and month cannot be seen in it.
ORDERED = r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{1,4})(?:\D|$)"
#: One that could be a date in some order.
DAY, MONTH, SEPARATOR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"[/.\-]"
POSSIBLE = rf"^{DAY}{SEPARATOR}{DAY}{SEPARATOR}|^\d\d{SEPARATOR}{MONTH}{SEPARATOR}{DAY}(?:\D|$)"


def read_wall_clock(texts: pl.Series, date_order: str | None = None) -> pl.DataFrame:
    """Read texts without offsets.

    Returns
    -------
    pl.DataFrame
        ``wall``, null where it is not a time, and ``epoch``: True where it was a number since 1970 and is
        UTC already.
    """
    number = texts.cast(pl.Float64, strict=False)
    if number.null_count() == texts.len():
        return pl.DataFrame({"wall": read_dates(texts, date_order), "epoch": pl.repeat(False, texts.len(), eager=True)})
    dates = read_dates(texts.set(number.is_not_null(), None), date_order)
    counted = pl.DataFrame({"text": texts, "number": number, "whole": texts.cast(pl.Int64, strict=False)})
    epochs = counted.select(in_range(pl.coalesce(epoch(pl.col("whole")), epoch(pl.col("number"))))).to_series()
    compact = counted.select(compact_date()).to_series()
    return pl.DataFrame({"date": dates, "compact": compact, "since": epochs}).select(
        wall=pl.coalesce("date", "compact", "since"),
        epoch=pl.coalesce("date", "compact").is_null() & pl.col("since").is_not_null(),
    )


def epoch(number: pl.Expr) -> pl.Expr:
    """Read seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    size = number.abs()
    micros = (
        pl.when(size < MIN_EPOCH_S)
        .then(None)
        .when(size < 1e11)
        .then(number * 1_000_000)
        .when(size < 1e14)
        .then(number * 1_000)
        .when(size < 1e17)
        .then(number)
        .when(size < 1e19)
        .then(number // 1_000)
    )
    return micros.round().cast(pl.Int64, strict=False).cast(WALL)


def compact_date() -> pl.Expr:
    """Read ``20260331`` and ``20260331182500``, whose sizes no epoch of our time has."""
    text, number = pl.col("text"), pl.col("whole")
    day = (
        pl.when(number.is_between(19_000_101, 21_991_231))
        .then(text)
        .str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    )
    second = pl.when(number.is_between(19_000_101_000_000, 21_991_231_235_959)).then(text)
    return pl.coalesce(day, second.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us"))


def read_dates(texts: pl.Series, date_order: str | None) -> pl.Series:
    """Read dates with or without a time of day."""
    rows = pl.DataFrame({"row": pl.int_range(texts.len(), eager=True), "text": texts})
    pending, done = rows.drop_nulls("text"), [rows.clear().select("row", wall=pl.lit(None, WALL))]
    shapes = SHAPES | ({ORDERED: ORDERED_DATES[date_order]} if date_order else {})
    for shape, patterns in shapes.items():
        fits = pending["text"].str.contains(shape)
        if fits.any():
            read, unread = read_shape(pending if fits.all() else pending.filter(fits), patterns)
            done += read
            pending = unread if fits.all() else pl.concat([unread, pending.filter(~fits)])
    if len(done) == 2 and done[1].height == rows.height:  # one format read everything
        return done[1]["wall"]
    return rows.select("row").join(pl.concat(done), on="row", how="left", maintain_order="left")["wall"]


def read_shape(pending: pl.DataFrame, patterns: Sequence[str]) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Let each format take the rows that it can read; return these, and the rows that none could."""
    read = []
    for pattern in likely_first(pending["text"], patterns):
        if pending.is_empty():
            break
        tried = pending.with_columns(wall=by_format(pending["text"], pattern))
        read.append(tried.drop_nulls("wall").select("row", "wall"))
        pending = tried.filter(pl.col("wall").is_null()).drop("wall")
    return read, pending


def likely_first(texts: pl.Series, patterns: Sequence[str]) -> Sequence[str]:
    """Order formats by how much of a sample they read: the order changes the speed, not the outcome."""
    if texts.len() <= PEEK_ROWS:
        return patterns
    sample = texts.gather_every(texts.len() // PEEK_ROWS)
    hits: dict[str, int] = {}
    for pattern in patterns:
        hits[pattern] = by_format(sample, pattern).count()
        if hits[pattern] == sample.len():
            break
    return sorted(patterns, key=lambda pattern: -hits.get(pattern, 0))


def by_format(texts: pl.Series, pattern: str) -> pl.Series:
    """Read texts of one format; null where they are not of it."""
    wall = texts.str.to_datetime(pattern, time_unit="us", strict=False)
    return wall.to_frame("wall").select(in_range(pl.col("wall"))).to_series()


def in_range(wall: pl.Expr) -> pl.Expr:
    """Keep times of the years that events can have: this also tells ``%Y`` from a two-digit year."""
    return pl.when(wall.dt.year().is_between(FIRST_YEAR, LAST_YEAR)).then(wall)


def orders_seen(texts: pl.Series) -> dict[str, str]:
    """Return the orders that dates like ``25/12/2026`` show, each with an example; ``?`` if all are undecided.

    Dates with dots are written day first: that needs no evidence, and single ones against it are slips. Dates
    that cannot be in any order (``99.99.2025``) show nothing.
    """
    dates = texts.drop_nulls().to_frame("text")
    parts = pl.col("text").str.extract_groups(ORDERED).struct
    dates = dates.select("text", *(parts.field(str(n)).alias(name) for n, name in ((1, "a"), (2, "b"), (3, "year"))))
    dates = dates.drop_nulls().cast({"a": pl.Int32, "b": pl.Int32, "year": pl.Int32})
    dotted = dates["text"].str.contains(r"^\d{1,2}\.")
    return day_first(shown(dates.filter(dotted))) | decided(shown(dates.filter(~dotted)))


def shown(dates: pl.DataFrame) -> dict[str, tuple[int, str]]:
    """Return how many dates show each order, and the first of them; those in two possible ones under ``?``."""
    day, month = (
        {name: pl.col(name).is_between(1, 31) for name in "ab"},
        {name: pl.col(name).is_between(1, 12) for name in "ab"},
    )
    tests = {
        "ymd": (pl.col("a") > 31) & month["b"] & pl.col("year").is_between(1, 31),
        "dmy": day["a"] & ~month["a"] & month["b"],
        "mdy": day["b"] & ~month["b"] & month["a"],
        "?": month["a"] & month["b"],
    }
    found = {order: dates.filter(test)["text"] for order, test in tests.items()}
    return {order: (texts.len(), texts[0]) for order, texts in found.items() if texts.len()}


def day_first(seen: Mapping[str, tuple[int, str]]) -> dict[str, str]:
    """Return the order of dates with dots: the day comes first unless more of them show another order."""
    n = {order: seen.get(order, (0, ""))[0] for order in (*ORDERS, "?")}
    others = [order for order in ("mdy", "ymd") if n[order] > n["dmy"]]
    if not others:
        return {"dmy": seen.get("dmy", seen.get("?", (0, "")))[1]} if n["dmy"] or n["?"] else {}
    return {order: seen[order][1] for order in ("dmy", *others) if n[order]}


def decided(seen: Mapping[str, tuple[int, str]]) -> dict[str, str]:
    """Return the orders that are shown; if none is, that dates are undecided."""
    orders = {order: text for order, (_, text) in seen.items() if order != "?"}
    return orders or {order: text for order, (_, text) in seen.items()}
