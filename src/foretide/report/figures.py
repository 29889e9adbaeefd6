"""The figures that sentences and charts are made of, worked out of the report's tables.

A long daily history is thinned to blocks of seven days that end on the last day, so that the newest point is
always whole and the forecast goes on where it stops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from foretide.features.series import OTHER
from foretide.report.data import ReportData
from foretide.schema import STAGES
from foretide.users.cutoffs import LEAD_DAYS

#: A history with more days than this is drawn in blocks of seven days.
MAX_DAYS_DRAWN = 200
WEEK_DAYS = 7
#: "Now" is the mean of this many days: whole weeks, so that the weekday does not matter.
RECENT_DAYS = 28
#: Interests with a colour of their own.
TOP_INTERESTS = 8
GONE = "churned"
#: A share below this is none.
NOTHING = 1e-9


@dataclass(frozen=True)
class Expectation:
    """A quantity now, what it is expected to be, and the narrowest interval of that."""

    now: float
    ahead: float
    lo: float | None = None
    hi: float | None = None

    @property
    def ratio(self) -> float:
        """Expected over present; 1 where there is nothing to compare with."""
        return self.ahead / self.now if self.now else 1.0


def levels(forecast: pl.DataFrame) -> list[int]:
    """Return the interval levels of a forecast, in percent, narrow first."""
    return sorted(int(name.removeprefix("lo-")) for name in forecast.columns if name.startswith("lo-"))


def thinned(frame: pl.DataFrame, keys: Iterable[str], value: str, stock: bool = False) -> pl.DataFrame:
    """Return one row for every seven days, counted back from the last day, if there are many days.

    A stock (users in a stage) is taken at the end of the block; anything else is its mean. A first block that is
    not whole is left out.
    """
    if frame["ds"].n_unique() <= MAX_DAYS_DRAWN:
        return frame
    last, first = frame["ds"].max(), frame["ds"].min()
    age_weeks = (pl.lit(last) - pl.col("ds")).dt.total_days() // WEEK_DAYS
    end = pl.lit(last) - pl.duration(days=age_weeks * WEEK_DAYS)
    blocks = frame.with_columns(end=end).filter(pl.col("end") - pl.duration(days=WEEK_DAYS - 1) >= first)
    newest = pl.col(value).sort_by("ds").last() if stock else pl.col(value).mean()
    return blocks.group_by(*keys, "end").agg(newest).rename({"end": "ds"}).sort(*keys, "ds")


def recent(frame: pl.DataFrame, days: int = RECENT_DAYS) -> pl.DataFrame:
    """Return the last days of a history."""
    return frame.filter(pl.col("ds") > frame["ds"].max() - pl.duration(days=days))


def stage_users(history: pl.DataFrame, forecast: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return users by stage: the history ``ds, stage, users``, and ``ds, stage, mean, lo-80, hi-80, ...`` ahead."""
    history = history.select("ds", "stage", pl.col("users").cast(pl.Float64))
    if forecast is None:
        return history, pl.DataFrame()
    return history, forecast.select("ds", pl.col("unique_id").alias("stage"), pl.exclude("ds", "unique_id"))


