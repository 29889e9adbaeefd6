"""The features of ``fold_peers.py`` in pandas."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

DAY_US = 86_400_000_000
USER = "user_id"
DECAYED = "events_decayed_28"


def with_pandas(files: list[str], end: datetime) -> pl.DataFrame:
    e = pd.concat([pd.read_parquet(file, columns=[USER, "ts", "value", "category"]) for file in files])
    e = e[e["ts"] < end]
    e[USER] = e[USER].astype("category")
    e["us"] = e["ts"].astype("datetime64[us, UTC]").astype("int64")
    e["age"] = (end.timestamp() * 1e6 - e["us"]) / DAY_US
    e["day"], e["hour"] = e["us"] // DAY_US, e["us"] % DAY_US // 3_600_000_000
    table = of_sums(e)
    for part in (of_days, of_sessions, of_hours, of_categories):
        part(table, e, end)
    return pl.DataFrame({name: np.asarray(table[name], dtype=float) for name in table.columns})


def by_user(rows: pd.DataFrame, what: pd.Series | None = None) -> Any:
    return (rows if what is None else what).groupby(rows[USER], observed=True)


def of_sums(e: pd.DataFrame) -> pd.DataFrame:
    for h in (7, 28, 84):
        e[f"events_decayed_{h}"] = 0.5 ** (e["age"] / h)
        e[f"value_decayed_{h}"] = e["value"].fillna(0.0) * e[f"events_decayed_{h}"]
    by = by_user(e)
    table = by[[f"{what}_decayed_{h}" for what in ("events", "value") for h in (7, 28, 84)]].sum()
    table["recency_days"], table["tenure_days"], table["n_events"] = by["age"].min(), by["age"].max(), by.size()
    return table


def of_days(table: pd.DataFrame, e: pd.DataFrame, end: datetime) -> None:
    days = e[[USER, "day"]].drop_duplicates().sort_values([USER, "day"])
    days["gap"] = by_user(days)["day"].diff()
    by = by_user(days)
    table["active_days"], table["gap_mean_days"] = by.size(), by["gap"].mean()
    table["gap_std_days"], table["gap_longest_days"] = by["gap"].std(ddof=0), by["gap"].max()
    n = table["active_days"] - 1
    moment = by_user(days, by.cumcount() * days["gap"]).sum()
    table["gap_slope_days"] = (moment - by["gap"].sum() * (n + 1) / 2) / (n * (n * n - 1) / 12).where(n > 1)
    gaps = days.dropna(subset="gap")
    of_size = gaps.groupby([USER, np.ceil(np.log2(gaps["gap"])).clip(upper=7)], observed=True).size()
    logs = (of_size * np.log2(of_size)).groupby(level=0, observed=True).sum()
    table["gap_entropy_bits"] = np.log2(n.where(n > 0)) - logs / n
    for window in (7, 28, 56, 90):
        recent = days[days["day"] > end.timestamp() * 1e6 / DAY_US - window - 1]
        table[f"active_days_{window}"] = by_user(recent).size()


def of_sessions(table: pd.DataFrame, e: pd.DataFrame, _: datetime) -> None:
    moments = e[[USER, "us"]].sort_values([USER, "us"])
    pause = by_user(moments)["us"].diff()
    table["sessions"] = 1 + by_user(moments, pause > 1.8e9).sum()
    table["returns"] = by_user(moments, pause >= 28 * DAY_US).sum()
    table["session_events"] = table["n_events"] / table["sessions"]
    table["session_minutes"] = by_user(moments, pause.where(pause <= 1.8e9)).sum() / 60e6 / table["sessions"]


def of_hours(table: pd.DataFrame, e: pd.DataFrame, _: datetime) -> None:
    e["night"] = e[DECAYED].where(e["hour"] < 6, 0.0)
    e["cell"] = (e["day"] + 3) % 7 * 6 + e["hour"] // 4
    cells = e.groupby([USER, "cell"], observed=True)[[DECAYED, "night"]].sum().reset_index()
    total = by_user(cells)[DECAYED].sum()
    table["weekend_share"] = by_user(cells[cells["cell"] >= 30])[DECAYED].sum() / total
    table["night_share"] = by_user(cells)["night"].sum() / total
    table["hours_hill_1"] = hill_1(cells, cells[DECAYED], total)


def of_categories(table: pd.DataFrame, e: pd.DataFrame, _: datetime) -> None:
    of_kind = e.groupby([USER, "category"], observed=True)[DECAYED]
    kinds = of_kind.agg(["sum", "min", "size"]).reset_index()
    by, w, k = by_user(kinds), kinds["sum"], kinds["size"]
    total, n = by["sum"].sum(), by["size"].sum()
    table["categories"], table["categories_hill_1"] = by.size(), hill_1(kinds, w, total)
    table["categories_hill_2"] = total**2 / by_user(kinds, w * w).sum()
    table["top_category_share"], table["new_category_share"] = by["sum"].max() / total, by["min"].sum() / total
    table["new_category_expected"] = by_user(kinds, k == 1).sum() / n
    pairs = by_user(kinds, k * (k - 1)).sum() / (n * (n - 1))
    table["categories_hill_2_of_20"] = (1 / (1 / 20 + 19 / 20 * pairs)).where(n >= 20)


def hill_1(rows: pd.DataFrame, w: pd.Series, total: pd.Series) -> pd.Series:
    return np.exp(np.log(total) - by_user(rows, w * np.log(w)).sum() / total)
