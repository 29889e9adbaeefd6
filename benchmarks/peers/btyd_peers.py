"""Buy-till-you-die models of lifetimes on CDNOW; runs in an environment of its own (``lifetimes.in``).

    python btyd_peers.py SUMMARY.parquet OUT.json

``SUMMARY`` has ``frequency, recency, age`` of all customers, in weeks. ``OUT`` gets the parameters of each model and
the CPU and wall time of its second fit (the first one loads what it needs), for ``all`` customers and for the
``sample`` of 2,357 that comes with lifetimes; that sample itself goes to ``OUT`` too, as columns. MBG/NBD and
Pareto/NBD are fitted to the sample only once, as they are slow.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import polars as pl
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
from lifetimes.datasets import load_cdnow_summary

FITTERS = {"BG/NBD": BetaGeoFitter, "MBG/NBD": ModifiedBetaGeoFitter, "Pareto/NBD": ParetoNBDFitter}


def fitted(name: str, columns: tuple[object, object, object], runs: int) -> dict[str, object]:
    for _ in range(runs):
        fitter = FITTERS[name](penalizer_coef=0.0)
        wall, cpu = time.perf_counter(), time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter.fit(*columns)
        cost = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    return {"theta": list(fitter.params_), **cost}


def main() -> None:
    table = pl.read_parquet(sys.argv[1])
    everybody = tuple(table[name].to_numpy() for name in ("frequency", "recency", "age"))
    rows = load_cdnow_summary(index_col=[0])
    sample = tuple(rows[name].to_numpy() for name in ("frequency", "recency", "T"))
    found = {
        "sample": {name: fitted(name, sample, 2 if name == "BG/NBD" else 1) for name in FITTERS},
        "all": {name: fitted(name, everybody, 2 if name == "BG/NBD" else 1) for name in FITTERS},
        "columns": dict(zip(("frequency", "recency", "age"), (column.tolist() for column in sample), strict=True)),
    }
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
