"""Who should tell the expected active days of a horizon that is longer than all that a log could teach.

Logs are cut early, with horizons of once to twice what is known of them. The default, the hazard, means of both, a
level corrected at an earlier cut-off and steady days tell the days of all users; what came is known here. On CDNOW all
horizons are over by 1997-10-01, where its test begins.

Printed are, for each log and over its cuts, the mean distance of told and happened sums over the whole horizon, the
spread of that error, how often it was small, its mean over the cumulative weeks, and the RMSE of a user's days over
that of the default. "Steady" goes on with as many days a day as in the longest horizon that was learnt from.

Run: python benchmarks/sums_beyond_log.py [NAME ...] [--cuts]   ($FORETIDE_DATA: the data)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.features.fold import feature_table
from foretide.schema import Floats
from foretide.users.activity import ActivityModel
from foretide.users.cutoffs import Pair, horizon
from foretide.users.examples import examples, of_pairs, training_pairs
from foretide.users.hazard import HazardModel
from foretide.users.stacking import exam
from foretide.users.targets import targets_of_pairs
from outlook_backtest import RULE
from stage_mix import LOGS


class Cut(NamedTuple):
    """How much of a log is known, and how far ahead is told."""

    known_days: int
    n_weeks: int

    @property
    def lengths(self) -> list[int]:
        """Lengths of the horizons, in days."""
        return [7 * week for week in range(1, self.n_weeks + 1)]


A_YEAR = tuple(Cut(days, weeks) for days in (60, 80, 100, 120) for weeks in (days // 7 + 1, 2 * days // 7))
A_YEAR += (Cut(150, 22), Cut(150, 30))
CUTS = {
    "MovieTweetings": (Cut(50, 8), Cut(50, 14), Cut(60, 9), Cut(60, 17), Cut(70, 11), Cut(80, 14), Cut(90, 13)),
    "Complete Journey": A_YEAR,
    "simulated shop": A_YEAR,
    "simulated video": A_YEAR,
    "CDNOW": (Cut(90, 13), Cut(90, 25), Cut(105, 15), Cut(105, 23), Cut(120, 21), Cut(135, 19), Cut(143, 18)),
}


def midnight(log: FrameBuckets, days: int) -> datetime:
    """Return the local midnight so many days after that of the first event."""
    first = log.frame["ts"].min().astimezone(ZoneInfo(log.timezone))
    return (first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)).astimezone(UTC)


def happened(log: FrameBuckets, users: pl.DataFrame, cutoff: datetime, lengths: list[int]) -> Floats:
    """Return the active days in horizons of some lengths, ``(n_users, n_lengths)``."""
    ahead = targets_of_pairs(log, [(cutoff, days) for days in lengths], RULE)
    rows = users.select("user_id").join(ahead, on="user_id", maintain_order="left")
    return rows.sort("user_id", "horizon_days")["active_days"].to_numpy().reshape(users.height, -1).astype(np.float64)


def days_of(model: ActivityModel | HazardModel, users: pl.DataFrame, lengths: list[int]) -> Floats:
    """Return expected active days, ``(n_users, n_lengths)``."""
    return np.column_stack([model.predict_for(users, days)["expected_active_days"] for days in lengths])


def level(rows: pl.DataFrame, pairs: list[Pair]) -> float:
    """Return the days that came over those that were told at the latest inner cut-off whose horizon is over."""
    if (found := exam(pairs)) is None:
        return 1.0
    seen = of_pairs(rows, [found[1]])
    told = ActivityModel(found[1][1]).fit(of_pairs(rows, found[0])).predict(seen)
    return float(seen["active_days_ahead"].sum() / told["expected_active_days"].sum())


def rivals(rows: pl.DataFrame, pairs: list[Pair], users: pl.DataFrame, lengths: list[int]) -> dict[str, Floats]:
    """Return the expected days by who tells them, ``(n_users, n_lengths)`` each."""
    longest = max(days for _, days in pairs)
    models = (kind(lengths[-1]).fit(rows) for kind in (ActivityModel, HazardModel))
    default, hazard = (days_of(model, users, [longest, *lengths]) for model in models)
    known, default, returns, hazard = default[:, :1], default[:, 1:], hazard[:, :1], hazard[:, 1:]
    days = np.array(lengths)
    steady = np.where(days > longest, known * days / longest, default)
    return {
        "default": default,
        "hazard": hazard,
        "mean": (default + hazard) / 2,
        "geometric mean": np.sqrt(default * hazard),
        "default + growth of hazard": np.where(days > longest, known + hazard - returns, default),
        "default, level corrected": default * level(rows, pairs),
        "default, steady": steady,
        "mean with steady": (default + steady) / 2,
    }


def judged(log: FrameBuckets, cut: Cut) -> Iterator[dict[str, object]]:
    """Yield a row for each rival at a cut: errors of sums in percent, RMSE in days."""
    cutoff, lengths = midnight(log, cut.known_days), cut.lengths
    assert horizon(cutoff, lengths[-1], log.timezone)[1] <= log.frame["ts"].max() + timedelta(days=1)
    pairs = training_pairs(log.frame["ts"].min(), cutoff, lengths[-1], log.timezone)
    users = feature_table(log, [cutoff], RULE).sort("user_id")
    came = happened(log, users, cutoff, lengths)
    for model, days in rivals(examples(log, pairs, RULE), pairs, users, lengths).items():
        error = 100 * (days.sum(axis=0) / came.sum(axis=0) - 1)
        rmse = float(np.sqrt(np.mean((days[:, -1] - came[:, -1]) ** 2)))
        found = {"bias": error[-1], "weeks": np.abs(error).mean(), "rmse": rmse}
        yield {**cut._asdict(), "model": model, **found}


def compared(name: str) -> pl.DataFrame:
    """Return what ``judged`` yields at all cuts of a log."""
    log = LOGS[name]()
    return pl.DataFrame({"log": name, **row} for cut in CUTS[name] for row in judged(log, cut))


def by_log(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the means over the cuts of each log; the RMSE is that over the default's."""
    default = rows.filter(model="default").select("log", "known_days", "n_weeks", usual="rmse")
    return (
        rows.join(default, on=["log", "known_days", "n_weeks"])
        .group_by("log", "model", maintain_order=True)
        .agg(
            pl.len().alias("cuts"),
            pl.col("bias").abs().mean().alias("mean |bias| %"),
            pl.col("bias").min().alias("lowest"),
            pl.col("bias").max().alias("highest"),
            *((pl.col("bias").abs() <= most).sum().alias(f"<= {most} %") for most in (3, 10)),
            pl.col("weeks").mean().alias("weeks %"),
            (pl.col("rmse") / pl.col("usual")).mean().alias("RMSE / default's"),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CUTS))
    parser.add_argument("--cuts", action="store_true", help="a row for each cut")
    args = parser.parse_args()
    rows = pl.concat(compared(name) for name in args.names or CUTS)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=150, tbl_hide_dataframe_shape=True, float_precision=3):
        print(rows if args.cuts else by_log(rows))


if __name__ == "__main__":
    main()
