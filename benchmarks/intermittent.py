"""Forecasts of sparse counts beside a plain Croston and statsforecast's CrostonSBA, TSB and ADIDA.

    python benchmarks/intermittent.py [--seed 1] [--peers-python .venv-peers/bin/python]

500 synthetic daily series of 730 days, three days in four zero: negative binomial, a weekday pattern and a level that
wanders slowly, so the true mean is known. h = 28 from the days 590, 618, 646, 674 and 702. RMSSE (m = 7)
judges the mean; bias is the sum of the errors over the sum of what happened, and of what was truly to be expected;
the distance is that from the true mean, root mean square over mean. The grids were chosen on seed 0.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from foretide.evaluate.metrics import bias, mase, rmsse
from foretide.forecast.count_distribution import count_quantiles
from foretide.forecast.demand_classes import intermittency
from foretide.forecast.intermittent import TSB, Adida, Croston
from foretide.forecast.smoothing import HoltWinters
from foretide.schema import Floats

H = 28
ORIGINS = (590, 618, 646, 674, 702)
N_STEPS = 730
#: Counts a day, standard deviations of the weekdays' effects and of a day's walk on the log scale, and dispersion.
LEVELS, WEEK, WALK, DISPERSION = (0.08, 1.25), 0.3, 0.015, 0.75
QUANTILES = (0.5, 0.8, 0.9, 0.975)
PEERS = """
import sys, time
import numpy as np
from statsforecast.models import ADIDA, TSB, CrostonSBA
given = np.load(sys.argv[1])
said = {}
for name, model in {"CrostonSBA": CrostonSBA(), "TSB": TSB(0.1, 0.1), "ADIDA": ADIDA()}.items():
    model.forecast(y=given["y"][0], h=1)
    began = time.process_time()
    ahead = lambda y: [model.forecast(y=y[:o], h=int(given["h"]))["mean"] for o in given["origins"]]
    said[name] = np.array([ahead(y) for y in given["y"]])
    said[name + " cpu"] = np.array(time.process_time() - began)
np.savez(sys.argv[2], **said)
"""


def sparse_series(n_series: int, seed: int) -> tuple[Floats, Floats]:
    """Return the counts and the true mean of each day."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(*np.log(LEVELS), (n_series, 1))
    week = rng.normal(0, WEEK, (n_series, 7))[:, np.arange(N_STEPS) % 7]
    walk = np.cumsum(rng.normal(0, WALK, (n_series, N_STEPS)), axis=1)
    mean = np.exp(level + week + walk - WALK**2 / 2 * np.arange(N_STEPS))  # expected to stay where it is
    return rng.poisson(mean * rng.gamma(DISPERSION, 1 / DISPERSION, mean.shape)).astype(np.float64), mean


def plain_croston(y: Floats, alpha: float = 0.1) -> float:
    """Croston (1972) as in textbooks: one series, one parameter, the first demand as the start."""
    at = np.flatnonzero(y)
    if not at.size:
        return 0.0
    sizes, gaps = y[at], np.diff(at, prepend=-1)
    z, q = sizes[0], float(gaps[0])
    for size, gap in zip(sizes[1:], gaps[1:], strict=True):
        z, q = z + alpha * (size - z), q + alpha * (gap - q)
    return float(z / q)


def theirs(y: Floats, python: Path) -> dict[str, tuple[Floats, float]]:
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given.npz", Path(folder) / "peers.npz"
        np.savez(given, y=y, origins=ORIGINS, h=H)
        subprocess.run([python, "-c", PEERS, given, out], check=True)
        said = dict(np.load(out))
    return {
        f"statsforecast {name}": (said[name], float(said[f"{name} cpu"])) for name in ("CrostonSBA", "TSB", "ADIDA")
    }


def ours(y: Floats) -> dict[str, tuple[Floats, Floats, float]]:
    """Name -> means, medians and CPU s; the first call, which compiles, does not count."""
    methods = {
        "Croston(classic)": Croston(variant="classic"),
        "Croston(sba)": Croston(),
        "Croston(sy)": Croston(variant="sy"),
        "TSB": TSB(),
        "Adida": Adida(),
        "Croston(sba), no weekdays": Croston(season_length=1),
        "HoltWinters": HoltWinters(log=False),
    }
    said = {}
    for name, method in methods.items():
        method.ahead(y[:2], ORIGINS, H)
        began = time.process_time()
        mean, median = method.ahead(y, ORIGINS, H)
        said[name] = np.maximum(mean, 0.0), median, time.process_time() - began
    together = ("Croston(sba)", "TSB", "Adida")
    mean = np.mean([said[name][0] for name in together], axis=0)
    return said | {"mean of Croston(sba), TSB, Adida": (mean, mean, sum(said[name][2] for name in together))}


def row(name: str, y: Floats, truth: Floats, mean: Floats, median: Floats, cpu_s: float) -> str:
    happened, expected = (np.stack([values[:, o : o + H] for o in ORIGINS], axis=1) for values in (y, truth))
    squares, absolute = (
        np.mean([np.nanmean(metric(y[:, :o], happened[:, j], said[:, j])) for j, o in enumerate(ORIGINS)])
        for metric, said in ((rmsse, mean), (mase, median))
    )
    distance = np.sqrt(np.mean((mean - expected) ** 2)) / expected.mean()
    cpu_ms = 1e3 * cpu_s / len(y) / len(ORIGINS)
    biases = "; ".join(f"{100 * bias(what, mean):+.2f} %" for what in (happened, expected))
    figures = f"{squares:.4f} | {biases} | {absolute:.3f} | {distance:.3f} | {cpu_ms:.3f}"
    return f"| {name} | {figures} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers-python", type=Path)
    args = parser.parse_args()
    y, truth = sparse_series(500, args.seed)
    found = intermittency(y)
    kinds = ", ".join(f"{n} {kind}" for kind, n in zip(*np.unique(found.kind, return_counts=True), strict=True))
    print(f"{len(y)} series, {100 * found.zeros.mean():.1f} % zeros; {kinds}")
    columns = (
        "method",
        "RMSSE of the mean",
        "bias: happened; true",
        "MASE of the median",
        "distance",
        "CPU ms a forecast",
    )
    print(f"| {' | '.join(columns)} |")
    print("| --- " * 6 + "|")
    oracle = np.stack([truth[:, o : o + H] for o in ORIGINS], axis=1)
    oracle_median = count_quantiles(oracle, oracle + oracle**2 / DISPERSION, [0.5])[0]
    print(row("the true mean and median", y, truth, oracle, oracle_median, 0.0))
    for name, (mean, median, cpu_s) in ours(y).items():
        print(row(name, y, truth, mean, median, cpu_s))
    began = time.process_time()
    levels = np.array([[plain_croston(series[:o]) for o in ORIGINS] for series in y])
    plain = np.repeat(levels[..., None], H, axis=2)
    print(row("plain Croston, alpha .1", y, truth, plain, plain, time.process_time() - began))
    for name, (mean, cpu_s) in (theirs(y, args.peers_python) if args.peers_python else {}).items():
        print(row(name, y, truth, mean, mean, cpu_s))
    happened = np.stack([y[:, o : o + H] for o in ORIGINS], axis=1)
    bounds = count_quantiles(*TSB().moments(y, ORIGINS, H), QUANTILES)
    inside = ", ".join(
        f"{q}: {(happened < b).mean():.3f} below, {(happened <= b).mean():.3f} up to it"
        for q, b in zip(QUANTILES, bounds, strict=True)
    )
    print(f"quantiles of TSB: {inside}")


if __name__ == "__main__":
    main()
