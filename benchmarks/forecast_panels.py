"""Forecasts on several real panels of counts beside statsforecast, mlforecast and neuralforecast, rolling origins.

    python benchmarks/forecast_panels.py [--validate] [--fast | --models NAME ...] [--only NAME ...]
        [--synthetic N_SERIES] [--peers-python .venv-peers/bin/python [--libraries NAME ...]] [--keep FOLDER]

See ``panels.py`` for the data and origins, and ``synthetic_series.py`` for series whose true mean is known. MASE,
scaled by the past of each origin, judges the median; the geometric mean over panels and origins is told at the end.
WQL / SN is the loss of our quantiles over that of the naive forecast's normal intervals. With ``--fast`` our trees are
left out, with ``--models`` others are tried instead of them. The peers see the same series at the same origins, with
one thread, in the same run; with ``--keep`` what they said is kept in a folder and taken from there. Nobody is told of
holidays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl

from foretide.evaluate.metrics import coverage, mase, pinball
from foretide.forecast.catalogue import BY_DEFAULT
from foretide.forecast.engine import run
from foretide.schema import Floats
from panels import Task, tasks
from synthetic_series import synthetic_series

LEVELS = (80, 95)
TOGETHER = "mean of Theta, ETS, CES"
LIBRARIES = ("statsforecast", "mlforecast", "neuralforecast")
ORACLE = "true mean"
#: Seasons to choose from, by the shortest; better than the day alone on the validation origins of hourly series.
SEASONS: dict[int, int | tuple[int, ...]] = {7: 7, 24: (24, 168)}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"), "1")


def naive(task: Task, origins: tuple[int, ...]) -> Floats:
    """Return the last season again, ``(n_series, n_origins, h)``."""
    seasons = [task.panel.y[:, origin - task.season_length : origin] for origin in origins]
    return np.stack([np.tile(season, (1, task.h))[:, : task.h] for season in seasons], axis=1)


def naive_quantile(task: Task, origins: tuple[int, ...]) -> Callable[[float], Floats]:
    """Return the quantiles of the naive forecast: normal, the seasonal random walk's variance with every season."""
    m, y = task.season_length, task.panel.y
    spread = [np.sqrt(np.nanmean((y[:, m:origin] - y[:, : origin - m]) ** 2, axis=1)) for origin in origins]
    sigma = np.stack(spread, axis=1)[..., None] * np.sqrt(1 + np.arange(task.h) // m)  # (n_series, n_origins, h)
    return lambda q: np.maximum(naive(task, origins) + NormalDist().inv_cdf(q) * sigma, 0)


def happened(task: Task, origins: tuple[int, ...]) -> Floats:
    return np.stack([task.panel.y[:, origin : origin + task.h] for origin in origins], axis=1)


def ours(
    task: Task, origins: tuple[int, ...], models: tuple[str, ...]
) -> tuple[dict[str, Floats], dict[str, float], dict[str, float]]:
    """Name -> ``(n_series, n_origins, h)``, CPU ms a series, and how good the intervals are."""
    seasons = SEASONS[task.season_length]
    run(task.panel.until(origins[0]), task.h, LEVELS, seasons, models=models)  # compiling does not count
    began = time.process_time()
    told = [run(task.panel.until(origin), task.h, LEVELS, seasons, models=models).forecast for origin in origins]
    cpu = 1e3 * (time.process_time() - began) / len(origins) / len(task.panel.ids)
    median, guess, came = np.stack([one.median for one in told], 1), naive(task, origins), happened(task, origins)
    bounds = {level: [np.stack([one.intervals[level][side] for one in told], 1) for side in (0, 1)] for level in LEVELS}
    quality = {f"coverage {level}": coverage(came, *bounds[level]) for level in LEVELS}
    quality["most by which it differs by decile of volume"] = max(by_decile(came, *bounds[level]) for level in LEVELS)
    quantiles = {0.5: median}
    for level, (lo, hi) in bounds.items():
        tail = (1 - level / 100) / 2
        quantiles |= {tail: lo, 1 - tail: hi}
    losses = [
        sum(pinball(came, say(q), q) for q in quantiles) for say in (quantiles.get, naive_quantile(task, origins))
    ]
    return (
        {"foretide": median, "SeasonalNaive": guess},
        {"foretide": cpu},
        quality | {"WQL / SN": losses[0] / losses[1]},
    )


def by_decile(came: Floats, lo: Floats, hi: Floats) -> float:
    """Return the largest distance of a decile of volume from the coverage of all series together."""
    order = np.argsort(came.mean(axis=(1, 2)))
    deciles = [part for part in np.array_split(order, 10) if part.size]
    return max(abs(coverage(came[of], lo[of], hi[of]) - coverage(came, lo, hi)) for of in deciles)


def asked_of(library: str, task: Task, origins: tuple[int, ...], python: Path, folder: Path) -> pl.DataFrame:
    """Return ``model, unique_id, origin, step, y, cpu_s`` of the models of a library."""
    panel = task.panel
    out = folder / f"{task.name}, {library}, {' '.join(map(str, origins))}.parquet"
    if not out.exists():
        long = pl.DataFrame(
            {
                "unique_id": np.repeat(np.asarray(panel.ids), panel.n_steps),
                "step": np.tile(np.arange(panel.n_steps), len(panel.ids)),
                "y": panel.y.ravel(),
            }
        )
        series = folder / "series.parquet"
        long.filter(pl.col("y").is_not_nan()).write_parquet(series)
        script = Path(__file__).parent / "peers" / "forecast_peers.py"
        call = [python, script, series, out, "--h", str(task.h), "--season-length", str(task.season_length)]
        call += ["--libraries", library, "--origins", *map(str, origins)]
        subprocess.run(call, check=True, env=os.environ | ONE_THREAD)
    return pl.read_parquet(out).cast({"y": pl.Float64})


def theirs(task: Task, origins: tuple[int, ...], table: pl.DataFrame) -> tuple[dict[str, Floats], dict[str, float]]:
    """Forecasts of the peers as in ``ours``, and their CPU ms a series."""
    ids = task.panel.ids
    table = table.join(pl.DataFrame({"unique_id": ids, "place": range(len(ids))}), on="unique_id")
    table = table.sort("model", "place", "origin", "step")
    shape = (len(ids), len(origins), task.h)
    said = {str(key[0]): rows["y"].to_numpy().reshape(shape) for key, rows in table.group_by("model")}
    cpu = {str(model): 1e3 * s for model, s in table.group_by("model").agg(pl.col("cpu_s").mean()).rows()}
    if parts := [name for name in said if name.startswith("Auto")]:
        said[TOGETHER] = np.mean([said[part] for part in parts], axis=0)
        cpu[TOGETHER] = sum(cpu[part] for part in parts)
    return said, cpu


def scores(task: Task, origins: tuple[int, ...], said: dict[str, Floats]) -> dict[str, float]:
    """Return the geometric mean over origins of the mean MASE."""
    came = happened(task, origins)
    found = {}
    for name, ahead in said.items():
        by_origin = [
            np.nanmean(mase(task.panel.y[:, :origin], came[:, j], ahead[:, j], task.season_length))
            for j, origin in enumerate(origins)
        ]
        found[name] = float(np.exp(np.mean(np.log(by_origin))))
    return found


def show(found: dict[str, float], cpu: dict[str, float]) -> None:
    for name, value in sorted(found.items(), key=lambda pair: pair[1]):
        ratio, ms = value / found["SeasonalNaive"], cpu.get(name, float("nan"))
        print(f"  {name:26}{value:9.4f}{ratio:8.3f} of SN {ms:9.3f} ms{ms / cpu['foretide']:9.1f} x ours", flush=True)


def summary(every: dict[str, list[float]], costs: dict[str, list[float]]) -> None:
    print("\ngeometric means over the panels: MASE, ratio to SeasonalNaive (a blow-up counted as 2), CPU over ours")
    for name, values in sorted(every.items(), key=lambda pair: np.mean(np.log(pair[1]))):
        ratios = np.minimum(np.array(values) / np.array(every["SeasonalNaive"]), 2)
        cost = np.array(costs.get(name, [np.nan])) / np.array(costs["foretide"])
        print(f"  {name:26}" + "".join(f"{np.exp(np.mean(np.log(of))):10.4f}" for of in (values, ratios, cost)))


def measure(task: Task, asked: argparse.Namespace, truth: Floats | None) -> tuple[dict[str, float], dict[str, float]]:
    """Return MASE and CPU ms a series by name, and print them."""
    origins = task.validation if asked.validate else task.test
    said, cpu, quality = ours(task, origins, () if asked.fast else tuple(asked.models))
    if truth is not None:
        said[ORACLE] = np.stack([truth[:, origin : origin + task.h] for origin in origins], axis=1)
    if asked.peers_python:
        with tempfile.TemporaryDirectory() as folder:
            place = asked.keep or Path(folder)
            tables = [asked_of(library, task, origins, asked.peers_python, place) for library in asked.libraries]
        peers, peer_cpu = theirs(task, origins, pl.concat(tables))
        said, cpu = said | peers, cpu | peer_cpu
    found = scores(task, origins, said)
    size = f"{len(task.panel.ids)} series of {task.panel.n_steps}, season {task.season_length}, h {task.h}"
    words = ", ".join(f"{name} {value:.3f}" for name, value in quality.items())
    print(f"\n{task.name}: {size}, origins {origins}; {words}")
    show(found, cpu)
    return found, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--models", nargs="*", default=BY_DEFAULT)
    parser.add_argument("--peers-python", type=Path)
    parser.add_argument("--libraries", nargs="*", choices=LIBRARIES, default=LIBRARIES)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--synthetic", type=int)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    if asked.synthetic:
        panel, truth = synthetic_series(asked.synthetic)
        measure(Task(f"synthetic {asked.synthetic}", panel), asked, truth)
        return
    every: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    for task in tasks(asked.only):
        found, cpu = measure(task, asked, None)
        for name, value in found.items():
            every.setdefault(name, []).append(value)
        for name, value in cpu.items():
            costs.setdefault(name, []).append(value)
    summary(every, costs)


if __name__ == "__main__":
    main()
