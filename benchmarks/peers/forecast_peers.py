"""Theta, ETS and CES of statsforecast on a table of series; runs in the peers' own environment.

    python forecast_peers.py SERIES.parquet OUT.parquet --h 28 --origins 278 334 [--season-length 7]

``SERIES`` has ``unique_id, step, y``; ``OUT`` gets ``model, unique_id, origin, step, y, cpu_s``: what each model
says after the first ``origin`` steps, and the CPU time of one series for this model at this origin on average.
ETS and CES see ``log(1 + y)``; the forecast is transformed back and never below zero.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator

import numpy as np
import polars as pl
from statsforecast.models import AutoCES, AutoETS, AutoTheta


def models(m: int) -> dict[str, tuple[object, bool]]:
    """Name -> model and whether it sees logarithms."""
    return {
        "AutoTheta": (AutoTheta(season_length=m), False),
        "AutoETS": (AutoETS(season_length=m, model="AAA", damped=True), True),
        "AutoCES": (AutoCES(season_length=m), True),
    }


def ahead(model: object, y: np.ndarray, h: int, log: bool) -> np.ndarray:
    known = np.log1p(y) if log else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean = model.forecast(y=known, h=h)["mean"]
    return np.maximum(np.expm1(mean) if log else mean, 0.0)


def forecasts(series: pl.DataFrame, origins: list[int], h: int, m: int) -> Iterator[pl.DataFrame]:
    by_series = {
        key[0]: rows.sort("step")["y"].to_numpy() for key, rows in series.group_by("unique_id", maintain_order=True)
    }
    for name, (model, log) in models(m).items():
        ahead(model, next(iter(by_series.values()))[: origins[0]], h, log)  # compiling does not count
        for origin in origins:
            began = time.process_time()
            values = [ahead(model, y[:origin], h, log) for y in by_series.values()]
            cpu_s = (time.process_time() - began) / len(by_series)
            yield pl.DataFrame(
                {
                    "model": name,
                    "unique_id": np.repeat(np.array(list(by_series)), h),
                    "origin": origin,
                    "step": np.tile(np.arange(origin, origin + h), len(by_series)),
                    "y": np.concatenate(values),
                    "cpu_s": cpu_s,
                }
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("series")
    parser.add_argument("out")
    parser.add_argument("--h", type=int, default=28)
    parser.add_argument("--season-length", type=int, default=7)
    parser.add_argument("--origins", type=int, nargs="+", required=True)
    args = parser.parse_args()
    series = pl.read_parquet(args.series)
    pl.concat(forecasts(series, args.origins, args.h, args.season_length)).write_parquet(args.out)


if __name__ == "__main__":
    main()
