"""Forecasts on several real panels of counts, beside statsforecast and mlforecast, over rolling origins.

    python benchmarks/forecast_panels.py [--validate] [--peers-python .venv-peers/bin/python] [--only NAME ...]

See ``panels.py`` for the data and origins. MASE (scaled by the past of each origin) judges the median; the geometric
mean over panels and origins is told at the end. The peers see the same series at the same origins, in the same run.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from foretide.evaluate.metrics import coverage, mase, pinball
from foretide.forecast.engine import run
from foretide.schema import Floats
from panels import Task, tasks

LEVELS = (80, 95)
TOGETHER = "mean of Theta, ETS, CES"


def ours(task: Task, origins: tuple[int, ...]) -> tuple[dict[str, Floats], dict[str, float], dict[str, float]]:
    """Name -> ``(n_series, n_origins, h)``, CPU ms a series, and how good the intervals are."""
    run(task.panel.until(origins[0]), task.h, LEVELS, task.season_length)
    began = time.process_time()
    runs = [run(task.panel.until(origin), task.h, LEVELS, task.season_length).forecast for origin in origins]
    cpu = 1e3 * (time.process_time() - began) / len(origins) / len(task.panel.ids)
    naive = [np.tile(task.panel.y[:, o - task.season_length : o], (1, task.h))[:, : task.h] for o in origins]
    said = {"foretide": np.stack([r.median for r in runs], 1), "SeasonalNaive": np.stack(naive, 1)}
    happened = np.stack([task.panel.y[:, o : o + task.h] for o in origins], 1)
    quality = {}
    for level in LEVELS:
        lo, hi = (np.stack([r.intervals[level][side] for r in runs], 1) for side in (0, 1))
        quality[f"coverage {level}"] = coverage(happened, lo, hi)
    quality["WQL / SN"] = quantile_loss(task, origins, runs, happened)
    return said, {"foretide": cpu}, quality


def quantile_loss(task: Task, origins: tuple[int, ...], runs: list, happened: Floats) -> float:
    """Return the mean pinball loss at .025 .1 .5 .9 .975 over that of the seasonal naive as every quantile."""
    quantiles = {0.5: np.stack([r.median for r in runs], 1)}
    for level in LEVELS:
        tail = (1 - level / 100) / 2
        quantiles[tail] = np.stack([r.intervals[level][0] for r in runs], 1)
        quantiles[1 - tail] = np.stack([r.intervals[level][1] for r in runs], 1)
    naive = np.stack(
        [np.tile(task.panel.y[:, o - task.season_length : o], (1, task.h))[:, : task.h] for o in origins], 1
    )
    ours_, theirs_ = (
        sum(pinball(happened, guess(q), q) for q in quantiles) for guess in (quantiles.get, lambda q: naive)
    )
    return ours_ / theirs_


def theirs(task: Task, origins: tuple[int, ...], python: Path) -> tuple[dict[str, Floats], dict[str, float]]:
    """Forecasts of the peers as in ``ours``, and their CPU ms a series."""
    panel = task.panel
    known = ~np.isnan(panel.y).ravel()
    long = pl.DataFrame(
        {
            "unique_id": np.repeat(np.asarray(panel.ids), panel.n_steps),
            "step": np.tile(np.arange(panel.n_steps), len(panel.ids)),
            "y": panel.y.ravel(),
        }
    ).filter(pl.Series(known))
    with tempfile.TemporaryDirectory() as folder:
        series, out = Path(folder) / "series.parquet", Path(folder) / "peers.parquet"
        long.write_parquet(series)
        script = Path(__file__).parent / "peers" / "forecast_peers.py"
        call = [python, script, series, out, "--h", str(task.h), "--season-length", str(task.season_length)]
        subprocess.run([*call, "--origins", *map(str, origins)], check=True)
        table = pl.read_parquet(out)
    table = table.join(pl.DataFrame({"unique_id": panel.ids, "place": range(len(panel.ids))}), on="unique_id")
    table = table.sort("model", "place", "origin", "step")
    shape = (len(panel.ids), len(origins), task.h)
    said = {str(key[0]): rows["y"].to_numpy().reshape(shape) for key, rows in table.group_by("model")}
    cpu = {str(model): 1e3 * s for model, s in table.group_by("model").agg(pl.col("cpu_s").mean()).rows()}
    parts = [name for name in said if name.startswith("Auto")]
    return said | {TOGETHER: np.mean([said[p] for p in parts], axis=0)}, cpu | {TOGETHER: sum(cpu[p] for p in parts)}


def scores(task: Task, origins: tuple[int, ...], said: dict[str, Floats]) -> dict[str, float]:
    """Return the geometric mean over origins of the mean MASE."""
    return {
        name: float(
            np.exp(
                np.mean(
                    [
                        np.log(
                            np.nanmean(
                                mase(
                                    task.panel.y[:, :o],
                                    task.panel.y[:, o : o + task.h],
                                    ahead[:, j],
                                    task.season_length,
                                )
                            )
                        )
                        for j, o in enumerate(origins)
                    ]
                )
            )
        )
        for name, ahead in said.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--peers-python", type=Path)
    parser.add_argument("--only", nargs="*")
    asked = parser.parse_args()
    every: dict[str, list[float]] = {}
    for task in tasks(asked.only):
        origins = task.validation if asked.validate else task.test
        said, cpu, quality = ours(task, origins)
        if asked.peers_python:
            peers, peer_cpu = theirs(task, origins, asked.peers_python)
            said, cpu = said | peers, cpu | peer_cpu
        found = scores(task, origins, said)
        print(
            f"\n{task.name}: {len(task.panel.ids)} series of {task.panel.n_steps}, season {task.season_length}, h {task.h}, "
            f"origins {origins}; " + ", ".join(f"{name} {value:.3f}" for name, value in quality.items())
        )
        for name, value in sorted(found.items(), key=lambda pair: pair[1]):
            print(
                f"  {name:26}{value:8.4f}{value / found['SeasonalNaive']:8.3f} of SN {cpu.get(name, float('nan')):9.3f} ms",
                flush=True,
            )
            every.setdefault(name, []).append(value)
    print("\ngeometric mean over the panels")
    for name, values in sorted(every.items(), key=lambda pair: np.mean(np.log(pair[1]))):
        ratio = np.exp(np.mean(np.log(values)) - np.mean(np.log(every["SeasonalNaive"])))
        print(f"  {name:26}{np.exp(np.mean(np.log(values))):8.4f}{ratio:8.3f} of SN")


if __name__ == "__main__":
    main()
