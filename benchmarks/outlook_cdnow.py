"""The published protocol of CDNOW: 39 weeks to learn from, the next 39 weeks to tell, for every customer.

Customers bought first between 1997-01-01 and 03-25. Models see what was before 1997-10-01 and nothing else; whatever
they choose, they choose there. Told is the chance of no purchase in the 39 weeks after it, and the expected days with
a purchase in the first 1, 2 ... 39 of these weeks. Purchases of one day are one.

The outlook's own models are made for horizons that begin ``LEAD_DAYS`` after a cut-off: here theirs begin and end one
day late.

Run: python benchmarks/outlook_cdnow.py   (FORETIDE_DATA names the folder with the data; see its README)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.features.lifecycle import LifecycleRule
from foretide.schema import Floats
from foretide.users.activity import ActivityModel
from foretide.users.btyd import BUY_TILL_YOU_DIE, BuyTillYouDie
from foretide.users.btyd_summaries import summaries_of
from foretide.users.examples import examples, training_pairs
from foretide.users.scores import scores

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data")) / "cdnow" / "events.parquet"
BEGIN, END = datetime(1997, 1, 1, tzinfo=UTC), datetime(1997, 10, 1, tzinfo=UTC)
WEEKS = range(1, 40)
RULE = LifecycleRule()


class Told(NamedTuple):
    """What a model says of each customer."""

    p_none: Floats  # (n_users,) no purchase in all of the weeks
    days: Floats  # (n_users, n_weeks) expected days with a purchase, cumulative


#: What is known before ``END`` and nothing else, and its feature table; Told in the order of the table.
Model = Callable[[FrameBuckets, pl.DataFrame], Told]


def buy_till_you_die(kind: type[BuyTillYouDie]) -> Model:
    def tell(_: FrameBuckets, users: pl.DataFrame) -> Told:
        summary = summaries_of(users)
        model = kind().fit(summary)
        return Told(model.p_none(summary, [7 * WEEKS[-1]])[:, 0], model.expected(summary, [7 * week for week in WEEKS]))

    return tell


def activity(log: FrameBuckets, users: pl.DataFrame) -> Told:
    """Fit a model for each length of the horizon."""
    tables = []
    for week in WEEKS:
        seen = examples(log, training_pairs(BEGIN, END, 7 * week, "UTC"), RULE)
        tables.append(ActivityModel(7 * week).fit(seen).predict(users))
    days = np.column_stack([table["expected_active_days"] for table in tables])
    return Told(tables[-1]["p_inactive"].to_numpy(), days)


#: Name and model; a row of the table each, and one for the mean of all.
MODELS: dict[str, Model] = {name: buy_till_you_die(kind) for name, kind in BUY_TILL_YOU_DIE.items()}
MODELS["activity model"] = activity


def mean_of(told: list[Told]) -> Told:
    return Told(*(np.mean(parts, axis=0) for parts in zip(*told, strict=True)))


def read() -> tuple[FrameBuckets, pl.DataFrame]:
    """Return the log before ``END``, and the days of purchases from then on: ``user_id, week``, 1 to 39."""
    rows = pl.read_parquet(DATA).rename({"timestamp": "ts"})
    rows = rows.select(pl.col("user_id").cast(pl.String), "event_type", "ts", "value")
    ahead = rows.filter(pl.col("ts") >= END).unique(["user_id", "ts"])
    week = (pl.col("ts") - END).dt.total_days() // 7 + 1
    last = END + timedelta(weeks=WEEKS[-1])
    return (
        FrameBuckets(rows.filter(pl.col("ts") < END), "UTC"),
        ahead.filter(pl.col("ts") < last).select("user_id", week=week),
    )


def happened(users: pl.DataFrame, ahead: pl.DataFrame) -> Floats:
    """Return the cumulative days with a purchase, ``(n_users, n_weeks)``."""
    rows = users.select("user_id").with_row_index("row").join(ahead, on="user_id")
    counts = np.zeros((users.height, len(WEEKS)))
    np.add.at(counts, (rows["row"].to_numpy(), rows["week"].to_numpy() - 1), 1)
    return counts.cumsum(axis=1)


def judged(told: Told, counts: Floats) -> dict[str, float]:
    days, seen = told.days.sum(axis=0), counts.sum(axis=0)
    found = scores((counts[:, -1] == 0).astype(float), told.p_none)
    return {
        "RMSE": float(np.sqrt(np.mean((told.days[:, -1] - counts[:, -1]) ** 2))),
        "sum bias %": 100 * float(days[-1] / seen[-1] - 1),
        "AUC": found.auc or np.nan,
        "log-loss": found.log_loss,
        "calibration error": found.calibration_error,
        "cumulative error %": 100 * float(np.abs(days / seen - 1).mean()),
    }


def main() -> None:
    log, ahead = read()
    users = feature_table(log, [END], RULE)
    counts = happened(users, ahead)
    print(f"{users.height:,} customers, {np.mean(counts[:, -1] == 0):.2%} without a purchase in the 39 weeks")
    told, rows = {}, []
    for name, model in MODELS.items():
        began = time.process_time()
        told[name] = model(log, users)
        rows.append({"model": name, **judged(told[name], counts), "CPU s": time.process_time() - began})
    rows.append({"model": "mean of all", **judged(mean_of(list(told.values())), counts), "CPU s": None})
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=130, tbl_hide_dataframe_shape=True, float_precision=4):
        print(pl.DataFrame(rows))


if __name__ == "__main__":
    main()
