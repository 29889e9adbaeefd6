"""The published protocol of CDNOW: 39 weeks to learn from, the next 39 weeks to tell, for every customer.

Customers bought first between 1997-01-01 and 03-25. Models see what was before 1997-10-01 and nothing else; whatever
they choose, they choose there. Told is the chance of no purchase in the 39 weeks after it, and the expected days with
a purchase in the first 1, 2 ... 39 of these weeks. Purchases of one day are one.

The outlook's own models are made for horizons that begin ``LEAD_DAYS`` after a cut-off: here theirs begin and end one
day late. One model, learnt for the 39 weeks, tells all of them. What there is to choose was chosen on the earlier cuts
that ``--validate`` shows, with horizons that were over by 1997-10-01.

Run: python benchmarks/outlook_cdnow.py [--validate]   (FORETIDE_DATA names the folder with the data; see its README)
"""

from __future__ import annotations

import argparse
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
from foretide.users.hazard import HazardModel
from foretide.users.scores import scores

DATA = Path(os.environ.get("FORETIDE_DATA", "../shared/data")) / "cdnow" / "events.parquet"
BEGIN = datetime(1997, 1, 1, tzinfo=UTC)
RULE = LifecycleRule()


class Window(NamedTuple):
    """Where the log is cut, and how far ahead is told."""

    end: datetime
    n_weeks: int

    @property
    def days(self) -> list[int]:
        """Lengths of the horizons, in days."""
        return [7 * week for week in range(1, self.n_weeks + 1)]


TEST = Window(datetime(1997, 10, 1, tzinfo=UTC), 39)
#: Longer horizons than could be learnt from, as in the test, and one that could.
EARLIER = (
    Window(datetime(1997, 5, 1, tzinfo=UTC), 21),
    Window(datetime(1997, 5, 16, tzinfo=UTC), 19),
    Window(datetime(1997, 5, 24, tzinfo=UTC), 18),
    Window(datetime(1997, 6, 30, tzinfo=UTC), 13),
)


class Told(NamedTuple):
    """What a model says of each customer."""

    p_none: Floats  # (n_users,) no purchase in all of the weeks
    days: Floats  # (n_users, n_weeks) expected days with a purchase, cumulative


#: What is known before the end of a window and nothing else, and its feature table; Told in the order of the table.
Model = Callable[[FrameBuckets, pl.DataFrame, Window], Told]


def buy_till_you_die(kind: type[BuyTillYouDie]) -> Model:
    def tell(_: FrameBuckets, users: pl.DataFrame, window: Window) -> Told:
        summary = summaries_of(users)
        model = kind().fit(summary)
        return Told(model.p_none(summary, window.days[-1:])[:, 0], model.expected(summary, window.days))

    return tell


def of_any_length(kind: type[ActivityModel | HazardModel]) -> Model:
    def tell(log: FrameBuckets, users: pl.DataFrame, window: Window) -> Told:
        pairs = training_pairs(BEGIN, window.end, window.days[-1], "UTC")
        model = kind(window.days[-1]).fit(examples(log, pairs, RULE))
        tables = [model.predict_for(users, days) for days in window.days]
        expected = np.column_stack([table["expected_active_days"] for table in tables])
        return Told(tables[-1]["p_inactive"].to_numpy(), expected)

    return tell


#: Name and model; a row of the table each, and one for the mean of all.
MODELS: dict[str, Model] = {name: buy_till_you_die(kind) for name, kind in BUY_TILL_YOU_DIE.items()}
MODELS |= {"hazard": of_any_length(HazardModel), "activity model": of_any_length(ActivityModel)}


def mean_of(told: list[Told]) -> Told:
    return Told(*(np.mean(parts, axis=0) for parts in zip(*told, strict=True)))


def read(window: Window) -> tuple[FrameBuckets, pl.DataFrame]:
    """Return the log before the window, and the days of purchases in it: ``user_id, week``, from 1 on."""
    rows = pl.read_parquet(DATA).rename({"timestamp": "ts"})
    rows = rows.select(pl.col("user_id").cast(pl.String), "event_type", "ts", "value")
    last = window.end + timedelta(weeks=window.n_weeks)
    ahead = rows.filter(pl.col("ts").is_between(window.end, last, closed="left")).unique(["user_id", "ts"])
    week = (pl.col("ts") - window.end).dt.total_days() // 7 + 1
    return FrameBuckets(rows.filter(pl.col("ts") < window.end), "UTC"), ahead.select("user_id", week=week)


def happened(users: pl.DataFrame, ahead: pl.DataFrame, window: Window) -> Floats:
    """Return the cumulative days with a purchase, ``(n_users, n_weeks)``."""
    rows = users.select("user_id").with_row_index("row").join(ahead, on="user_id")
    counts = np.zeros((users.height, window.n_weeks))
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


def compare(window: Window) -> pl.DataFrame:
    """Return what all models are worth; a row a model."""
    log, ahead = read(window)
    users = feature_table(log, [window.end], RULE)
    counts = happened(users, ahead, window)
    print(f"\n{window.end:%Y-%m-%d}, {window.n_weeks} weeks ahead: {users.height:,} customers", end="")
    print(f", {np.mean(counts[:, -1] == 0):.2%} without a purchase there")
    told, rows = {}, []
    for name, model in MODELS.items():
        began = time.process_time()
        told[name] = model(log, users, window)
        rows.append({"model": name, **judged(told[name], counts), "CPU s": time.process_time() - began})
    rows.append({"model": "mean of all", **judged(mean_of(list(told.values())), counts), "CPU s": None})
    return pl.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--validate", action="store_true")
    windows = EARLIER if parser.parse_args().validate else (TEST,)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=130, tbl_hide_dataframe_shape=True, float_precision=4):
        for window in windows:
            print(compare(window))


if __name__ == "__main__":
    main()
