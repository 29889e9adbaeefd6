"""Forecasts of the peers on a table of series; runs in the peers' own environment.

    python forecast_peers.py SERIES.parquet OUT.parquet --h 28 --origins 278 334 [--season-length 7]
        [--libraries statsforecast mlforecast neuralforecast]

``SERIES`` has ``unique_id, step, y``; ``OUT`` gets ``model, unique_id, origin, step, y, cpu_s``: what each model
says after the first ``origin`` steps, never below zero, and the CPU time of one series for this model at this origin on
average, learning included, compiling and importing not.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

#: Library -> module with ``MODELS``: name -> function of the pasts of all series, h and the season length.
LIBRARIES = {"statsforecast": "statistical", "mlforecast": "trees", "neuralforecast": "network"}
Model = Callable[[Sequence[np.ndarray], int, int], np.ndarray]


def forecasts(
    name: str, model: Model, series: dict[str, np.ndarray], origins: list[int], h: int, m: int
) -> Iterator[pl.DataFrame]:
    for origin in origins:
        began = time.process_time()
        told = model([y[:origin] for y in series.values()], h, m)  # (n_series, h)
        cpu_s = (time.process_time() - began) / len(series)
        yield pl.DataFrame(
            {
                "model": name,
                "unique_id": np.repeat(np.array(list(series)), h),
                "origin": origin,
                "step": np.tile(np.arange(origin, origin + h), len(series)),
                "y": np.maximum(told, 0.0).ravel(),
                "cpu_s": cpu_s,
            }
        )


def every_model(libraries: Sequence[str], some: Sequence[np.ndarray], h: int, m: int) -> Iterator[tuple[str, Model]]:
    """Yield the models by name; those that compile have done so."""
    for library in libraries:
        for name, model in importlib.import_module(LIBRARIES[library]).MODELS.items():
            if library == "statsforecast":
                model(some, h, m)
            yield name, model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("series")
    parser.add_argument("out")
    parser.add_argument("--h", type=int, default=28)
    parser.add_argument("--season-length", type=int, default=7)
    parser.add_argument("--origins", type=int, nargs="+", required=True)
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=["statsforecast"])
    asked = parser.parse_args()
    groups = pl.read_parquet(asked.series).sort("step").group_by("unique_id", maintain_order=True)
    series = {str(key[0]): rows["y"].to_numpy() for key, rows in groups}
    some = [next(iter(series.values()))[: asked.origins[0]]]
    pl.concat(
        part
        for name, model in every_model(asked.libraries, some, asked.h, asked.season_length)
        for part in forecasts(name, model, series, asked.origins, asked.h, asked.season_length)
    ).write_parquet(asked.out)


if __name__ == "__main__":
    main()
