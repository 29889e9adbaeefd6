"""The features of ``fold_peers.py`` in Polars."""

from __future__ import annotations

from datetime import datetime

import polars as pl

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
    of_kind = e.drop_nulls("category").group_by("user_id", "category")
    kinds = of_kind.agg(w=left[28].sum(), fresh=left[28].min(), k=pl.len().cast(pl.Float64))
    k = pl.col("k")
    pairs = (k * (k - 1)).sum() / (k.sum() * (k.sum() - 1))
    interests = kinds.group_by("user_id").agg(
        categories=pl.len(), categories_hill_1=hill, categories_hill_2=w.sum() ** 2 / (w * w).sum(),
        top_category_share=w.max() / w.sum(), new_category_share=pl.col("fresh").sum() / w.sum(),
        new_category_expected=(k == 1).sum() / k.sum(),
        categories_hill_2_of_20=pl.when(k.sum() >= 20).then(1 / (1 / 20 + 19 / 20 * pairs)),
    )  # fmt: skip
    table = base
    for part in (gaps, sizes, sessions, habits, interests):
        table = table.join(part, on="user_id", how="left")
    n = pl.col("sessions")
    table = table.with_columns(session_minutes=pl.col("inside") / n, session_events=pl.col("n_events") / n)
    return table.collect(engine="streaming")
