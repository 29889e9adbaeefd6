"""ARIMA beside statsmodels and statsforecast, on synthetic negative binomial daily counts.

    python benchmarks/arima_peers.py [--series 10] [--peers-python .venv-peers/bin/python]

Series of ``synthetic_series`` (730 days), the last 28 are forecast from the others; orders were chosen on other seeds.
MASE (m = 7) judges the median. CPU time is that of one thread, without compiling, all in one run. statsmodels fits
ARIMA(5,1,2) by exact likelihood; statsforecast's ``AutoARIMA`` sees ``log(1 + y)``, as ``AutoArima`` does, and runs in
the peers' own environment (``make peers``).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from statsmodels.tsa.arima.model import ARIMA

from foretide.evaluate.metrics import mase, rmsse
from foretide.forecast.arima import Arima, AutoArima
from foretide.forecast.baselines import SeasonalNaive, SeasonalWindowAverage
from foretide.forecast.method import Method
from foretide.forecast.smoothing import HoltWinters
from foretide.schema import Floats
from synthetic_series import synthetic_series

H = 28
SEASON = 7
SEED = 7
ORDER = (5, 1, 2)

PEER = """
import sys, time, warnings
import numpy as np
from statsforecast.models import AutoARIMA
warnings.simplefilter("ignore")
past = np.log1p(np.load(sys.argv[1]))
AutoARIMA(season_length=7).forecast(y=past[0, :60], h=2)  # compiling does not count
began = time.process_time()
told = [AutoARIMA(season_length=7).forecast(y=y, h=int(sys.argv[3]))["mean"] for y in past]
cpu_s = time.process_time() - began
np.savez(sys.argv[2], told=np.expm1(np.array(told)), cpu_s=cpu_s)
"""

Answer = tuple[Floats, float]  # medians (n_series, h), CPU ms a series


def ours(method: Method, past: Floats) -> Answer:
    method.ahead(past[:1], [past.shape[1]], H)  # compiling does not count
    began = time.process_time()
    told = method.ahead(past, [past.shape[1]], H).median[:, 0]
    return told, 1e3 * (time.process_time() - began) / len(past)


def of_statsmodels(past: Floats) -> Answer:
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = np.array([ARIMA(y, order=ORDER).fit().forecast(H) for y in past])
    return told, 1e3 * (time.process_time() - began) / len(past)


def of_statsforecast(past: Floats, python: Path) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        series, out = Path(folder) / "past.npy", Path(folder) / "told.npz"
        np.save(series, past)
        subprocess.run([python, "-c", PEER, series, out, str(H)], check=True)
        answer = np.load(out)
        return answer["told"], 1e3 * float(answer["cpu_s"]) / len(past)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, default=10)
    parser.add_argument("--peers-python", type=Path)
    args = parser.parse_args()
    panel, mean = synthetic_series(args.series, seed=SEED)
    past, happened = panel.y[:, :-H], panel.y[:, -H:]
    runs: dict[str, Callable[[], Answer]] = {
        "SeasonalNaive": lambda: ours(SeasonalNaive(SEASON), past),
        "SeasonalWindowAverage": lambda: ours(SeasonalWindowAverage(SEASON), past),
        "HoltWinters on log1p": lambda: ours(HoltWinters(), past),
        "Arima(5,1,2)": lambda: ours(Arima(order=ORDER), past),
        "AutoArima on log1p": lambda: ours(AutoArima(SEASON), past),
        "statsmodels ARIMA(5,1,2)": lambda: of_statsmodels(past),
    }
    if args.peers_python:
        runs["statsforecast AutoARIMA on log1p"] = lambda: of_statsforecast(past, args.peers_python)
    print(f"{args.series} series, {past.shape[1]} days known, h = {H}")
    print("| model | CPU ms a series | MASE | RMSSE of the median |\n| --- | --- | --- | --- |")
    for name, answer in {**runs, "the true mean": lambda: (mean[:, -H:], np.nan)}.items():
        told, cpu = answer()
        scores = (np.nanmean(metric(past, happened, np.maximum(told, 0), SEASON)) for metric in (mase, rmsse))
        print(f"| {name} | {cpu:.2f} | {' | '.join(f'{score:.4f}' for score in scores)} |", flush=True)


if __name__ == "__main__":
    main()