def staying(history: pl.DataFrame, ahead: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the users who are not churned, past (``ds, users``) and expected (``ds, mean, lo-80, ...``)."""
    past = history.filter(pl.col("stage") != GONE).group_by("ds").agg(pl.col("users").sum()).sort("ds")
    if ahead.is_empty():
        return past, ahead
    known = ahead.group_by("ds").agg(known=pl.col("mean").sum())
    gone = ahead.filter(pl.col("stage") == GONE).join(known, on="ds").sort("ds")
    swapped = {name: gone["known"] - gone[mirrored(name)] for name in gone.columns if name in band_names(ahead)}
    return past, gone.select("ds", mean=pl.col("known") - pl.col("mean")).with_columns(**swapped)


def band_names(forecast: pl.DataFrame) -> list[str]:
    """Return the columns of the intervals."""
    return [f"{side}-{level}" for level in levels(forecast) for side in ("lo", "hi")]


def mirrored(name: str) -> str:
    """Return the other end of an interval: what is a low for those who leave is a high for those who stay."""
    side, level = name.split("-")
    return f"{'hi' if side == 'lo' else 'lo'}-{level}"


def expectation(now: float, ahead: pl.DataFrame) -> Expectation:
    """Return what a forecast says of its last day."""
    row = ahead.sort("ds").row(-1, named=True)
    narrow = next(iter(levels(ahead)), None)
    bounds = (row[f"lo-{narrow}"], row[f"hi-{narrow}"]) if narrow else (None, None)
    return Expectation(now, row["mean"], *bounds)


def pace(history: pl.DataFrame, forecast: pl.DataFrame, horizon_days: int) -> Expectation:
    """Return the mean a day of one series: over as many days back as the forecast looks ahead, and ahead."""
    past = recent(history, max(WEEK_DAYS, horizon_days))
    return Expectation(mean(past["y"]), mean(forecast["mean"]))


def movers(history: pl.DataFrame, forecast: pl.DataFrame) -> pl.DataFrame:
    """Return ``category, now, ahead, change``, the greatest gain first.

    Now is the mean share of the last 28 days, ahead that of the last seven days of the forecast.
    """
    now = recent(history).group_by("unique_id").agg(now=pl.col("y").mean())
    ahead = recent(forecast, WEEK_DAYS).group_by("unique_id").agg(ahead=pl.col("mean").mean())
    both = now.join(ahead, on="unique_id").filter(pl.col("unique_id") != OTHER)
    return both.select(category="unique_id", now="now", ahead="ahead", change=pl.col("ahead") - pl.col("now")).sort(
        "change", "category", descending=[True, False]
    )


def top_interests(history: pl.DataFrame) -> list[str]:
    """Return the categories with the greatest share over the whole history."""
    own = history.filter(pl.col("unique_id") != OTHER)
    means = own.group_by("unique_id").agg(pl.col("y").mean()).sort("y", "unique_id", descending=[True, False])
    return means["unique_id"].head(TOP_INTERESTS).to_list()


def interest_bands(history: pl.DataFrame, forecast: pl.DataFrame | None) -> pl.DataFrame:
    """Return ``ds, rank, share``: the top categories by rank, and the rest of the day as the last rank.

    The forecast is appended, in blocks of seven days where the history is.
    """
    top = top_interests(history)
    long = history["ds"].n_unique() > MAX_DAYS_DRAWN
    past = thinned(history, ["unique_id"], "y").rename({"y": "share"})
    parts = [past] if forecast is None else [past, forecast_blocks(forecast, weekly=long)]
    rank = pl.col("unique_id").replace_strict(top, range(len(top)), default=None, return_dtype=pl.Int64)
    shares = pl.concat([part.select("unique_id", "ds", "share") for part in parts]).with_columns(rank=rank)
    named = shares.filter(pl.col("rank").is_not_null()).group_by("ds", "rank").agg(pl.col("share").sum())
    rest = (
        named.group_by("ds")
        .agg(share=(1 - pl.col("share").sum()).clip(0))
        .with_columns(rank=pl.lit(len(top), dtype=pl.Int64))
    )
    whole = named if greatest(rest["share"]) < NOTHING else pl.concat([named, rest.select(named.columns)])
    return whole.sort("ds", "rank")


def weekly_means(past: pl.DataFrame) -> pl.DataFrame:
    """Return the mean a day of each whole week, counted back from the last day."""
    age = (pl.lit(past["ds"].max()) - pl.col("ds")).dt.total_days() // WEEK_DAYS
    blocks = past.group_by(age.alias("age")).agg(pl.col("ds").max(), pl.col("y").mean(), pl.len())
    return blocks.filter(pl.col("len") == WEEK_DAYS).sort("ds").select("ds", "y")


def forecast_blocks(forecast: pl.DataFrame, weekly: bool) -> pl.DataFrame:
    """Return ``unique_id, ds, share`` ahead, day by day or as the mean of seven days at their end."""
    shares = forecast.select("unique_id", "ds", share="mean")
    if not weekly:
        return shares
    first = shares["ds"].min()
    block = (pl.col("ds") - pl.lit(first)).dt.total_days() // WEEK_DAYS
    blocks = shares.group_by("unique_id", block.alias("block")).agg(pl.col("ds").max(), pl.col("share").mean())
    return blocks.drop("block")


def weekly_account(accounting: pl.DataFrame) -> pl.DataFrame:
    """Return ``start, ds, flow, users`` in blocks of seven days up to the last one; losses are negative."""
    last = accounting["ds"].max()
    age = (pl.lit(last) - pl.col("ds")).dt.total_days() // WEEK_DAYS
    blocks = accounting.group_by(age=age).agg(
        pl.len().alias("days"), pl.col("new").sum(), pl.col("resurrected").sum(), -pl.col("lost").sum()
    )
    dated = blocks.filter(pl.col("days") == WEEK_DAYS).with_columns(
        ds=pl.lit(last) - pl.duration(days=pl.col("age") * WEEK_DAYS)
    )
    return (
        dated.with_columns(start=pl.col("ds") - pl.duration(days=WEEK_DAYS))
        .unpivot(["new", "resurrected", "lost"], index=["start", "ds"], variable_name="flow", value_name="users")
        .sort("ds")
    )


def stage_now(history: pl.DataFrame) -> dict[str, int]:
    """Return the users in each stage on the last day."""
    last = history.filter(pl.col("ds") == history["ds"].max())
    counts = dict(last.select("stage", "users").iter_rows())
    return {stage: int(counts.get(stage, 0)) for stage in STAGES}


def staying_users(outlook: pl.DataFrame) -> pl.DataFrame:
    """Return the outlook of those who are not churned and have a chance: only they can fall silent."""
    return outlook.filter((pl.col("stage") != GONE) & pl.col("p_inactive").is_not_nan())


def outlook_end(data: ReportData) -> date:
    """Return the last day of the outlook's horizon, which begins a day after ``as_of``."""
    return data.last_day + timedelta(days=LEAD_DAYS + data.horizon_days)


def last_date(frame: pl.DataFrame) -> date:
    """Return the last day of a table."""
    last: date = max(frame["ds"])
    return last


def mean(column: pl.Series) -> float:
    """Return the mean of a column, 0 if it is empty."""
    return float(column.sum()) / max(1, len(column))


def greatest(column: pl.Series) -> float:
    """Return the greatest number of a column."""
    return float(max(column.drop_nulls(), default=0.0))
