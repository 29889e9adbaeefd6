"""Reconciliation: time for 100,000 leaves, and errors by level on the purchases of Complete Journey.

    python benchmarks/reconcile_speed.py [--leaves 100000] [--validate]

The tree of the first part has four levels (total, 100 groups, 5,000 subgroups, leaves) and a crossed level of 50 in
its second half; h = 28, base forecasts 30 % too low for the sums, so leaves are pushed against zero. Median of five.

The second part adds up daily purchases by department, category and type of product: types with at least one a day,
the others of a category together as one leaf. Base forecasts are those of ``foretide.forecast.engine.run``, for all
nodes as one panel and for each level as a panel of its own; variances for ``wls_var`` come from its forecasts at two
earlier origins, 56 and 28 days before, so nothing after an origin is used. RMSSE judges the mean, MASE the median,
moved as the mean is; m = 7, h = 28, origins 278 and 334, with ``--validate`` 222 and 250. Scores are means over the
nodes of a level, in brackets the change.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import polars as pl

from foretide.evaluate.metrics import mase, mean_of_known, rmsse
from foretide.events.sources.public import complete_journey
from foretide.forecast.engine import run
from foretide.forecast.error_variances import error_variances, joint_variances
from foretide.forecast.hierarchy import Hierarchy
from foretide.forecast.reconcile import bottom_up, wls_struct, wls_var
from foretide.schema import Floats, Panel

H = 28
TEST_ORIGINS, VALIDATION_ORIGINS = (278, 334), (222, 250)
BEFORE = (56, 28)
LEAST_A_DAY = 1.0
LEVELS = ("department", "category")


def median_s(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def speed(n: int) -> None:
    leaf, rng = np.arange(n), np.random.default_rng(0)
    nested = {"group": leaf * 100 // n, "subgroup": leaf * 5000 // n}
    print("| levels | nodes | making it, s | bottom_up, s | wls_struct, s | wls_var, s | wls_var, may be negative, s |")
    print("| --- " * 7 + "|")
    for name, columns in (("nested", nested), ("crossed", nested | {"kind": rng.integers(0, 50, n)})):
        table = pl.DataFrame({"unique_id": leaf.astype(str), **columns})
        began = time.perf_counter()
        hierarchy = Hierarchy.from_table(table)
        base = hierarchy.aggregate(rng.gamma(0.5, 2.0, (n, H)))
        made = time.perf_counter() - began
        base[hierarchy.slices[0].start : hierarchy.slices[-1].start] *= 0.7
        variances = rng.uniform(0.5, 2, hierarchy.n_nodes) * hierarchy.aggregate(np.ones((n, 1)))[:, 0]
        jobs = (
            lambda h=hierarchy, b=base: bottom_up(h, b),
            lambda h=hierarchy, b=base: wls_struct(h, b),
            lambda h=hierarchy, b=base, v=variances: wls_var(h, b, v),
            lambda h=hierarchy, b=base, v=variances: wls_var(h, b, v, nonnegative=False),
        )
        times = " | ".join(f"{median_s(job):.2f}" for job in jobs)
        print(f"| {name} | {hierarchy.n_nodes:,} | {made:.2f} | {times} |")


def purchases() -> tuple[Hierarchy, Panel]:
    data = complete_journey()
    bought = pl.read_parquet(data.events, columns=["product_id", "transaction_timestamp"])
    products = pl.read_parquet(data.items, columns=["product_id", "department", "product_category", "product_type"])
    rows = (
        bought.join(products.drop_nulls(), on="product_id")
        .select("department", "product_category", "product_type", ds=pl.col("transaction_timestamp").dt.date())
        .filter(pl.col("ds") >= pl.date(2017, 1, 2))
        .with_columns(category=pl.format("{} / {}", "department", "product_category"))
    )
    often = pl.len().over("category", "product_type") >= LEAST_A_DAY * rows["ds"].n_unique()
    kind = pl.when(often).then("product_type").otherwise(pl.lit("other"))
    rows = rows.with_columns(unique_id=pl.format("{} / {}", "category", kind))
    daily = rows.group_by("unique_id", "ds").len().pivot("unique_id", index="ds", values="len").sort("ds").fill_null(0)
    leaves = Panel(daily.columns[1:], daily["ds"].to_numpy(), daily[:, 1:].to_numpy().T.astype(np.float64))
    hierarchy = Hierarchy.from_table(rows.select("unique_id", *LEVELS).unique().sort("unique_id"))
    return hierarchy, hierarchy.panel(leaves)


def accuracy(hierarchy: Hierarchy, panel: Panel, parts: Sequence[slice], origins: tuple[int, ...]) -> None:
    @cache
    def forecast(origin: int) -> tuple[Floats, Floats]:
        panels = [Panel(panel.ids[part], panel.dates, panel.y[part]).until(origin) for part in parts]
        said = [run(part, H, (80,)).forecast for part in panels]
        return np.concatenate([told.mean for told in said]), np.concatenate([told.median for told in said])

    scores: dict[str, list[Floats]] = {}
    for origin in origins:
        base, median = forecast(origin)
        errors = [forecast(origin - k)[0] - panel.y[:, origin - k : origin - k + H] for k in BEFORE]
        told = {
            "base": base,
            "bottom_up": bottom_up(hierarchy, base),
            "wls_struct": wls_struct(hierarchy, base),
            "wls_var": wls_var(hierarchy, base, error_variances(np.stack(errors, axis=1))),
            "wls_var, joint": wls_var(hierarchy, base, joint_variances(hierarchy, np.stack(errors, axis=1))),
        }
        for name, mean in told.items():
            moved = np.where(base > 0, mean / np.where(base > 0, base, 1.0), 1.0)
            past, came = panel.y[:, :origin], panel.y[:, origin : origin + H]
            both = rmsse(past, came, mean), mase(past, came, median * moved)
            scores.setdefault(name, []).append(
                np.array([[mean_of_known(s[at]) for at in hierarchy.slices] for s in both])
            )
    means = {name: np.exp(np.log(values).mean(axis=0)) for name, values in scores.items()}
    sizes = [f"{level} ({len(ids)})" for level, ids in zip(hierarchy.levels, hierarchy.ids, strict=True)]
    for k, metric in enumerate(("RMSSE of the mean", "MASE of the median")):
        print(f"\n| {metric} | {' | '.join(sizes)} |")
        print("| --- " * (len(sizes) + 1) + "|")
        for name, values in means.items():
            cells = [f"{v:.4f} ({100 * (v / b - 1):+.1f} %)" for v, b in zip(values[k], means["base"][k], strict=True)]
            print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--validate", action="store_true")
    args = parser.parse_args()
    speed(args.leaves)
    hierarchy, panel = purchases()
    for title, parts in (("one panel", [slice(0, hierarchy.n_nodes)]), ("a panel a level", hierarchy.slices)):
        print(f"\nbase forecasts of {title}")
        accuracy(hierarchy, panel, parts, VALIDATION_ORIGINS if args.validate else TEST_ORIGINS)


if __name__ == "__main__":
    main()
