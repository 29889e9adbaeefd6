"""The features of ``fold_peers.py`` in Polars and in pandas."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd

DAY_US = 86_400_000_000


def with_polars(files: list[str], end: datetime) -> pl.DataFrame:
    us = pl.col("ts").cast(pl.Int64)
    e = pl.scan_parquet(files).filter(pl.col("ts") < end)
    e = e.select(
        "user_id",
        "category",
        pl.col("value").fill_null(0.0),
        us=us,
        age=(pl.lit(end) - pl.col("ts")).dt.total_microseconds() / DAY_US,
    )
    e = e.with_columns(day=pl.col("us") // DAY_US, hour=pl.col("us") % DAY_US // 3_600_000_000)
    left = {h: 0.5 ** (pl.col("age") / h) for h in (7, 28, 84)}
    base = e.group_by("user_id").agg(
        recency_days=pl.col("age").min(), tenure_days=pl.col("age").max(), n_events=pl.len(),
        **{f"events_decayed_{h}": w.sum() for h, w in left.items()},
        **{f"value_decayed_{h}": (pl.col("value") * w).sum() for h, w in left.items()},
    )  # fmt: skip
    today = end.timestamp() * 1e6 / DAY_US
    days = e.select("user_id", "day").unique().sort("user_id", "day")
    gap = pl.when(pl.col("user_id") == pl.col("user_id").shift()).then(pl.col("day").diff())
    days = days.with_columns(gap=gap)
    place, middle = pl.int_range(1, pl.len()), (pl.len() - 1) / 2  # of the gaps: 1 to n, around half of n + 1
    gaps = days.group_by("user_id", maintain_order=True).agg(
        gap_slope_days=((place - middle - 0.5) * pl.col("gap").slice(1)).sum() / ((place - middle - 0.5) ** 2).sum(),
        active_days=pl.len(), gap_mean_days=pl.col("gap").mean(), gap_std_days=pl.col("gap").std(ddof=0),
        gap_longest_days=pl.col("gap").max(),
        **{f"active_days_{n}": (pl.col("day") > today - n - 1).sum() for n in (7, 28, 56, 90)},
    )  # fmt: skip
    of_size = days.drop_nulls("gap").group_by("user_id", size=pl.col("gap").log(2).ceil().clip(0, 7)).len("n")
    n = pl.col("n")
    sizes = of_size.group_by("user_id").agg(gap_entropy_bits=n.sum().log(2) - (n * n.log(2)).sum() / n.sum())
    pause = pl.when(pl.col("user_id") == pl.col("user_id").shift()).then(pl.col("us").diff())
    sessions = e.select("user_id", "us").sort("user_id", "us").with_columns(pause=pause).group_by("user_id").agg(
        sessions=1 + (pl.col("pause") > 1.8e9).sum(), returns=(pl.col("pause") >= 28 * DAY_US).sum(),
        inside=pl.col("pause").filter(pl.col("pause") <= 1.8e9).sum() / 60e6,
    )  # fmt: skip
    cells = e.group_by("user_id", weekday=(pl.col("day") + 3) % 7, block=pl.col("hour") // 4).agg(
        w=left[28].sum(), night=left[28].filter(pl.col("hour") < 6).sum()
    )
    w = pl.col("w")
    hill = (w.sum().log() - (w * w.log()).sum() / w.sum()).exp()
    habits = cells.group_by("user_id").agg(
        weekend_share=w.filter(pl.col("weekday") > 4).sum() / w.sum(),
        night_share=pl.col("night").sum() / w.sum(),
        hours_hill_1=hill,
    )
    kinds = e.drop_nulls("category").group_by("user_id", "category").agg(
        w=left[28].sum(), fresh=left[28].min(), k=pl.len().cast(pl.Float64)
    )
    k = pl.col("k")
    pairs = (k * (k - 1)).sum() / (k.sum() * (k.sum() - 1))
    interests = kinds.group_by("user_id").agg(
        categories=pl.len(), categories_hill_1=hill, categories_hill_2=w.sum() ** 2 / (w * w).sum(),
        top_category_share=w.max() / w.sum(), new_category_share=pl.col("fresh").sum() / w.sum(),
        new_category_expected=(k == 1).sum() / k.sum(),
        categories_hill_2_of_20=pl.when(k.sum() >= 20).then(1 / (1 / 20 + 19 / 20 * pairs)),
    )
    table = base
    for part in (gaps, sizes, sessions, habits, interests):
        table = table.join(part, on="user_id", how="left")
    of_session = {"session_minutes": pl.col("inside"), "session_events": pl.col("n_events")}
    return table.with_columns(**{name: what / pl.col("sessions") for name, what in of_session.items()}).collect(engine="streaming")


def with_pandas(files: list[str], end: datetime) -> pl.DataFrame:
    import numpy as np
    import pandas as pd

    e = pd.concat([pd.read_parquet(file, columns=["user_id", "ts", "value", "category"]) for file in files])
    e = e[e["ts"] < end]
    e["user_id"] = e["user_id"].astype("category")
    e["us"] = e["ts"].astype("datetime64[us, UTC]").astype("int64")
    e["age"] = (end.timestamp() * 1e6 - e["us"]) / DAY_US
    e["day"], e["hour"] = e["us"] // DAY_US, e["us"] % DAY_US // 3_600_000_000
    for h in (7, 28, 84):
        e[f"events_decayed_{h}"] = 0.5 ** (e["age"] / h)
        e[f"value_decayed_{h}"] = e["value"].fillna(0.0) * e[f"events_decayed_{h}"]
    by = e.groupby("user_id", observed=True)
    sums = [f"{what}_decayed_{h}" for what in ("events", "value") for h in (7, 28, 84)]
    table = by[sums].sum()
    table["recency_days"], table["tenure_days"], table["n_events"] = by["age"].min(), by["age"].max(), by.size()
    days = e[["user_id", "day"]].drop_duplicates().sort_values(["user_id", "day"])
    days["gap"] = days.groupby("user_id", observed=True)["day"].diff()
    by_day = days.groupby("user_id", observed=True)
    table["active_days"], table["gap_mean_days"] = by_day.size(), by_day["gap"].mean()
    table["gap_std_days"], table["gap_longest_days"] = by_day["gap"].std(ddof=0), by_day["gap"].max()
    place = by_day.cumcount()  # of each gap, from 1
    n = table["active_days"] - 1
    moment = (place * days["gap"]).groupby(days["user_id"], observed=True).sum()
    table["gap_slope_days"] = (moment - by_day["gap"].sum() * (n + 1) / 2) / (n * (n * n - 1) / 12).where(n > 1)
    gaps = days.dropna(subset="gap")
    size = np.ceil(np.log2(gaps["gap"])).clip(upper=7)
    of_size = gaps.groupby(["user_id", size], observed=True).size()
    logs = (of_size * np.log2(of_size)).groupby(level=0, observed=True).sum()
    table["gap_entropy_bits"] = np.log2(n.where(n > 0)) - logs / n
    for n in (7, 28, 56, 90):
        recent = days[days["day"] > end.timestamp() * 1e6 / DAY_US - n - 1]
        table[f"active_days_{n}"] = recent.groupby("user_id", observed=True).size()
    pauses = e[["user_id", "us"]].sort_values(["user_id", "us"])
    pauses["pause"] = pauses.groupby("user_id", observed=True)["us"].diff()
    table["sessions"] = 1 + (pauses["pause"] > 1.8e9).groupby(pauses["user_id"], observed=True).sum()
    table["returns"] = (pauses["pause"] >= 28 * DAY_US).groupby(pauses["user_id"], observed=True).sum()
    inside = pauses["pause"].where(pauses["pause"] <= 1.8e9).groupby(pauses["user_id"], observed=True).sum()
    table["session_events"] = table["n_events"] / table["sessions"]
    table["session_minutes"] = inside / 60e6 / table["sessions"]
    e["night"] = e["events_decayed_28"].where(e["hour"] < 6, 0.0)
    e["cell"] = (e["day"] + 3) % 7 * 6 + e["hour"] // 4
    cells = e.groupby(["user_id", "cell"], observed=True)[["events_decayed_28", "night"]].sum().reset_index()
    total = cells.groupby("user_id", observed=True)["events_decayed_28"].sum()
    weekend = cells[cells["cell"] >= 30].groupby("user_id", observed=True)["events_decayed_28"].sum()
    table["weekend_share"] = weekend / total
    table["night_share"] = cells.groupby("user_id", observed=True)["night"].sum() / total
    table["hours_hill_1"] = _hill(cells, total)
    of_kind = e.groupby(["user_id", "category"], observed=True)["events_decayed_28"]
    kinds = of_kind.agg(["sum", "min", "size"]).reset_index().rename(columns={"sum": "events_decayed_28"})
    total = kinds.groupby("user_id", observed=True)["events_decayed_28"].sum()
    table["categories"] = kinds.groupby("user_id", observed=True).size()
    table["categories_hill_1"] = _hill(kinds, total)
    squares = (kinds["events_decayed_28"] ** 2).groupby(kinds["user_id"], observed=True).sum()
    table["categories_hill_2"] = total**2 / squares
    by = kinds.groupby("user_id", observed=True)
    table["top_category_share"] = by["events_decayed_28"].max() / total
    table["new_category_share"] = by["min"].sum() / total
    n = by["size"].sum()
    table["new_category_expected"] = (kinds["size"] == 1).groupby(kinds["user_id"], observed=True).sum() / n
    pairs = (kinds["size"] * (kinds["size"] - 1)).groupby(kinds["user_id"], observed=True).sum() / (n * (n - 1))
    table["categories_hill_2_of_20"] = (1 / (1 / 20 + 19 / 20 * pairs)).where(n >= 20)
    return pl.DataFrame({name: np.asarray(table[name], dtype=float) for name in table.columns})


def _hill(parts: pd.DataFrame, total: pd.Series) -> pd.Series:
    import numpy as np

    w = parts["events_decayed_28"]
    logs = (w * np.log(w)).groupby(parts["user_id"], observed=True).sum()
    return np.exp(np.log(total) - logs / total)
